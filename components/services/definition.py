"""What a service of the catalogue is: data and two functions, without any Pulumi resource.

A definition says what would be installed. It is read by the cluster file's model (settings, requirements), by the
component that installs it, by its documentation page and by rules; none of them needs a cluster for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from inputs.validate import FileModel

if TYPE_CHECKING:
    from components.cluster.handle import ClusterDeclared

Manifest = dict[str, Any]
"""A Kubernetes object as it would stand in YAML. Never a Secret with data: secrets come from Vault, in the cluster."""

Values = dict[str, Any]
"""Values of a Helm chart."""

Category = Literal["delivery", "observability", "security", "networking", "data"]
PodSecurity = Literal["restricted", "baseline", "privileged"]
Ready = Literal["healthy", "synced"]

Settings = TypeVar("Settings", bound=FileModel)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Helm chart at one exact version."""

    name: str
    """Name of the chart."""
    repository: str
    """Address of the chart repository (`https://` or `oci://`)."""
    version: str
    """Exact version of the chart. Renovate raises it."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a service is installed: what its values may depend on, all of it known before anything exists."""

    cluster: ClusterDeclared
    """The declared part of the cluster's handle."""
    services: Mapping[str, FileModel]
    """Settings of all services that the cluster has, by name."""

    @property
    def storage_class(self) -> str:
        """The cluster's default storage class for volumes of one node."""
        return self.cluster.storage_classes[0]

    def replicas(self, wanted: int) -> int:
        """Return the wanted number of replicas, but never more than there are worker nodes to spread them over."""
        return max(1, min(wanted, self.cluster.workers))

    def host(self, name: str) -> str:
        """Return the host name of one of the cluster's own services."""
        return f"{name}.{self.cluster.domain}"


@dataclass(frozen=True, kw_only=True)
class ServiceDefinition(Generic[Settings]):
    """One Haven+ building block."""

    name: str
    """Name in the cluster file and of the page; lower case with hyphens."""
    title: str
    """Name as people write it."""
    summary: str
    """One or two sentences: what it does here."""
    category: Category
    """Which part of the platform it belongs to."""
    charts: tuple[Chart, ...]
    """Every chart that some setting can choose, with its version; none where the objects alone are the service."""
    namespace: str
    """Namespace of its own; made with the service."""
    pod_security: PodSecurity
    """Pod Security level that the namespace enforces: the strictest that the service runs under."""
    pod_security_reason: str = ""
    """Why the level is not `restricted`. Default: empty, for those that are."""
    settings: type[Settings]
    """Model of the service's part of the cluster file."""
    values: Callable[[Settings, Place], Mapping[str, Values]]
    """Values by name of the chart; a chart that is absent from the answer is not installed."""
    objects: Callable[[Settings, Place], Sequence[Manifest]] = lambda _settings, _place: ()
    """Objects beside the charts: custom resources that the service needs to be of use. Default: none."""
    requires: tuple[str, ...] = ()
    """Services that must be there, and come first. Default: none."""
    follows: tuple[str, ...] = ()
    """Services that come first where the cluster has them. Default: none."""
    ready: Ready = "healthy"
    """When the next service may follow. `synced` is for what cannot become healthy by itself. Default: `healthy`."""
    haven: tuple[str, ...] = ()
    """Haven checks that the service serves, by their official id. Default: none."""
    bio2: tuple[str, ...] = ()
    """BIO2 measures that it gives evidence of design for. Default: none."""
    notes: tuple[str, ...] = ()
    """What one has to know before choosing it; stands on its page. Default: nothing."""
