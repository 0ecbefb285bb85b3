"""Charts of the cluster layer at exact versions, and how they are installed. Renovate raises the versions here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

NAMESPACE = "kube-system"
"""Namespace of all of them: the only one that Talos exempts from Pod Security, and they all work on the host."""

SECONDS = 600
"""Seconds a release may take to become ready: the first one waits for every machine to pull its images."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Helm chart at one exact version."""

    name: str
    """Name of the chart."""
    version: str
    """Exact version."""
    repository: str
    """Address of the repository."""


CILIUM = Chart(
    name="cilium",
    # renovate: datasource=helm depName=cilium registryUrl=https://helm.cilium.io
    version="1.20.2",
    repository="https://helm.cilium.io",
)
VSPHERE_CPI = Chart(
    name="vsphere-cpi",
    # Its minor version follows that of Kubernetes.
    # renovate: datasource=helm depName=vsphere-cpi registryUrl=https://kubernetes.github.io/cloud-provider-vsphere
    version="1.36.0",
    repository="https://kubernetes.github.io/cloud-provider-vsphere",
)
VSPHERE_CSI = Chart(
    name="vsphere-csi",
    # renovate: datasource=helm depName=vsphere-csi registryUrl=https://vsphere-tmm.github.io/helm-charts
    version="3.8.1",
    repository="https://vsphere-tmm.github.io/helm-charts",
)
KUBELET_CSR_APPROVER = Chart(
    name="kubelet-csr-approver",
    # renovate: datasource=helm depName=kubelet-csr-approver registryUrl=https://postfinance.github.io/kubelet-csr-approver
    version="1.2.14",
    repository="https://postfinance.github.io/kubelet-csr-approver",
)

# The version that Cilium 1.20 is built against; raise both together.
# renovate: datasource=github-releases depName=kubernetes-sigs/gateway-api
GATEWAY_API = "v1.6.1"
"""Version of the Gateway API's custom resource definitions."""

GATEWAY_CRDS = f"https://github.com/kubernetes-sigs/gateway-api/releases/download/{GATEWAY_API}/standard-install.yaml"
"""The definitions. Talos applies them at bootstrap, before there is a CNI that could look for them."""


def release(name: str, chart: Chart, values: Mapping[str, Any], opts: pulumi.ResourceOptions) -> k8s.helm.v3.Release:
    """Install a chart, or bring it back as it was when it does not become ready."""
    return k8s.helm.v3.Release(
        name,
        name=chart.name,
        chart=chart.name,
        version=chart.version,
        repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=chart.repository),
        namespace=NAMESPACE,
        values=dict(values),
        atomic=True,
        timeout=SECONDS,
        opts=opts,
    )
