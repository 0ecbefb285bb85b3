"""Machines of a cluster: images, virtual machines, and the rules that keep them apart. Talks to vCenter only."""

from __future__ import annotations

import pulumi
import pulumi_vsphere as vsphere
import pulumiverse_talos as talos

from components.machines.handle import MachinesHandle
from components.machines.machine import MachineNetwork
from components.machines.machines import Machines, MachinesArgs, VSpherePlace, ZonePlace
from stacks.credentials import secret
from stacks.handles import machines_declared
from stacks.models.cluster import ClusterFile


def deploy_machines(cluster: ClusterFile, *, keep_data: bool) -> MachinesHandle:
    """Build the machines of a cluster."""
    vcenter = vsphere.Provider(
        "machines-vsphere",
        vsphere_server=cluster.vsphere.server,
        user=secret("vcenterUser"),
        password=secret("vcenterPassword"),
        allow_unverified_ssl=False,
    )
    factory = talos.Provider("machines-talos", image_factory_url=cluster.image_factory)
    machines = Machines(
        "machines",
        MachinesArgs(
            declared=machines_declared(cluster),
            talos_version=cluster.versions.talos,
            image_factory=cluster.image_factory,
            network=MachineNetwork(
                prefix_length=cluster.network.machines.prefixlen,
                gateway=str(cluster.network.gateway),
                nameservers=[str(address) for address in cluster.network.nameservers],
            ),
            folder=cluster.vsphere.folder,
            place=_place(cluster, vcenter),
            keep_data=keep_data,
        ),
        pulumi.ResourceOptions(providers=[vcenter, factory]),
    )
    return machines.handle


def _place(cluster: ClusterFile, vcenter: vsphere.Provider) -> VSpherePlace:
    """Look up where the machines go."""
    where = cluster.vsphere
    opts = pulumi.InvokeOutputOptions(provider=vcenter)
    datacenter = vsphere.get_datacenter_output(name=where.datacenter, opts=opts).id
    compute = vsphere.get_compute_cluster_output(name=where.compute_cluster, datacenter_id=datacenter, opts=opts)

    def datastore(name: str) -> pulumi.Output[str]:
        return vsphere.get_datastore_output(name=name, datacenter_id=datacenter, opts=opts).id

    def host(name: str) -> pulumi.Output[str]:
        return vsphere.get_host_output(name=name, datacenter_id=datacenter, opts=opts).id

    return VSpherePlace(
        datacenter_id=datacenter,
        compute_cluster_id=compute.id,
        resource_pool_id=compute.resource_pool_id,
        network_id=vsphere.get_network_output(name=where.port_group, datacenter_id=datacenter, opts=opts).id,
        library_datastore_id=datastore(where.content_library_datastore),
        zones={
            zone.name: ZonePlace(host_ids=[host(name) for name in zone.hosts], datastore_id=datastore(zone.datastore))
            for zone in cluster.zones
        },
    )
