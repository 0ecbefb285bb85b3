"""Whether a machine waits at an address: the join between the machines layer and the cluster layer.

A Talos machine takes its address from the metadata that its virtual machine carries. So a machine answers at an address
where one that is powered on in the rehearsal's vCenter carries metadata with it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

import yaml

from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.talos_nodes import Hardware
from rehearsal.plugins.vsphere_session import VCenter

METADATA = "guestinfo.metadata"
_ASKED = ("name", "runtime.powerState", "config.uuid", "config.hardware", "config.extraConfig")


def reach(session: VCenter, address: str, who: str) -> Hardware:
    """Return the machine that answers at an address.

    Raises:
        StandInError: none does; says what there is.

    """
    with session.asked("show its machines"):
        found = session.named(session.content.rootFolder, "VirtualMachine", _ASKED)
    for _, known in found:
        if address in addresses(known.get("config.extraConfig")):
            if known.get("runtime.powerState") != "poweredOn":
                msg = f"{who}: nothing answers at {address}:50000: the machine {known['name']} is powered off."
                raise StandInError(msg)
            return _hardware(known)
    msg = (
        f"{who}: nothing answers at {address}:50000: no machine in vCenter has that address in its metadata. Make the "
        "machines first (`<cluster>-machines`), or correct the address."
    )
    raise StandInError(msg)


def addresses(options: Any) -> set[str]:
    """Return the addresses in a machine's metadata; none where it has no metadata that Talos would read."""
    known = {option.key: str(option.value) for option in options or ()}
    text = known.get(METADATA, "")
    try:
        if known.get(f"{METADATA}.encoding") in ("base64", "b64"):
            text = base64.b64decode(text, validate=True).decode()
        data: Any = yaml.safe_load(text)
        cards = cast("dict[str, dict[str, Any]]", data["network"]["ethernets"])
        return {str(address).split("/")[0] for card in cards.values() for address in card.get("addresses", ())}
    except (yaml.YAMLError, binascii.Error, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return set()


def _hardware(known: dict[str, Any]) -> Hardware:
    hardware = known["config.hardware"]
    disks = [device.capacityInKB for device in hardware.device if hasattr(device, "capacityInKB")]
    return Hardware(
        uuid=str(known["config.uuid"]), cpus=int(hardware.numCPU), memory_mib=int(hardware.memoryMB),
        disk_gib=int(max(disks, default=0)) // (1024 * 1024),
    )  # fmt: skip
