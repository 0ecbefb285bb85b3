"""Nodes of a cluster, from whatever declares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from policies.kernel.finding import Subject
from policies.model.cluster_api import SYSTEMS, cluster_api_pools
from policies.model.machines import Machine
from policies.model.node import CONTROL_PLANE, WORKER, Address, Node, NodePool
from policies.model.resource import Inventory, KubernetesObject
from policies.model.talos import APPLY, MachineConfiguration
from policies.model.values import Count, Unknown, dig, items, text

ZONE = "topology.kubernetes.io/zone"
_ROLELESS = "no plain patch says `machine.type`, and the generated configuration is not to be read"
_CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True)
class Nodes:
    """All nodes of a scope. Machines that appear in two layers are counted once."""

    pools: tuple[NodePool, ...]
    seen_as: str
    """What they were declared as, for the report."""

    @property
    def all(self) -> tuple[Node, ...]:
        """One node per pool: what its members have in common."""
        return tuple(pool.node for pool in self.pools)

    def count(self, role: str) -> Count:
        """Return how many nodes have a role; a node of unknown role may have it."""
        result = Count()
        for pool in self.pools:
            if pool.node.role == role:
                result += pool.count
            elif isinstance(pool.node.role, Unknown):
                result += Count(0, pool.count.upper, (pool.node.role, *pool.count.unknown))
        return result


@dataclass(frozen=True)
class Configured:
    """A node by its Talos configuration, before it is known which machine stands under it."""

    node: Node
    names: tuple[str, ...]
    """Names under which the machine may be declared."""
    endpoint: str | Unknown | None
    """Address at which its Talos API answers."""
    roleless: bool
    """Whether no plain patch says its role, so that the machine's counts."""

    def on(self, virtual: tuple[Machine, ...]) -> Node:
        """Return the node, with what its machine says where the configuration says nothing."""
        twin = next((m for m in virtual if m.subject.name in self.names or self._answers_at(m)), None)
        if twin is None:
            return self.node
        role = twin.role if self.roleless and isinstance(twin.role, str) else self.node.role
        return replace(self.node, role=role, zone=self.node.zone or twin.zone)

    def _answers_at(self, machine: Machine) -> bool:
        return isinstance(self.endpoint, str) and self.endpoint in machine.addresses


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """What declares nodes, each in its own way; several of them may declare the same nodes."""

    configured: tuple[Configured, ...] = ()
    observed: tuple[Node, ...] = ()
    pools: tuple[NodePool, ...] = ()
    """Those of Cluster API."""


def declarations(inventory: Inventory) -> Declarations:
    """Return what declares nodes, beside virtual machines."""
    return Declarations(
        configured=tuple(_talos(MachineConfiguration(item)) for item in inventory.of_type(APPLY)),
        observed=tuple(_observed(item) for item in inventory.objects("Node", "")),
        pools=cluster_api_pools(inventory),
    )


def nodes(found: Declarations, virtual: tuple[Machine, ...]) -> Nodes:
    """Return the nodes, from the declaration nearest to the cluster.

    A machine and its configuration are one node: configurations are counted where there are any, machines otherwise.
    """
    if found.configured:
        return Nodes(_single(item.on(virtual) for item in found.configured), "Talos machine configurations")
    if found.observed:
        return Nodes(_single(found.observed), "Node objects")
    if found.pools:
        return Nodes(found.pools, "Cluster API objects")
    declared = (_machine(machine) for machine in virtual if machine.role is not None)
    return Nodes(_single(declared), "virtual machines with a role tag")


def _single(found: Iterable[Node]) -> tuple[NodePool, ...]:
    return tuple(NodePool(Count(1, 1), node) for node in found)


def _machine(machine: Machine) -> Node:
    return Node(
        subject=machine.subject,
        role=machine.role or WORKER,
        role_path="tags",
        zone=machine.zone,
        zone_path="tags",
        addresses=tuple(Address("", address, "extraConfig.guestinfo.metadata") for address in machine.addresses),
        system=machine.system,
        system_path=machine.system_path,
        hardening=machine.hardening,
    )


