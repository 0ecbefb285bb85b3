"""The vSphere cloud provider (CPI): tells Kubernetes which virtual machine a node is, and its addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.base import Component
from components.cluster.charts import NAMESPACE, VSPHERE_CPI, release
from inputs.yaml import dump

NOWHERE = "192.0.2.0/24"
"""A network reserved for documentation (RFC 5737), so no machine has an address in it.

Without an external network the provider calls a node's only address its ExternalIP as well, and every node counts as
exposed to the internet.
"""

SECRET = "vsphere-cloud-secret"  # a name


@dataclass(frozen=True, kw_only=True)
class VCenterAccess:
    """How the cluster itself reaches vCenter."""

    server: str
    """Host name."""
    datacenter: str
    """Data centre."""
    user: pulumi.Input[str]
    """Account. Secret."""
    password: pulumi.Input[str]
    """Its password. Secret."""


@dataclass(frozen=True, kw_only=True)
class CloudProviderArgs:
    """The provider on one cluster."""

    vcenter: VCenterAccess
    """Access to vCenter."""
    machines: str
    """CIDR of the machines: their internal addresses."""
    vip: str
    """Address of the API server; it belongs to no node."""


def configuration(args: CloudProviderArgs) -> dict[str, Any]:
    """Return the provider's configuration; account and password come from a Secret that it names.

    It has no `labels` part: zone and region come from the machines' own configuration.
    """
    server = args.vcenter.server
    return {
        "global": {"port": 443, "insecureFlag": False, "secretName": SECRET, "secretNamespace": NAMESPACE},
        "vcenter": {server: {"server": server, "datacenters": [args.vcenter.datacenter]}},
        "nodes": {
            "internalNetworkSubnetCidr": args.machines,
            "excludeInternalNetworkSubnetCidr": f"{args.vip}/32",
            "externalNetworkSubnetCidr": NOWHERE,
            "excludeExternalNetworkSubnetCidr": args.machines,
        },
    }


VALUES: dict[str, Any] = {
    # Off: the chart would put the password among its values. ConfigMap and Secret are made here instead.
    "config": {"enabled": False},
    "daemonset": {
        # The chart expects the label's value to be `true`; on Talos it is empty.
        "nodeSelector": {"node-role.kubernetes.io/control-plane": ""},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
    },
}
"""Values of the chart."""


class CloudProvider(Component):
    """Configuration, account and release of the provider."""

    layer = "cluster"

    release: k8s.helm.v3.Release
    """The release; nodes accept other pods only after it has seen them."""

    def __init__(self, name: str, args: CloudProviderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, {"machines": args.machines, "server": args.vcenter.server}, opts)
        server = args.vcenter.server
        account = k8s.core.v1.Secret(
            f"{name}-account",
            metadata={"name": SECRET, "namespace": NAMESPACE},
            string_data={f"{server}.username": args.vcenter.user, f"{server}.password": args.vcenter.password},
            opts=self.child(),
        )
        # The chart mounts a ConfigMap of this name when it does not make one itself.
        config = k8s.core.v1.ConfigMap(
            f"{name}-config",
            metadata={"name": "cloud-config", "namespace": NAMESPACE},
            data={"vsphere.conf": dump(configuration(args))},
            opts=self.child(),
        )
        after = self.child(pulumi.ResourceOptions(depends_on=[account, config]))
        self.release = release(f"{name}-release", VSPHERE_CPI, VALUES, after)
        self.register_outputs({"version": VSPHERE_CPI.version})
