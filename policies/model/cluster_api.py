"""Clusters declared through Cluster API: pools of machines with a replica count."""

from __future__ import annotations

from policies.model.node import CONTROL_PLANE, WORKER, Node, NodePool
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Count, Unknown, dig, items, mapping, number, text

CONTROL_PLANES = (
    "KubeadmControlPlane",
    "TalosControlPlane",
    "RKE2ControlPlane",
    "KThreesControlPlane",
    "K0sControlPlane",
)
_GROUPS = ("cluster.x-k8s.io", "controlplane.cluster.x-k8s.io")
_MINIMUM = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"

SYSTEMS = (
    ("talos", "Talos"),
    ("flatcar", "Flatcar"),
    ("ubuntu", "Ubuntu"),
    ("debian", "Debian"),
    ("suse", "SLES"),
    ("red hat", "RHEL"),
    ("rocky", "Rocky Linux"),
    ("alma", "AlmaLinux"),
    ("fedora", "Fedora"),
)
"""Words in an image's or system's name, and the family they stand for."""


def cluster_api_pools(inventory: Inventory) -> tuple[NodePool, ...]:
    """Return the pools that Cluster API objects declare."""
    pools: list[NodePool] = []
    for kind in CONTROL_PLANES:
        pools.extend(_pool(item, CONTROL_PLANE) for item in inventory.objects(kind, *_GROUPS))
    for kind in ("MachineDeployment", "MachinePool", "MachineSet"):
        pools.extend(_pool(item, WORKER) for item in inventory.objects(kind, "cluster.x-k8s.io"))
    for item in inventory.objects("Cluster", "cluster.x-k8s.io"):
        pools.extend(_from_topology(item))
    return tuple(pools)


def _replicas(value: object, least: object) -> Count:
    """Return the number of machines: an autoscaler's minimum where there is one, else the replicas, else one."""
    minimum = number(least)
    if isinstance(minimum, int):
        return Count(minimum, minimum)
    found = number(value)
    return Count.of(1 if found is None else found)  # Cluster API's own default is one


def _pool(item: KubernetesObject, role: str) -> NodePool:
    template = ("spec", "template", "spec") if role == WORKER else ("spec", "machineTemplate")
    version = text(item.get("spec", "version") or item.get(*template, "version"))
    system = "Talos" if item.kind == "TalosControlPlane" else None
    bootstrap = text(item.get(*template, "bootstrap", "configRef", "kind"))
    if isinstance(bootstrap, str) and bootstrap.startswith("Talos"):
        system = "Talos"
    node = Node(
        subject=item.subject,
        role=role,
        role_path="kind",
        zone=text(item.get(*template, "failureDomain")),
        zone_path=".".join((*template, "failureDomain")),
        system=system,
        system_path="kind" if system else "",
        version=version,
        version_path="spec.version" if role == CONTROL_PLANE else "spec.template.spec.version",
    )
    return NodePool(_replicas(item.get("spec", "replicas"), item.annotations.get(_MINIMUM)), node, "spec.replicas")


def _from_topology(item: KubernetesObject) -> list[NodePool]:
    """Return the pools of a cluster that is made from a class."""
    topology = item.get("spec", "topology")
    if isinstance(topology, Unknown):
        return [
            NodePool(
                Count.of(topology),
                Node(subject=item.subject, role=topology, role_path="spec.topology"),
                "spec.topology",
            )
        ]
    if not isinstance(topology, dict):
        return []
    version = text(dig(topology, "version"))

    def pool(role: str, part: object, path: str) -> NodePool:
        least = mapping(dig(part, "metadata", "annotations")).get(_MINIMUM)
        node = Node(
            subject=item.subject,
            role=role,
            role_path=path,
            zone=text(dig(part, "failureDomain")),
            zone_path=f"{path}.failureDomain",
            version=version,
            version_path="spec.topology.version",
        )
        return NodePool(_replicas(dig(part, "replicas"), least), node, f"{path}.replicas")

    pools = [pool(CONTROL_PLANE, dig(topology, "controlPlane") or {}, "spec.topology.controlPlane")]
    for kind in ("machineDeployments", "machinePools"):
        for index, part in enumerate(items(dig(topology, "workers", kind))):
            pools.append(pool(WORKER, part, f"spec.topology.workers.{kind}[{index}]"))
    return pools