def _talos(configuration: MachineConfiguration) -> Configured:
    resource = configuration.resource
    hostname = text(configuration.find("machine", "network", "hostname").value)
    for document in configuration.document("HostnameConfig"):
        hostname = text(document.get("hostname")) or hostname
    endpoint = text(resource.get("node"))
    name = hostname if isinstance(hostname, str) else resource.name
    role = configuration.find("machine", "type")
    zone = configuration.find("machine", "nodeLabels", ZONE)
    kubelet = configuration.find("machine", "kubelet", "image")
    rotation = configuration.find("machine", "kubelet", "extraArgs", "rotate-server-certificates")
    addresses = tuple(_talos_addresses(configuration)) or ((Address("", endpoint, "node"),) if endpoint else ())
    known = _role(role.value)
    node = Node(
        subject=Subject("Node", name, urn=resource.urn),
        role=known or Unknown("machineConfigurationInput", _ROLELESS, resource.subject),
        role_path=role.path,
        zone=text(zone.value),
        zone_path=zone.path,
        addresses=addresses,
        system="Talos",
        system_path=f"({APPLY})",
        version=text(kubelet.value),
        version_path=kubelet.path,
        serving_certificates=_truth(rotation.value),
        serving_certificates_path=rotation.path,
        computed=configuration.computed,
    )
    return Configured(node, (name, resource.name), endpoint, known is None)


def _role(value: object) -> str | Unknown | None:
    """Return the role that a configuration says; `None` where no plain patch does."""
    if value in ("controlplane", "init"):
        return CONTROL_PLANE
    if value in ("worker", "join"):
        return WORKER
    return value if isinstance(value, Unknown) else None


def _talos_addresses(configuration: MachineConfiguration) -> Iterator[Address]:
    for value in configuration.every("machine", "network", "interfaces"):
        path = "machine.network.interfaces"
        if isinstance(value, Unknown):
            continue  # the address of the Talos API stands in `node` all the same
        for index, interface in enumerate(items(value)):
            for address in items(dig(interface, "addresses")):
                found = text(address)
                if found is not None:
                    plain = found if isinstance(found, Unknown) else found.partition("/")[0]
                    yield Address("", plain, f"{path}[{index}].addresses")
    for document in configuration.document("LinkConfig"):
        for entry in items(document.get("addresses")):
            found = text(dig(entry, "address"))
            if isinstance(found, str):
                yield Address("", found.partition("/")[0], "LinkConfig.addresses")


def _truth(value: object) -> bool | Unknown | None:
    if value is None or isinstance(value, Unknown):
        return value
    return str(value).lower() == "true"


def _observed(item: KubernetesObject) -> Node:
    """Return the node that a Node object describes; on a live cluster its status is there as well."""
    labels = item.labels
    role = CONTROL_PLANE if any(label in labels for label in _CONTROL_PLANE_LABELS) else WORKER
    whole = item.get("metadata")
    addresses = [
        Address(str(dig(entry, "type")), text(dig(entry, "address")) or "", f"status.addresses[{index}]")
        for index, entry in enumerate(items(item.get("status", "addresses")))
    ]
    image = text(item.get("status", "nodeInfo", "osImage"))
    return Node(
        subject=item.subject,
        role=whole if isinstance(whole, Unknown) else role,
        role_path="metadata.labels",
        zone=text(labels.get(ZONE) if not isinstance(whole, Unknown) else whole),
        zone_path=f"metadata.labels.{ZONE}",
        addresses=tuple(addresses),
        system=_family(image),
        system_path="status.nodeInfo.osImage",
        version=text(item.get("status", "nodeInfo", "kubeletVersion")),
        version_path="status.nodeInfo.kubeletVersion",
    )


def _family(image: str | Unknown | None) -> str | Unknown | None:
    if not isinstance(image, str):
        return image
    return next((family for word, family in SYSTEMS if word in image.lower()), image)
