"""What the cluster layer hands to the services and teams layers.

Any substrate fills the same handle, so that services and teams do not know what the cluster stands on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pulumi

HANDLE_VERSION = 1
"""Version of the exported handle; a reader refuses a newer one."""

STORAGE_CLASSES = ("vsphere-block",)
"""Storage classes on vSphere: one for ReadWriteOnce volumes, the default. ReadWriteMany is a service of its own."""


@dataclass(frozen=True, kw_only=True)
class GitOps:
    """Where the GitOps engine of the cluster finds what it delivers."""

    engine: Literal["argocd"]
    """The engine."""
    repository: str | None
    """Address of the organisation's GitOps repository; `None` where delivery is `direct`."""
    revision: str
    """Branch or tag that the engine follows."""


@dataclass(frozen=True, kw_only=True)
class ClusterDeclared:
    """The part that stands in the organisation's files, known before anything exists."""

    name: str
    """Name of the cluster."""
    domain: str
    """Domain of the cluster's own hosts: `grafana.<domain>`."""
    endpoint: str
    """Address of the API server, for example `https://10.20.0.10:6443`."""
    kubernetes_version: str
    """Version that the cluster should run, without `v`."""
    zones: tuple[str, ...]
    """Failure domains, as nodes carry them in `topology.kubernetes.io/zone`."""
    workers: int
    """Number of worker nodes; replicas of a service never exceed it."""
    storage_classes: tuple[str, ...]
    """Storage classes that the cluster layer makes; the first is the default one."""
    load_balancer_range: tuple[str, str]
    """First and last address that services of type LoadBalancer may get."""
    pod_network: str
    """CIDR of the pods."""
    service_network: str
    """CIDR of the services."""
    issuer: str
    """Issuer of the cluster's service account tokens; Vault trusts it per cluster. Talos takes the endpoint."""
    identity_issuer: str | None
    """OpenID Connect issuer of the people who use the cluster; `None` where there is none."""
    vault_address: str | None
    """Address of the Vault or OpenBao that holds the teams' engines; `None` where there is none."""
    vault_directory: bool
    """Whether people sign in to Vault through an LDAP directory; else through `identity_issuer`."""
    delivery: Literal["git", "direct"]
    """Who applies what the GitOps engine owns: the engine from git, or Pulumi itself (`direct`)."""
    gitops: GitOps
    """The GitOps engine and its repository."""
    keep_data: bool
    """Whether data outlives its resource: true where the cluster carries an environment of stage production."""


@dataclass(frozen=True, kw_only=True)
class ClusterObserved:
    """The part that is known once the cluster exists; unknown at preview until then."""

    kubeconfig: pulumi.Output[str]
    """Administrator's kubeconfig. Secret."""
    ca: pulumi.Output[str]
    """Certificate authority of the API server, PEM in base64."""
    uid: pulumi.Output[str]
    """Identity of the cluster: what tells it from another one of the same name."""


@dataclass(frozen=True, kw_only=True)
class ClusterHandle:
    """Both parts together."""

    declared: ClusterDeclared
    observed: ClusterObserved

    def export(self) -> dict[str, Any]:
        """Return what the stack exports as `handle`; the kubeconfig stays a secret in it."""
        return {
            "version": HANDLE_VERSION,
            "kind": "cluster",
            "cluster": self.declared.name,
            "kubeconfig": pulumi.Output.secret(self.observed.kubeconfig),
            "ca": self.observed.ca,
            "uid": self.observed.uid,
        }
