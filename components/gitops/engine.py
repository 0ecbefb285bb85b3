"""What a GitOps engine does for the platform, in words that no engine owns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pulumi


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where something is delivered from: a chart with its values, or a folder of a git repository."""

    repository: str
    """Address of the chart repository or git repository."""
    version: str
    """Exact version of the chart; branch, tag or commit of the git repository."""
    chart: str | None = None
    """Name of the chart. Give this or `path`."""
    path: str | None = None
    """Folder of the git repository. Give this or `chart`."""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values of the chart. Default: the chart's own."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One thing that the engine keeps as declared."""

    name: str
    """Name of the engine's object; one of its kind on the cluster."""
    installed_as: str | None = None
    """Name under which a chart is installed; names of its objects start with it. Default: the name of the release."""
    namespace: str
    """Namespace it goes into; it must exist."""
    project: str
    """Project whose bounds hold for it."""
    source: Source
    """Where it comes from."""
    position: int = 0
    """Its place in the order: what has a lower one is ready first. Default: 0."""
    ready: Literal["healthy", "synced"] = "healthy"
    """When it counts as ready. Default: when it is healthy."""
    keep: bool = False
    """Whether what it installed stays when the release goes. Default: no; yes for what holds data in production."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """The bounds of what the engine may do on someone's behalf."""

    name: str
    """Name of the project."""
    description: str
    """Whose it is."""
    repositories: Sequence[str]
    """Exact addresses it may deliver from."""
    namespaces: Sequence[str]
    """Namespaces it may deliver into."""
    cluster_wide: Sequence[tuple[str, str]] = ()
    """Group and kind of the objects without a namespace that it may make. Default: none."""
    forbidden: Sequence[tuple[str, str]] = ()
    """Group and kind of objects that it may not make even in its namespaces. Default: none."""


@dataclass(frozen=True, kw_only=True)
class Root:
    """The one release that Pulumi applies where the engine finds the rest in git."""

    name: str
    """Its name."""
    project: str
    """Project whose bounds hold for it."""
    source: Source
    """Folder of the organisation's GitOps repository."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What the engine's own installation depends on."""

    domain: str
    """Domain of the cluster's own hosts."""
    replicas: int
    """Wanted replicas of what can be replicated, at most the number of worker nodes."""
    identity_issuer: str | None
    """OpenID Connect issuer of people; without one nobody signs in."""


class GitOps(Protocol):
    """A GitOps engine."""

    engine: str
    """Its name in the cluster file."""
    namespace: str
    """Namespace in which it runs and in which its own objects live."""
    waits: bool
    """Whether it can hold back what follows until a release is ready."""

    def install(self, name: str, installation: Installation, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Install the engine itself."""
        ...

    def project(self, name: str, project: Project, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Make a project."""
        ...

    def release(self, name: str, release: Release, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Make a release."""
        ...

    def root(self, name: str, root: Root, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Make the root of what stands in git."""
        ...

    def marks(self, position: int, *, keep: bool = False) -> Mapping[str, str]:
        """Return the annotations that give an object its place in the order, and keep it when its owner goes."""
        ...
