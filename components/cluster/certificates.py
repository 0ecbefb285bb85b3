"""Approve the kubelets' serving certificates, and no others.

A kubelet asks the cluster to sign a certificate for its own address. Kubernetes leaves the approval to others, and
metrics-server trusts no kubelet without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.base import Component
from components.cluster.charts import KUBELET_CSR_APPROVER, release

YEAR_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class CertificateApproverArgs:
    """Whose certificates are approved."""

    cluster: str
    """Name of the cluster: the start of every machine's name."""
    machines: str
    """CIDR of the machines: a certificate for another address is refused."""


def values(args: CertificateApproverArgs) -> dict[str, Any]:
    """Return the chart's values."""
    return {
        "providerRegex": rf"^{args.cluster}-(control-plane|worker)-[0-9]+$",
        "providerIpPrefixes": [args.machines],
        "maxExpirationSeconds": str(YEAR_SECONDS),
        # Machines need no name in DNS; name and address are both checked above.
        "bypassDnsResolution": True,
    }


class CertificateApprover(Component):
    """The approver, a chart with rules for this cluster's machines."""

    layer = "cluster"

    release: k8s.helm.v3.Release
    """The release."""

    def __init__(self, name: str, args: CertificateApproverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.release = release(f"{name}-release", KUBELET_CSR_APPROVER, values(args), self.child())
        self.register_outputs({"version": KUBELET_CSR_APPROVER.version})
