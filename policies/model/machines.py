"""Virtual machines on vSphere: role and zone from tags, addresses, and the failure domains behind the zones."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from inputs.faults import FaultsError
from inputs.yaml import documents
from policies.kernel.finding import Subject
from policies.model.resource import Inventory, Resource
from policies.model.values import COMPUTED, Unknown, dig, items, mapping, text

MACHINE = "vsphere:index/virtualMachine:VirtualMachine"
TAG = "vsphere:index/tag:Tag"
TAG_CATEGORY = "vsphere:index/tagCategory:TagCategory"
VM_GROUP = "vsphere:index/computeClusterVmGroup:ComputeClusterVmGroup"
HOST_GROUP = "vsphere:index/computeClusterHostGroup:ComputeClusterHostGroup"
VM_HOST_RULE = "vsphere:index/computeClusterVmHostRule:ComputeClusterVmHostRule"
LIBRARY_ITEM = "vsphere:index/contentLibraryItem:ContentLibraryItem"
SCHEMATIC = "talos:imageFactory/schematic:Schematic"

_ROLES = {
    "controlplane": "controlplane",
    "control-plane": "controlplane",
    "control_plane": "controlplane",
    "master": "controlplane",
    "worker": "worker",
    "node": "worker",
}
_GUESTS = (
    ("ubuntu", "Ubuntu"),
    ("debian", "Debian"),
    ("sles", "SLES"),
    ("rhel", "RHEL"),
    ("rocky", "Rocky Linux"),
    ("alma", "AlmaLinux"),
    ("oracle", "Oracle Linux"),
    ("centos", "CentOS"),
    ("fedora", "Fedora"),
)

_SWITCHED_OFF = re.compile(r"apparmor=0|selinux=0|SELINUX=(disabled|permissive)|setenforce 0|enforcing=0")


@dataclass(frozen=True)
class Machine:
    """A virtual machine, as far as it is a node."""

    subject: Subject
    role: str | Unknown | None
    """`controlplane`, `worker`; `None` where nothing says that it is a node."""
    zone: str | Unknown | None
    addresses: tuple[str | Unknown, ...]
    system: str | Unknown | None
    """Family of the operating system, for example `Talos`."""
    system_path: str
    urn: str
    hardening: str | None = None
    """What switches the system's hardening off in its first-boot script."""


@dataclass(frozen=True)
class FailureDomain:
    """The hosts that a rule keeps machines on."""

    subject: Subject
    machines: tuple[str, ...]
    """URNs of the machines."""
    hosts: frozenset[str] | Unknown
    mandatory: bool | Unknown


def machines(inventory: Inventory) -> tuple[Machine, ...]:
    """Return the virtual machines, with what their tags say."""
    return tuple(_machine(resource, inventory) for resource in inventory.of_type(MACHINE))


def _machine(resource: Resource, inventory: Inventory) -> Machine:
    role, zone = _from_tags(resource, inventory)
    name = text(resource.get("name"))
    subject = Subject("VirtualMachine", name if isinstance(name, str) else resource.name, urn=resource.urn)
    system, path = _system(resource, inventory)
    return Machine(subject, role, zone, tuple(_addresses(resource)), system, path, resource.urn, _hardening(resource))


def _from_tags(resource: Resource, inventory: Inventory) -> tuple[str | Unknown | None, str | Unknown | None]:
    """Return role and zone from tags; ids are unknown on a first preview, so the tags themselves are looked at."""
    role: str | Unknown | None = None
    zone: str | Unknown | None = None
    tags = inventory.behind(resource, "tags", TAG)
    given = resource.get("tags")
    open_end = isinstance(given, Unknown) or len(items(given)) > len(tags)
    for tag in tags:
        name = text(tag.get("name"))
        categories = inventory.behind(tag, "categoryId", TAG_CATEGORY)
        category = text(categories[0].get("name")) if categories else None
        word = category.lower() if isinstance(category, str) else ""
        if isinstance(name, str) and name.lower() in _ROLES:
            role = _ROLES[name.lower()]
        elif "zone" in word or (not word and isinstance(name, str) and "zone" in name.lower()):
            zone = name
    if open_end and tags == []:
        gap = Unknown("tags", "the tags were not made by this program", resource.subject)
        return role or gap, zone or gap
    return role, zone


