"""One virtual machine that waits for its Talos configuration."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_vsphere as vsphere

from components.base import Component, kept
from components.machines.handle import Node
from inputs.yaml import dump

MIB_PER_GIB = 1024

IGNORED: Mapping[str, str] = {
    "clone": "a newer image is for new machines; Talos upgrades a running one itself, as an operation",
    "datastoreId": "storage vMotion and storage DRS move machines between the datastores of their zone",
    "disks[0].datastoreId": "the same moves, told per disk",
    "hostSystemId": "DRS moves machines between the hosts of their zone; the VM-host rule keeps them in it",
    "eptRviMode": "vSphere reports a value of its own, a difference for ever",
    "hvMode": "vSphere reports a value of its own, a difference for ever",
    "syncTimeWithHost": "vSphere reports a value of its own, a difference for ever; Talos keeps time by NTP",
}
"""Properties that others change after creation, each with the reason to leave it to them."""


@dataclass(frozen=True, kw_only=True)
class MachineNetwork:
    """The network of a cluster's machines, as plain values."""

    prefix_length: int
    """Length of the network's prefix, for example 24."""
    gateway: str
    """Address of the router."""
    nameservers: Sequence[str]
    """Addresses of the name servers."""


@dataclass(frozen=True, kw_only=True)
class MachineArgs:
    """One machine, and where it goes."""

    node: Node
    """What the files say of it."""
    network: MachineNetwork
    """Its network."""
    template: pulumi.Input[str]
    """Library item that it is cloned from."""
    resource_pool_id: pulumi.Input[str]
    """Resource pool."""
    datastore_id: pulumi.Input[str]
    """Datastore of its zone."""
    network_id: pulumi.Input[str]
    """Port group of its network card."""
    folder: pulumi.Input[str]
    """Folder."""
    tags: Sequence[pulumi.Input[str]]
    """Tags: its role and its zone."""
    keep: bool
    """Whether to protect it: true for control planes of a production cluster, whose disks hold etcd."""


class Machine(Component):
    """A virtual machine. Its Talos configuration is never among its properties."""

    layer = "machines"

    vm: vsphere.VirtualMachine
    """The virtual machine."""

    def __init__(self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        node = args.node
        options = pulumi.ResourceOptions.merge(kept(args.keep), pulumi.ResourceOptions(ignore_changes=list(IGNORED)))
        self.vm = vsphere.VirtualMachine(
            f"{name}-vm",
            name=node.name,
            annotation=f"{node.role} in {node.zone}. Made by Kade; changes by hand are lost.",
            folder=args.folder,
            resource_pool_id=args.resource_pool_id,
            datastore_id=args.datastore_id,
            clone=vsphere.VirtualMachineCloneArgs(template_uuid=args.template),
            guest_id="other5xLinux64Guest",
            # Without Secure Boot: its keys would have to be enrolled in each machine first.
            firmware="efi",
            num_cpus=node.cpus,
            memory=node.memory_gib * MIB_PER_GIB,
            scsi_type="pvscsi",
            disks=[
                vsphere.VirtualMachineDiskArgs(
                    label="system", size=node.disk_gib, unit_number=0, thin_provisioned=True, eagerly_scrub=False
                )
            ],
            network_interfaces=[
                vsphere.VirtualMachineNetworkInterfaceArgs(network_id=args.network_id, adapter_type="vmxnet3")
            ],
            # The vSphere CPI and CSI find a machine by the UUID that the guest sees.
            enable_disk_uuid=True,
            # Anyone who may read the machine reads this: addresses and names only, never a configuration.
            extra_config={
                "guestinfo.metadata": base64.b64encode(metadata_yaml(node, args.network).encode()).decode(),
                "guestinfo.metadata.encoding": "base64",
            },
            # No waiting for guest tools: extensions start only when the machine has its configuration.
            wait_for_guest_net_timeout=0,
            wait_for_guest_ip_timeout=0,
            tags=list(args.tags),
            opts=self.child(options),
        )
        self.register_outputs({"name": node.name, "uuid": self.vm.uuid})


def metadata_yaml(node: Node, network: MachineNetwork) -> str:
    """Return the static network settings that Talos reads before it has a configuration."""
    card = {
        "dhcp4": False,
        "addresses": [f"{node.address}/{network.prefix_length}"],
        "gateway4": network.gateway,
        "nameservers": {"addresses": list(network.nameservers)},
    }
    return dump(
        {
            "instance-id": node.name,
            "local-hostname": node.name,
            # Talos numbers the cards of this platform by the kernel's old names: the first one is eth0.
            "network": {"version": 2, "ethernets": {"eth0": card}},
        }
    )
