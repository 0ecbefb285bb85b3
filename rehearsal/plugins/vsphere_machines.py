"""Virtual machines in a vCenter.

The official provider clones a machine from a library item. Here the item has no file, so the machine is made from its
own properties. It is powered on, but nothing runs in it: a configuration that it is sent is answered by the Talos
plugin.
"""

from __future__ import annotations

from typing import Any, cast

from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.values import Props
from rehearsal.plugins.vsphere_inventory import datacenter_of, exists, folder_at, path_of
from rehearsal.plugins.vsphere_placement import machine
from rehearsal.plugins.vsphere_session import VCenter, fault_kind, vim
from rehearsal.plugins.vsphere_tags import attach, attached
from rehearsal.plugins.vsphere_ways import ExistsError, Way, in_order

KIB_PER_GIB = 1024 * 1024
_CONTROLLERS = {
    "pvscsi": "ParaVirtualSCSIController",
    "lsilogic": "VirtualLsiLogicController",
    "lsilogic-sas": "VirtualLsiLogicSASController",
}
_CARDS = {"vmxnet3": "VirtualVmxnet3", "e1000": "VirtualE1000", "e1000e": "VirtualE1000e"}


class Machines(Way):
    """Virtual machines, by their BIOS UUID."""

    noun = "virtual machine"

    def _folder(self, vcenter: VCenter, inputs: Props) -> Any:
        pool = vcenter.object("ResourcePool", str(inputs["resourcePoolId"]))
        root = datacenter_of(pool).vmFolder
        found = folder_at(root, str(inputs.get("folder") or ""))
        if found is None:
            msg = f"vCenter {vcenter.access.name} has no folder {inputs['folder']} for machines. Make it first."
            raise StandInError(msg)
        return found

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name within its folder."""
        for child in self._folder(vcenter, inputs).childEntity:
            if child.name == inputs["name"] and hasattr(child, "config"):
                return str(child.config.uuid)
        return None

    def ours(self, id_: str, mark: str) -> bool:
        """Tell by the UUID: it is chosen before a machine is made, so it says who made it."""
        return id_ == mark

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make a machine that is off; `change` gives it the rest and powers it on."""
        folder = self._folder(vcenter, inputs)
        pool = vcenter.object("ResourcePool", str(inputs["resourcePoolId"]))
        store = vcenter.object("Datastore", str(inputs["datastoreId"]))
        types = vim().vm
        spec = types.ConfigSpec(
            name=inputs["name"], uuid=mark, files=types.FileInfo(vmPathName=f"[{store.name}]"),
            guestId=inputs.get("guestId") or "otherLinux64Guest", firmware=inputs.get("firmware") or "bios",
            numCPUs=int(inputs.get("numCpus") or 1), memoryMB=int(inputs.get("memory") or 1024),
            annotation=inputs.get("annotation") or "", deviceChange=_devices(vcenter, inputs, store),
        )  # fmt: skip
        try:
            vcenter.wait(folder.CreateVM_Task(spec, pool, _host(pool, store)))
        except Exception as error:
            if fault_kind(error) == "DuplicateName":
                msg = f"vCenter {vcenter.access.name} has something named {inputs['name']} in that folder already."
                raise ExistsError(msg) from None
            raise
        return mark

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return what people change by hand."""
        vm = machine(vcenter, id_)
        if vm is None or not exists(vcenter, vm):
            return None
        config, given_folder = vm.config, str(inputs.get("folder") or "")
        path = path_of(vm.parent)
        cards = [device for device in config.hardware.device if hasattr(device, "macAddress")]
        options = {option.key: str(option.value) for option in config.extraConfig or ()}
        wanted = cast("dict[str, Any]", inputs.get("extraConfig") or {})
        return {
            "name": vm.name,
            "annotation": config.annotation or "",
            "guestId": config.guestId,
            "firmware": config.firmware,
            "numCpus": config.hardware.numCPU,
            "memory": config.hardware.memoryMB,
            "resourcePoolId": vm.resourcePool._moId,
            "datastoreId": vm.datastore[0]._moId,
            "folder": given_folder if given_folder.strip("/") == path else path,
            "extraConfig": {key: options[key] for key in wanted if options.get(key)},
            "tags": in_order(attached(vcenter, "VirtualMachine", vm._moId), inputs.get("tags")),
            "disks": _disks(config, inputs.get("disks")),
            "networkInterfaces": _interfaces(cards, inputs.get("networkInterfaces")),
        }

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Bring a machine to its inputs. New processors, memory or firmware need it off for a moment."""
        vm, now = machine(vcenter, id_), self.read(vcenter, id_, news)
        assert vm is not None, "who calls this has just seen it"
        assert now is not None, "as above"
        different = {key for key, value in news.items() if key in now and now[key] != value}
        if "folder" in different:
            vcenter.wait(self._folder(vcenter, news).MoveIntoFolder_Task([vm]))
        spec = self._difference(vcenter, vm, olds, news, different)
        if spec is not None:
            if different & {"numCpus", "memory", "firmware"} and vm.runtime.powerState == "poweredOn":
                vcenter.wait(vm.PowerOffVM_Task())
            vcenter.wait(vm.ReconfigVM_Task(spec))
        if "tags" in different:
            attach(vcenter, "VirtualMachine", vm._moId, [str(tag) for tag in news["tags"]])
        # As the official provider: on after it was made, and after it was off for a change; else left as it is.
        if (not olds or spec is not None) and vm.runtime.powerState == "poweredOff":
            vcenter.wait(vm.PowerOnVM_Task(None))

    def _difference(self, vcenter: VCenter, vm: Any, olds: Props, news: Props, different: set[str]) -> Any:
        """Return the change as vCenter takes it, or `None` where there is none."""
        types = vim().vm
        names = {"name": "name", "annotation": "annotation", "guestId": "guestId", "firmware": "firmware"}
        names |= {"numCpus": "numCPUs", "memory": "memoryMB"}
        fields: Props = {names[key]: news[key] for key in names.keys() & different}
        options = cast("dict[str, Any]", news.get("extraConfig") or {})
        gone = cast("dict[str, Any]", olds.get("extraConfig") or {}).keys() - options.keys()
        if "extraConfig" in different or gone:
            values = {**options, **dict.fromkeys(gone, "")}  # an empty value removes the key
            fields["extraConfig"] = [vim().option.OptionValue(key=key, value=str(v)) for key, v in values.items()]
        if bool(news.get("enableDiskUuid")) != bool(vm.config.flags and vm.config.flags.diskUuidEnabled):
            fields["flags"] = types.FlagInfo(diskUuidEnabled=bool(news.get("enableDiskUuid")))
        changes = _disk_changes(vm, news) if "disks" in different else []
        changes += _card_changes(vcenter, vm, news) if "networkInterfaces" in different else []
        if changes:
            fields["deviceChange"] = changes
        return types.ConfigSpec(**fields) if fields else None

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Power a machine off and remove it with its disks."""
        vm = machine(vcenter, id_)
        if vm.runtime.powerState == "poweredOn":
            vcenter.wait(vm.PowerOffVM_Task())
        vcenter.wait(vm.Destroy_Task())

    def outputs(self, vcenter: VCenter, id_: str, inputs: Props) -> Props:
        """Return what the vCenter says of it. No guest runs, so it has told no address."""
        del inputs
        vm = machine(vcenter, id_)
        config = vm.config
        return {
            "uuid": config.uuid,
            "moid": vm._moId,
            "powerState": "on" if vm.runtime.powerState == "poweredOn" else "off",
            "hostSystemId": vm.runtime.host._moId,
            "datastoreId": vm.datastore[0]._moId,
            "resourcePoolId": vm.resourcePool._moId,
            "changeVersion": config.changeVersion or "",
            "vmxPath": config.files.vmPathName.rpartition("] ")[2],
            "hardwareVersion": int(str(config.version).rsplit("-", 1)[-1]),
            "vmwareToolsStatus": "guestToolsNotRunning",
            "defaultIpAddress": "",
            "guestIpAddresses": [],
            "eptRviMode": "automatic",
            "hvMode": "hvAuto",
            "storagePolicyId": "",
        }


def _host(pool: Any, store: Any) -> Any:
    """Choose a host that reaches the datastore, the one with the fewest machines: what DRS would do at the start."""
    reach = {mount.key._moId for mount in store.host}
    hosts = [host for host in pool.owner.host if host._moId in reach]
    return min(hosts, key=lambda host: (len(host.vm), host.name)) if hosts else None


def _devices(vcenter: VCenter, inputs: Props, store: Any) -> list[Any]:
    """Return the devices of a new machine."""
    types = vim().vm.device
    kind = getattr(types, _CONTROLLERS[str(inputs.get("scsiType") or "pvscsi")])
    controller = kind(key=-1, busNumber=0, sharedBus="noSharing")
    found = [types.VirtualDeviceSpec(operation="add", device=controller)]
    found += [_new_disk(disk, -1, f"[{store.name}]") for disk in cast("list[Props]", inputs.get("disks") or [])]
    cards = cast("list[Props]", inputs.get("networkInterfaces") or [])
    return found + [_new_card(vcenter, card, number) for number, card in enumerate(cards)]


def _new_disk(disk: Props, controller: int, file: str) -> Any:
    types = vim().vm.device
    unit = int(disk.get("unitNumber") or 0)
    backing = types.VirtualDisk.FlatVer2BackingInfo(
        fileName=file, diskMode="persistent", thinProvisioned=bool(disk.get("thinProvisioned", True)),
        eagerlyScrub=bool(disk.get("eagerlyScrub", False)),
    )  # fmt: skip
    device = types.VirtualDisk(
        key=-100 - unit, controllerKey=controller, unitNumber=unit, backing=backing,
        capacityInKB=int(disk["size"]) * KIB_PER_GIB,
    )  # fmt: skip
    return types.VirtualDeviceSpec(operation="add", fileOperation="create", device=device)


def _backing(vcenter: VCenter, network: str) -> Any:
    """Return how a network card is bound to a port group, or to a network of one host."""
    types = vim()
    card = types.vm.device.VirtualEthernetCard
    if network.startswith("dvportgroup-"):
        group = vcenter.object("DistributedVirtualPortgroup", network)
        switch = types.dvs.PortConnection(
            portgroupKey=group.key, switchUuid=group.config.distributedVirtualSwitch.uuid
        )  # fmt: skip
        return card.DistributedVirtualPortBackingInfo(port=switch)
    found = vcenter.object("Network", network)
    return card.NetworkBackingInfo(deviceName=found.name, network=found)


def _new_card(vcenter: VCenter, card: Props, number: int) -> Any:
    types = vim().vm.device
    kind = getattr(types, _CARDS.get(str(card.get("adapterType") or "vmxnet3"), "VirtualVmxnet3"))
    device = kind(key=-200 - number, backing=_backing(vcenter, str(card["networkId"])), addressType="generated")
    return types.VirtualDeviceSpec(operation="add", device=device)


def _disks(config: Any, given: object) -> list[Props]:
    """Return the disks that there are, with what was given of each."""
    known = {int(disk.get("unitNumber") or 0): disk for disk in cast("list[Props]", given or [])}
    found = {
        int(device.unitNumber): device.capacityInKB // KIB_PER_GIB
        for device in config.hardware.device if hasattr(device, "capacityInKB")
    }  # fmt: skip
    ordered = [unit for unit in known if unit in found] + sorted(found.keys() - known.keys())
    return [{**known.get(unit, {"label": f"disk{unit}", "unitNumber": unit}), "size": found[unit]} for unit in ordered]


def _interfaces(cards: list[Any], given: object) -> list[Props]:
    """Return the network cards that there are, with what was given of each."""
    known = cast("list[Props]", given or [])
    found: list[Props] = []
    for number, card in enumerate(cards):
        port = getattr(card.backing, "port", None)
        network = port.portgroupKey if port is not None else card.backing.network._moId
        found.append({**(known[number] if number < len(known) else {}), "networkId": network})
    return found


def _disk_changes(vm: Any, news: Props) -> list[Any]:
    types = vim().vm.device
    devices = vm.config.hardware.device
    disks = {int(device.unitNumber): device for device in devices if hasattr(device, "capacityInKB")}
    controller = next(device.key for device in devices if hasattr(device, "scsiCtlrUnitNumber"))
    wanted = {int(disk.get("unitNumber") or 0): disk for disk in cast("list[Props]", news.get("disks") or [])}
    changes: list[Any] = []
    for unit, disk in wanted.items():
        size = int(disk["size"]) * KIB_PER_GIB
        if unit not in disks:
            file = str(vm.config.files.vmPathName).partition("]")[0] + "]"
            changes.append(_new_disk(disk, controller, file))
        elif disks[unit].capacityInKB > size:
            msg = f"The disk {disk.get('label', unit)} of {vm.name} cannot shrink. Give it its size, or replace it."
            raise StandInError(msg)
        elif disks[unit].capacityInKB < size:
            disks[unit].capacityInKB = size
            changes.append(types.VirtualDeviceSpec(operation="edit", device=disks[unit]))
    for unit in disks.keys() - wanted.keys():
        changes.append(types.VirtualDeviceSpec(operation="remove", fileOperation="destroy", device=disks[unit]))
    return changes


def _card_changes(vcenter: VCenter, vm: Any, news: Props) -> list[Any]:
    types = vim().vm.device
    cards = [device for device in vm.config.hardware.device if hasattr(device, "macAddress")]
    wanted = cast("list[Props]", news.get("networkInterfaces") or [])
    changes: list[Any] = []
    for number, card in enumerate(wanted):
        if number >= len(cards):
            changes.append(_new_card(vcenter, card, number))
        else:
            cards[number].backing = _backing(vcenter, str(card["networkId"]))
            changes.append(types.VirtualDeviceSpec(operation="edit", device=cards[number]))
    changes += [types.VirtualDeviceSpec(operation="remove", device=card) for card in cards[len(wanted) :]]
    return changes
