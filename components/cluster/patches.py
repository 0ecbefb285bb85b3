"""Configuration patches: what Talos and Kubernetes on each machine should be, as plain YAML that rules can read.

Nothing in here is secret. Certificates, tokens and keys come from the generated configuration that the patches are
laid over. The fields are those of Talos v1.13; its machinery library v1.13.0 loads, merges and validates the result
without an error. Talos merges maps, appends to lists and replaces single values: a list here holds only what is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.cluster.audit import AUDIT_POLICY
from components.cluster.charts import GATEWAY_CRDS
from components.machines.handle import Node
from inputs.yaml import dump

KUBEPRISM_PORT = 7445
"""Port on every machine where Talos balances over the API servers; Cilium uses it in place of a VIP."""

GROUPS_PREFIX = "oidc:"
"""Put before groups and names from tokens, so that no token can claim a group of Kubernetes itself."""

AUDIT_DAYS = 30
"""Days that the API server keeps its audit log (CIS Kubernetes Benchmark 1.12, 1.2.17: at least 30)."""
AUDIT_FILES = 10
"""Files of the audit log that it keeps (1.2.18: at least 10)."""
AUDIT_MEGABYTES = 100
"""Size of each (1.2.19: at least 100)."""
PODS_PIDS = 4096
"""Most processes of one pod (4.2.13 asks for a limit): enough for a large Java process, far below the kernel's own."""

VERSIONS_INDEX = 1
"""Position of the patch with versions: a deployment leaves it alone, the upgrade operation changes it."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The OpenID Connect provider that the API server trusts."""

    issuer: str
    """Issuer, exactly as in the tokens."""
    client_id: str
    """Client that the tokens are meant for."""
    groups_claim: str
    """Claim with the groups."""
    username_claim: str
    """Claim with the name."""


@dataclass(frozen=True, kw_only=True)
class ClusterNetwork:
    """Addresses of a cluster, as plain values."""

    machines: str
    """CIDR of the machines."""
    prefix_length: int
    """Length of its prefix."""
    gateway: str
    """Router."""
    nameservers: Sequence[str]
    """Name servers."""
    time_servers: Sequence[str]
    """Time servers."""
    pods: str
    """CIDR of the pods."""
    services: str
    """CIDR of the services."""
    vip: str
    """Address of the API server, held by one control plane at a time."""
    load_balancer: tuple[str, str]
    """First and last address for services of type LoadBalancer."""


def node_patch(node: Node, network: ClusterNetwork, region: str) -> dict[str, Any]:
    """Return who the machine is: role, zone, name and addresses.

    No `node-role` label: the API server refuses the kubelet's labels all together when one of them is not allowed.
    """
    card: dict[str, Any] = {
        "interface": "eth0",
        "dhcp": False,
        "addresses": [f"{node.address}/{network.prefix_length}"],
        "routes": [{"network": "0.0.0.0/0", "gateway": network.gateway}],
    }
    if node.role == "controlplane":
        card["vip"] = {"ip": network.vip}
    return {
        "machine": {
            "type": node.role,
            "nodeLabels": {"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": node.zone},
            "network": {"hostname": node.name, "nameservers": list(network.nameservers), "interfaces": [card]},
        }
    }


def versions_patch(node: Node, kubernetes_version: str) -> dict[str, Any]:
    """Return the images of Kubernetes, which an upgrade replaces one machine at a time."""
    patch: dict[str, Any] = {"machine": {"kubelet": {"image": f"ghcr.io/siderolabs/kubelet:v{kubernetes_version}"}}}
    if node.role == "controlplane":
        patch["cluster"] = {
            key: {"image": f"registry.k8s.io/{image}:v{kubernetes_version}"}
            for key, image in (
                ("apiServer", "kube-apiserver"),
                ("controllerManager", "kube-controller-manager"),
                ("scheduler", "kube-scheduler"),
            )
        }
    return patch


def install_patch(installer: str) -> dict[str, Any]:
    """Return what Talos installs itself from, and where.

    Laid over the generated configuration before it is sent: the installer is unknown until the image exists, and an
    unknown patch among the plain ones would leave every rule about the API server undetermined at the first preview.
    """
    return {"machine": {"install": {"disk": "/dev/sda", "image": installer}}}


