"""Storage classes, and claims that ask for volumes of several writers."""

from __future__ import annotations

from dataclasses import dataclass

from policies.kernel.finding import Subject
from policies.model.resource import Inventory
from policies.model.values import Unknown, items, text

TRIED = "live:Claim"
"""Type of what became of a claim for several writers on a running cluster: `bound`, by the name of its class."""
_FILE_SYSTEM = "csi.storage.k8s.io/fstype"


@dataclass(frozen=True, kw_only=True)
class StorageClass:
    """A storage class."""

    subject: Subject
    provisioner: str | Unknown
    file_system: str | Unknown | None
    """`nfs4` makes a file volume on vSphere; anything else a block volume."""
    default: bool


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim for a volume that several nodes may write."""

    subject: Subject
    storage_class: str | Unknown | None


def storage_classes(inventory: Inventory) -> tuple[StorageClass, ...]:
    """Return the storage classes."""
    return tuple(
        StorageClass(
            subject=item.subject,
            provisioner=text(item.get("provisioner")) or Unknown("provisioner", "it is missing", item.subject),
            file_system=text(item.get("parameters", _FILE_SYSTEM)),
            default=text(item.annotations.get("storageclass.kubernetes.io/is-default-class")) == "true",
        )
        for item in inventory.objects("StorageClass", "storage.k8s.io")
    )


def shared_claims(inventory: Inventory) -> tuple[Claim, ...]:
    """Return the claims that ask for `ReadWriteMany`."""
    return tuple(
        Claim(subject=item.subject, storage_class=text(item.get("spec", "storageClassName")))
        for item in inventory.objects("PersistentVolumeClaim", "")
        if "ReadWriteMany" in items(item.get("spec", "accessModes"))
    )


def tried_claims(inventory: Inventory) -> dict[str, bool | Unknown]:
    """Return, per storage class that was tried, whether a claim for several writers was bound."""
    found = {item.name: item.get("bound") for item in inventory.of_type(TRIED)}
    return {name: bound if isinstance(bound, Unknown) else bound is True for name, bound in found.items()}