def _addresses(resource: Resource) -> list[str | Unknown]:
    """Return the addresses in the network metadata that is given to the machine."""
    found: list[str | Unknown] = []
    encoded = resource.get("extraConfig", "guestinfo.metadata")
    if isinstance(encoded, Unknown):
        return [encoded]
    if isinstance(encoded, str):
        try:
            content = base64.b64decode(encoded, validate=True).decode()
            parsed = [document.data for document in documents(content, "guestinfo.metadata")]
        except (binascii.Error, UnicodeDecodeError, FaultsError):
            return [Unknown("extraConfig.guestinfo.metadata", "it cannot be read", resource.subject)]
        for data in parsed:
            for interface in mapping(dig(data, "network", "ethernets") or dig(data, "ethernets")).values():
                found.extend(str(address).partition("/")[0] for address in items(dig(interface, "addresses")))
    for index, _ in enumerate(items(resource.get("clone", "customize", "networkInterfaces"))):
        address = text(resource.get("clone", "customize", "networkInterfaces", index, "ipv4Address"))
        if address is not None:
            found.append(address)
    return found


def _hardening(resource: Resource) -> str | None:
    """Return the words in a first-boot script that switch AppArmor or SELinux off."""
    for key in ("guestinfo.userdata", "guestinfo.vendordata"):
        encoded = resource.get("extraConfig", key)
        if isinstance(encoded, str):
            try:
                script = base64.b64decode(encoded, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                script = encoded
            found = _SWITCHED_OFF.search(script)
            if found:
                return found.group(0)
    return None


def _system(resource: Resource, inventory: Inventory) -> tuple[str | Unknown | None, str]:
    """Return the operating system's family and where it was seen."""
    for property in ("clone", "ovfDeploy"):
        if inventory.behind(resource, property, SCHEMATIC):
            return "Talos", f"{property} (from {SCHEMATIC})"
        for item in inventory.behind(resource, property, LIBRARY_ITEM):
            address = text(item.get("fileUrl"))
            if inventory.behind(item, "fileUrl", SCHEMATIC) or (isinstance(address, str) and "talos" in address):
                return "Talos", f"{property} (from {LIBRARY_ITEM})"
            if isinstance(address, str) and "flatcar" in address.lower():
                return "Flatcar", f"{property} (from {LIBRARY_ITEM})"
    guest = text(resource.get("guestId"))
    if isinstance(guest, str):
        for word, family in _GUESTS:
            if word in guest.lower():
                return family, "guestId"
    return Unknown("guestId", "it does not name an operating system", resource.subject), "guestId"


def failure_domains(inventory: Inventory) -> tuple[FailureDomain, ...]:
    """Return the groups of hosts that rules bind machines to."""
    return tuple(_domain(rule, inventory) for rule in inventory.of_type(VM_HOST_RULE))


def _domain(rule: Resource, inventory: Inventory) -> FailureDomain:
    group = _named(rule, "vmGroupName", VM_GROUP, inventory)
    hosts = _named(rule, "affinityHostGroupName", HOST_GROUP, inventory)
    members = inventory.behind(group, "virtualMachineIds", MACHINE) if group else []
    mandatory = rule.get("mandatory")
    return FailureDomain(
        rule.subject,
        tuple(sorted(member.urn for member in members)),
        _hosts(hosts, rule),
        mandatory if isinstance(mandatory, Unknown) else mandatory is True,
    )


def _named(rule: Resource, property: str, type: str, inventory: Inventory) -> Resource | None:
    """Return the group that a rule names, by its name or by where the name comes from."""
    name = text(rule.get(property))
    for candidate in inventory.of_type(type):
        if isinstance(name, str) and text(candidate.get("name")) == name:
            return candidate
    found = inventory.behind(rule, property, type)
    return found[0] if found else None


def _hosts(group: Resource | None, rule: Resource) -> frozenset[str] | Unknown:
    if group is None:
        return Unknown("affinityHostGroupName", "the group of hosts is not in this stack", rule.subject)
    given = group.get("hostSystemIds")
    if isinstance(given, Unknown):
        return given
    names = [text(item) for item in items(given)]
    if not names or any(not isinstance(name, str) for name in names):
        return Unknown("hostSystemIds", COMPUTED, group.subject)
    return frozenset(str(name) for name in names)