def machine_patch(node: Node, network: ClusterNetwork) -> dict[str, Any]:
    """Return what every machine of the cluster has: clock, kubelet, and no parts that Cilium replaces."""
    own = [network.machines, f"!{network.vip}/32"]  # the VIP moves, so no machine may call itself by it
    return {
        "machine": {
            "time": {"servers": list(network.time_servers)},
            "features": {"rbac": True, "kubePrism": {"enabled": True, "port": KUBEPRISM_PORT}},
            "kubelet": {
                "nodeIP": {"validSubnets": own},
                "defaultRuntimeSeccompProfileEnabled": True,
                "disableManifestsDirectory": True,
                # Certificates for the kubelet's own address, signed by the cluster: metrics-server checks them.
                "extraArgs": {"rotate-server-certificates": "true"},
                "extraConfig": {"podPidsLimit": PODS_PIDS, "streamingConnectionIdleTimeout": "5m0s"},
            },
        },
        "cluster": {
            "network": {
                "cni": {"name": "none"},
                "podSubnets": [network.pods],
                "serviceSubnets": [network.services],
            },
            "proxy": {"disabled": True},
            "externalCloudProvider": {"enabled": True},
            # Its registries are a public service and a Kubernetes one that newer versions refuse. We need neither.
            "discovery": {"enabled": False},
        },
    }


def control_plane_patch(network: ClusterNetwork, identity: Identity | None) -> dict[str, Any]:
    """Return what control planes have beside it: a hardened API server, audit, and sign-in of people.

    Secrets are encrypted in etcd by the secretbox key of the generated configuration; Talos sets TLS 1.3 as the lowest
    version of the kubelet and a list of strong ciphers for the API server by itself.
    """
    api_server = {
        "anonymous-auth": "false",
        "audit-log-maxage": str(AUDIT_DAYS),
        "audit-log-maxbackup": str(AUDIT_FILES),
        "audit-log-maxsize": str(AUDIT_MEGABYTES),
        "enable-admission-plugins": "NodeRestriction,DenyServiceExternalIPs",
        "profiling": "false",
        "service-account-extend-token-expiration": "false",
    }
    if identity is not None:
        api_server |= {
            "oidc-issuer-url": identity.issuer,
            "oidc-client-id": identity.client_id,
            "oidc-groups-claim": identity.groups_claim,
            "oidc-groups-prefix": GROUPS_PREFIX,
            "oidc-username-claim": identity.username_claim,
            "oidc-username-prefix": GROUPS_PREFIX,
        }
    return {
        "cluster": {
            "allowSchedulingOnControlPlanes": False,
            "apiServer": {
                "certSANs": [network.vip],
                "extraArgs": api_server,
                "auditPolicy": AUDIT_POLICY,
                "admissionControl": [{"name": "PodSecurity", "configuration": POD_SECURITY}],
            },
            "controllerManager": {"extraArgs": {"profiling": "false", "terminated-pod-gc-threshold": "1000"}},
            "scheduler": {"extraArgs": {"profiling": "false"}},
            "etcd": {"advertisedSubnets": [network.machines, f"!{network.vip}/32"]},
            # Before the CNI: Cilium's operator looks for them only when it starts.
            "extraManifests": [GATEWAY_CRDS],
        }
    }


POD_SECURITY: dict[str, Any] = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
    "kind": "PodSecurityConfiguration",
    "defaults": {
        "enforce": "baseline",
        "enforce-version": "latest",
        "audit": "restricted",
        "audit-version": "latest",
        "warn": "restricted",
        "warn-version": "latest",
    },
    "exemptions": {
        # The Haven checker starts a pod that looks at the host, as the administrator. Talos calls that user `admin`;
        # it may change any namespace's labels anyway, so the exemption gives it nothing new.
        "usernames": ["admin"],
    },
}
"""Pod Security for namespaces that say nothing themselves: Talos' own default, and room for the Haven checker.

Talos' own exemption of the namespace kube-system stands in the generated configuration; named twice, the API server
would refuse to start.
"""

HOSTNAME_PATCH = dump({"apiVersion": "v1alpha1", "kind": "HostnameConfig", "$patch": "delete"})
"""Take out the generated document that would choose a name: the name stands in the first patch."""


def patches(
    node: Node, network: ClusterNetwork, *, region: str, kubernetes_version: str, identity: Identity | None
) -> list[str]:
    """Return a machine's patches in order; all of them are known before anything exists."""
    found = [node_patch(node, network, region), versions_patch(node, kubernetes_version), machine_patch(node, network)]
    if node.role == "controlplane":
        found.append(control_plane_patch(network, identity))
    return [*map(dump, found), HOSTNAME_PATCH]
