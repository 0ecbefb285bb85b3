"""Keep each zone's machines on its own hosts, and control planes apart from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_vsphere as vsphere

from components.base import Component
from components.machines.machine import Machine


@dataclass(frozen=True, kw_only=True)
class PlacementArgs:
    """Which machines stand where."""

    cluster: str
    """Name of the cluster; groups and rules of several clusters stand beside each other in one compute cluster."""
    compute_cluster_id: pulumi.Input[str]
    """Compute cluster of all hosts."""
    hosts: Mapping[str, Sequence[pulumi.Input[str]]]
    """Ids of the hosts of each zone."""
    machines: Mapping[str, Sequence[Machine]]
    """Machines of each zone."""
    control_planes: Mapping[str, Sequence[Machine]]
    """Control planes of each zone."""


class Placement(Component):
    """Groups and rules: a zone's label means something only when vSphere may not break it."""

    layer = "machines"

    def __init__(self, name: str, args: PlacementArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, None, opts)
        for zone, hosts in args.hosts.items():
            self._zone(f"{name}-{zone}", zone, hosts, args)
        control_planes = [machine for machines in args.control_planes.values() for machine in machines]
        if len(control_planes) > 1:
            vsphere.ComputeClusterVmAntiAffinityRule(
                f"{name}-control-planes",
                name=f"kade-{args.cluster}-control-planes-apart",
                compute_cluster_id=args.compute_cluster_id,
                virtual_machine_ids=[machine.vm.id for machine in control_planes],
                # Mandatory only where every zone has hosts enough: else the machine left over could not start at all.
                mandatory=all(
                    len(args.control_planes.get(zone, ())) <= len(hosts) for zone, hosts in args.hosts.items()
                ),
                opts=self.child(),
            )
        self.register_outputs({"zones": list(args.hosts)})

    def _zone(self, name: str, zone: str, hosts: Sequence[pulumi.Input[str]], args: PlacementArgs) -> None:
        """Bind the machines of one zone to its hosts."""
        label = f"kade-{args.cluster}-{zone}"
        machines = vsphere.ComputeClusterVmGroup(
            f"{name}-machines",
            name=f"{label}-machines",
            compute_cluster_id=args.compute_cluster_id,
            virtual_machine_ids=[machine.vm.id for machine in args.machines.get(zone, ())],
            opts=self.child(),
        )
        group = vsphere.ComputeClusterHostGroup(
            f"{name}-hosts",
            name=f"{label}-hosts",
            compute_cluster_id=args.compute_cluster_id,
            host_system_ids=list(hosts),
            opts=self.child(),
        )
        vsphere.ComputeClusterVmHostRule(
            f"{name}-rule",
            name=f"{label}-stays",
            compute_cluster_id=args.compute_cluster_id,
            vm_group_name=machines.name,
            affinity_host_group_name=group.name,
            # A rule that is only preferred lets vSphere restart a failed zone's machines in the other zone.
            mandatory=True,
            opts=self.child(),
        )
