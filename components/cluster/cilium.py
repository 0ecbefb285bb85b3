"""Cilium: the cluster's network, its network policies, and the addresses of its load balancers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.base import Component
from components.cluster.charts import CILIUM, release
from components.cluster.patches import KUBEPRISM_PORT

AGENT_CAPABILITIES = (
    "CHOWN", "KILL", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "SYS_ADMIN", "SYS_RESOURCE", "DAC_OVERRIDE", "FOWNER",
    "SETGID", "SETUID",
)  # fmt: skip
"""What the agent may do. Cilium's default has SYS_MODULE too, which Talos gives to no container."""
CLEAN_CAPABILITIES = ("NET_ADMIN", "SYS_ADMIN", "SYS_RESOURCE")
"""What the step that cleans up may do: as above."""


@dataclass(frozen=True, kw_only=True)
class CiliumArgs:
    """Cilium on one cluster."""

    load_balancer: tuple[str, str]
    """First and last address for services of type LoadBalancer."""
    nodes: int
    """Number of machines; the operator runs twice where there are two."""


def values(args: CiliumArgs) -> dict[str, Any]:
    """Return the chart's values."""
    return {
        "ipam": {"mode": "kubernetes"},
        "kubeProxyReplacement": True,
        "k8sServiceHost": "localhost",
        "k8sServicePort": KUBEPRISM_PORT,
        "securityContext": {
            "capabilities": {"ciliumAgent": list(AGENT_CAPABILITIES), "cleanCiliumState": list(CLEAN_CAPABILITIES)}
        },
        # Talos has mounted it already.
        "cgroup": {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"},
        # Between machines in clear is what BIO2 8.21.04 is about, and zones are connected by networks of others.
        "encryption": {"enabled": True, "type": "wireguard"},
        # The class belongs to the service `gateway-api`, which brings the definitions that it needs.
        "gatewayAPI": {"enabled": True, "gatewayClass": {"create": "false"}},
        "l2announcements": {"enabled": True},
        # Leases of the addresses are renewed through the API server: more requests than the default allows.
        "k8sClientRateLimit": {"qps": 20, "burst": 40},
        # Certificates from a job in the cluster: those that Helm makes differ at every run.
        "hubble": {"enabled": True, "relay": {"enabled": True}, "tls": {"auto": {"method": "cronJob"}}},
        "operator": {"replicas": min(2, args.nodes), "rollOutPods": True},
        "rollOutCiliumPods": True,
    }


class Cilium(Component):
    """The network, and the pool of addresses that it answers for."""

    layer = "cluster"

    release: k8s.helm.v3.Release
    """The release; nothing but host-network pods runs before it."""

    def __init__(self, name: str, args: CiliumArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.release = release(f"{name}-release", CILIUM, values(args), self.child())
        after = self.child(pulumi.ResourceOptions(depends_on=[self.release]))
        first, last = args.load_balancer
        k8s.apiextensions.CustomResource(
            f"{name}-addresses",
            api_version="cilium.io/v2",
            kind="CiliumLoadBalancerIPPool",
            metadata={"name": "load-balancer"},
            spec={"blocks": [{"start": first, "stop": last}]},
            opts=after,
        )
        k8s.apiextensions.CustomResource(
            f"{name}-announcement",
            api_version="cilium.io/v2alpha1",
            kind="CiliumL2AnnouncementPolicy",
            metadata={"name": "load-balancer"},
            spec={
                "loadBalancerIPs": True,
                "interfaces": ["eth0"],
                # Control planes answer for their VIP already, and carry no traffic of applications.
                "nodeSelector": {
                    "matchExpressions": [{"key": "node-role.kubernetes.io/control-plane", "operator": "DoesNotExist"}]
                },
            },
            opts=after,
        )
        self.register_outputs({"version": CILIUM.version})
