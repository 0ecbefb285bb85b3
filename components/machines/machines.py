"""All machines of a cluster on vSphere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_vsphere as vsphere

from components.base import Component, kept
from components.machines.handle import MachinesDeclared, MachinesHandle, MachinesObserved
from components.machines.image import TalosImage, TalosImageArgs
from components.machines.machine import Machine, MachineArgs, MachineNetwork
from components.machines.placement import Placement, PlacementArgs


@dataclass(frozen=True, kw_only=True)
class ZonePlace:
    """A failure domain as vSphere knows it."""

    host_ids: Sequence[pulumi.Input[str]]
    """Its hosts."""
    datastore_id: pulumi.Input[str]
    """Its datastore."""


@dataclass(frozen=True, kw_only=True)
class VSpherePlace:
    """Where machines go, looked up by the stack: components look nothing up."""

    datacenter_id: pulumi.Input[str]
    """Data centre."""
    compute_cluster_id: pulumi.Input[str]
    """Compute cluster."""
    resource_pool_id: pulumi.Input[str]
    """Resource pool of the compute cluster."""
    network_id: pulumi.Input[str]
    """Port group of the machines."""
    library_datastore_id: pulumi.Input[str]
    """Datastore of the content library."""
    zones: Mapping[str, ZonePlace]
    """The failure domains by name."""


@dataclass(frozen=True, kw_only=True)
class MachinesArgs:
    """The machines of one cluster."""

    declared: MachinesDeclared
    """What the files say of them."""
    talos_version: str
    """Version of the image that new machines are made from."""
    image_factory: str
    """Address of the image factory."""
    network: MachineNetwork
    """Their network."""
    folder: str
    """Path of their folder."""
    place: VSpherePlace
    """Where they go."""
    keep_data: bool
    """Whether control planes are protected: true on a production cluster."""


class Machines(Component):
    """Image, tags, machines, and the rules that keep them in their zones."""

    layer = "machines"

    handle: MachinesHandle
    """What the cluster layer needs."""

    def __init__(self, name: str, args: MachinesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        cluster, place = args.declared.cluster, args.place
        image = TalosImage(
            f"{name}-image",
            TalosImageArgs(
                cluster=cluster,
                version=args.talos_version,
                factory=args.image_factory,
                datastore_id=place.library_datastore_id,
            ),
            self.child(),
        )
        folder = vsphere.Folder(
            f"{name}-folder",
            path=args.folder,
            type="vm",
            datacenter_id=place.datacenter_id,
            # It stays with the control planes in it: vSphere removes no folder that is not empty.
            opts=self.child(kept(args.keep_data)),
        )
        roles = self._tags(f"{name}-role", f"kade-{cluster}-role", sorted({node.role for node in args.declared.nodes}))
        zones = self._tags(f"{name}-zone", f"kade-{cluster}-zone", list(place.zones))
        machines = {
            node.name: Machine(
                f"{name}-{node.name.removeprefix(f'{cluster}-')}",
                MachineArgs(
                    node=node,
                    network=args.network,
                    template=image.template,
                    resource_pool_id=place.resource_pool_id,
                    datastore_id=place.zones[node.zone].datastore_id,
                    network_id=place.network_id,
                    folder=folder.path,
                    tags=[roles[node.role].id, zones[node.zone].id],
                    keep=args.keep_data and node.role == "controlplane",
                ),
                self.child(),
            )
            for node in args.declared.nodes
        }

        def in_zone(zone: str, *roles: str) -> list[Machine]:
            return [machines[node.name] for node in args.declared.nodes if node.zone == zone and node.role in roles]

        Placement(
            f"{name}-placement",
            PlacementArgs(
                cluster=cluster,
                compute_cluster_id=place.compute_cluster_id,
                hosts={zone: where.host_ids for zone, where in place.zones.items()},
                machines={zone: in_zone(zone, "controlplane", "worker") for zone in place.zones},
                control_planes={zone: in_zone(zone, "controlplane") for zone in place.zones},
            ),
            self.child(),
        )
        self.handle = MachinesHandle(
            declared=args.declared,
            observed=MachinesObserved(
                machines={node: machine.vm.uuid for node, machine in machines.items()},
                installer=image.installer,
            ),
            resources=tuple(machine.vm for machine in machines.values()),
        )
        self.register_outputs({"machines": dict(self.handle.observed.machines), "installer": image.installer})

    def _tags(self, name: str, category: str, values: Sequence[str]) -> dict[str, vsphere.Tag]:
        """Make a category with one tag per value. A vCenter has one list of categories, so each names its cluster."""
        parent = vsphere.TagCategory(
            f"{name}s",
            name=category,
            description="Made by Kade",
            cardinality="SINGLE",
            associable_types=["VirtualMachine"],
            opts=self.child(),
        )
        return {
            value: vsphere.Tag(f"{name}-{value}", name=value, category_id=parent.id, opts=self.child())
            for value in values
        }
