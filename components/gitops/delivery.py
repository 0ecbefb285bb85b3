"""Delivery: who applies the children, Pulumi itself or the GitOps engine from git.

The components that make children are the same either way. Only the provider differs: `direct` gives them the
cluster's, `git` one that writes YAML into a folder, from where it goes into the organisation's repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.base import Component, kept
from components.cluster.handle import ClusterDeclared
from components.gitops.argocd import ArgoCd
from components.gitops.engine import GitOps, Installation, Project, Root, Source

ENGINES: dict[str, type[ArgoCd]] = {"argocd": ArgoCd}
"""Engines by their name in the cluster file."""


def engine(cluster: ClusterDeclared) -> GitOps:
    """Return the cluster's GitOps engine."""
    return ENGINES[cluster.gitops.engine]()


@dataclass(frozen=True, kw_only=True)
class EngineArgs:
    """What the engine's installation needs."""

    cluster: ClusterDeclared
    """The declared part of the cluster's handle."""
    projects: Sequence[Project]
    """Projects of the layer."""


class Engine(Component):
    """The GitOps engine with its projects.

    Teardown is the other way round: children go first, because the engine takes away what they made; then the
    projects, without which the engine refuses to touch them; then the engine. `depends_on` says so.
    """

    layer = "gitops"

    projects: tuple[pulumi.Resource, ...]
    """The projects; every child depends on them."""

    def __init__(self, name: str, args: EngineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make namespace, engine and projects."""
        super().__init__(name, {"engine": args.cluster.gitops.engine, "delivery": args.cluster.delivery}, opts)
        gitops = engine(args.cluster)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": gitops.namespace,
                "labels": {
                    "kade/layer": "services",
                    "pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/audit": "restricted",
                    "pod-security.kubernetes.io/warn": "restricted",
                },
            },
            # The releases lie in it: those that are kept would go with it.
            opts=self.child(kept(args.cluster.keep_data)),
        )
        installation = Installation(
            domain=args.cluster.domain,
            replicas=max(1, min(3, args.cluster.workers)),
            identity_issuer=args.cluster.identity_issuer,
        )
        release = gitops.install(
            f"{name}-release", installation, self.child(pulumi.ResourceOptions(depends_on=[namespace]))
        )
        self.projects = tuple(
            gitops.project(
                f"{name}-project-{project.name}",
                project,
                self.child(pulumi.ResourceOptions(depends_on=[release])),
            )
            for project in args.projects
        )
        self.register_outputs({"engine": gitops.engine})


def root_of(stack: str, project: str, cluster: ClusterDeclared) -> Root:
    """Return the root of a stack: the folder of the GitOps repository that carries the stack's name."""
    if cluster.gitops.repository is None:
        msg = "delivery `git` needs a repository"  # the cluster file's rules refuse this already
        raise ValueError(msg)
    source = Source(repository=cluster.gitops.repository, version=cluster.gitops.revision, path=stack)
    return Root(name=stack, project=project, source=source)
