"""The vSphere cloud provider: which of a machine's addresses it reports as internal and as external."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from inputs.faults import FaultsError
from inputs.yaml import documents
from policies.kernel.finding import Subject
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import SECRET, Unknown, dig, mapping, text

_KEYS = ("vsphere.conf", "vsphere.yaml")
_HIDDEN = "stringData"
_INI = re.compile(r"^\s*(internal|external)-network-subnet-cidr\s*=\s*\"?([^\"\n]*)\"?\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class AddressRanges:
    """The ranges that a cloud provider takes addresses from."""

    subject: Subject
    internal: tuple[str, ...] | Unknown
    internal_path: str
    external: tuple[str, ...] | Unknown
    external_path: str


def address_ranges(inventory: Inventory) -> tuple[AddressRanges, ...]:
    """Return the configurations of the vSphere cloud provider, from the objects that hold them."""
    found: list[AddressRanges] = []
    for item in inventory.objects("ConfigMap", ""):
        for key in _KEYS:
            content = item.get("data", key)
            if content is not None:
                found.append(_ranges(item, f"data.{key}", content))
    for item in inventory.objects("Secret", ""):  # it may stand there together with the account, and is not seen
        if "vsphere" in item.name or "cloud-config" in item.name:
            found.append(_ranges(item, _HIDDEN, Unknown(_HIDDEN, SECRET, item.subject)))
    return seen(found)


def seen(found: Iterable[AddressRanges]) -> tuple[AddressRanges, ...]:
    """Return the configurations that are seen; those that a Secret may hold only where there is no other."""
    every = tuple(found)
    return tuple(item for item in every if item.internal_path != _HIDDEN) or every


def _ranges(item: KubernetesObject, path: str, content: Any) -> AddressRanges:
    if isinstance(content, Unknown):
        gap = content.of(item.subject)
        return AddressRanges(subject=item.subject, internal=gap, internal_path=path, external=gap, external_path=path)
    try:
        parsed = next((document.data for document in documents(str(content), path)), None)
    except FaultsError:
        parsed = None
    nodes = mapping(dig(parsed, "nodes"))
    if parsed is None or not isinstance(parsed, dict):  # the older format, of sections and lines
        nodes = {f"{name}NetworkSubnetCidr": value for name, value in _INI.findall(str(content))}
    return AddressRanges(
        subject=item.subject,
        internal=_list(nodes.get("internalNetworkSubnetCidr"), item),
        internal_path=f"{path}: nodes.internalNetworkSubnetCidr",
        external=_list(nodes.get("externalNetworkSubnetCidr"), item),
        external_path=f"{path}: nodes.externalNetworkSubnetCidr",
    )


def _list(value: Any, item: KubernetesObject) -> tuple[str, ...] | Unknown:
    if isinstance(value, Unknown):
        return value.of(item.subject)
    found = text(value)
    if isinstance(found, Unknown):
        return Unknown(found.path, SECRET, item.subject)
    return tuple(part.strip() for part in (found or "").split(",") if part.strip())
