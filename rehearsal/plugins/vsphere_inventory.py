"""The inventory of a vCenter: what the program looks up there, and folders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.values import Props
from rehearsal.plugins.vsphere_session import VCenter, fault_kind
from rehearsal.plugins.vsphere_ways import ExistsError, Way

FOLDERS = {"vm": "vmFolder", "host": "hostFolder", "datastore": "datastoreFolder", "network": "networkFolder"}
"""Root folder of each type, in a datacenter."""
SHOWN = 12
"""How many names an error lists."""


def exists(vcenter: VCenter, object_: Any) -> bool:
    """Say whether a managed object is still there."""
    del vcenter
    try:
        return bool(object_.name is not None)
    except Exception as error:
        if fault_kind(error) == "ManagedObjectNotFound":
            return False
        raise


def datacenter_of(object_: Any) -> Any:
    """Return the datacenter that an object lies in."""
    while object_ is not None and type(object_).__name__.rsplit(".", 1)[-1] != "Datacenter":
        object_ = object_.parent
    return object_


def path_of(folder: Any) -> str:
    """Return a folder's path below the root folder of its type; empty for that one itself."""
    parts: list[str] = []
    while type(folder.parent).__name__.rsplit(".", 1)[-1] == "Folder":
        parts.insert(0, folder.name)
        folder = folder.parent
    return "/".join(parts)


def folder_at(root: Any, path: str) -> Any:
    """Return the folder at a path below a root folder, or `None`."""
    for part in path.strip("/").split("/") if path.strip("/") else ():
        root = next((child for child in root.childEntity if child.name == part and hasattr(child, "childEntity")), None)
        if root is None:
            return None
    return root


class Folders(Way):
    """Folders of any type but those of datacenters."""

    noun = "folder"

    def _root(self, vcenter: VCenter, inputs: Props) -> Any:
        datacenter = vcenter.object("Datacenter", str(inputs.get("datacenterId") or _only_datacenter(vcenter)._moId))
        return getattr(datacenter, FOLDERS[str(inputs.get("type", "vm"))])

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By path."""
        found = folder_at(self._root(vcenter, inputs), str(inputs["path"]))
        return found._moId if found is not None else None

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make a folder in one that is there."""
        del mark
        above, _, name = str(inputs["path"]).strip("/").rpartition("/")
        parent = folder_at(self._root(vcenter, inputs), above)
        if parent is None:
            msg = f"vCenter {vcenter.access.name} has no folder {above}, in which {name} is to be. Make it first."
            raise StandInError(msg)
        try:
            return str(parent.CreateFolder(name)._moId)
        except Exception as error:
            if fault_kind(error) == "DuplicateName":
                msg = f"vCenter {vcenter.access.name} has something named {inputs['path']} already."
                raise ExistsError(msg) from None
            raise

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return path, type and datacenter."""
        folder = vcenter.object("Folder", id_)
        if not exists(vcenter, folder):
            return None
        datacenter, path = datacenter_of(folder), path_of(folder)
        given = str(inputs.get("path", ""))
        kind = next(
            (name for name, root in FOLDERS.items() if folder_at(getattr(datacenter, root), path) == folder), "vm"
        )
        return {"path": given if given.strip("/") == path else path, "type": kind, "datacenterId": datacenter._moId}

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Rename a folder, or move it to another one."""
        del olds
        folder = vcenter.object("Folder", id_)
        above, _, name = str(news["path"]).strip("/").rpartition("/")
        parent = folder_at(self._root(vcenter, news), above)
        if parent is None:
            msg = (
                f"vCenter {vcenter.access.name} has no folder {above}, to which {folder.name} is to go. Make it first."
            )
            raise StandInError(msg)
        if folder.parent != parent:
            vcenter.wait(parent.MoveIntoFolder_Task([folder]))
        if folder.name != name:
            vcenter.wait(folder.Rename_Task(name))

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove a folder that is empty; with a folder would go everything in it."""
        folder = vcenter.object("Folder", id_)
        inside = [child.name for child in folder.childEntity]
        if inside:
            msg = (
                f"The folder {folder.name} is not empty: {', '.join(sorted(inside)[:5])}. Remove what is in it, then "
                "run the same command again."
            )
            raise StandInError(msg)
        vcenter.wait(folder.Destroy_Task())


# Look-ups.


def _only_datacenter(vcenter: VCenter) -> Any:
    found = vcenter.named(vcenter.content.rootFolder, "Datacenter")
    if len(found) != 1:
        msg = f"vCenter {vcenter.access.name} has {len(found)} datacenters; say which one by its name or id."
        raise StandInError(msg)
    return found[0][0]


def _below(vcenter: VCenter, asked: Props) -> Any:
    """Return where to look: a datacenter, or the whole inventory."""
    if asked.get("datacenterId"):
        return vcenter.object("Datacenter", str(asked["datacenterId"]))
    return vcenter.content.rootFolder


def _one(vcenter: VCenter, asked: Props, kind: str, noun: str) -> Any:
    """Return the object of a kind with the asked name.

    Raises:
        StandInError: there is none; names those that there are.

    """
    name = str(asked.get("name") or "").strip("/").rsplit("/", 1)[-1]
    known = vcenter.named(_below(vcenter, asked), kind)
    if not name and len(known) == 1:
        return known[0][0]
    found = next((one for one, properties in known if properties["name"] == name), None)
    if found is None:
        names = sorted(str(properties["name"]) for _, properties in known)
        there = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        msg = (
            f"vCenter {vcenter.access.name} has no {noun} {name or '(no name given)'}. It has: {there or 'none'}. "
            "Correct the name in the cluster's file, or add it to the vCenter."
        )
        raise StandInError(msg)
    return found


def _datacenter(vcenter: VCenter, asked: Props) -> Props:
    found = _one(vcenter, asked, "Datacenter", "datacenter")
    machines = [str(known["name"]) for _, known in vcenter.named(found, "VirtualMachine")]
    return {"id": found._moId, "virtualMachines": sorted(machines)}


def _compute_cluster(vcenter: VCenter, asked: Props) -> Props:
    found = _one(vcenter, asked, "ClusterComputeResource", "compute cluster")
    return {"id": found._moId, "name": found.name, "resourcePoolId": found.resourcePool._moId}


def _datastore(vcenter: VCenter, asked: Props) -> Props:
    found = _one(vcenter, asked, "Datastore", "datastore")
    return {"id": found._moId, "name": found.name}


def _host(vcenter: VCenter, asked: Props) -> Props:
    found = _one(vcenter, asked, "HostSystem", "host")
    return {"id": found._moId, "name": found.name, "resourcePoolId": found.parent.resourcePool._moId}


def _network(vcenter: VCenter, asked: Props) -> Props:
    found = _one(vcenter, asked, "Network", "network")
    return {"id": found._moId, "name": found.name, "type": type(found).__name__.rsplit(".", 1)[-1]}


def _resource_pool(vcenter: VCenter, asked: Props) -> Props:
    found = _one(vcenter, asked, "ResourcePool", "resource pool")
    return {"id": found._moId, "name": found.name}


def _folder(vcenter: VCenter, asked: Props) -> Props:
    parts = str(asked["path"]).strip("/").split("/")
    for datacenter, known in vcenter.named(vcenter.content.rootFolder, "Datacenter"):
        if known["name"] == parts[0] and len(parts) > 1 and parts[1] in FOLDERS:
            found = folder_at(getattr(datacenter, FOLDERS[parts[1]]), "/".join(parts[2:]))
            if found is not None:
                return {"id": found._moId}
    msg = f"vCenter {vcenter.access.name} has no folder {asked['path']}. Its path is /<datacenter>/<type>/<folders>."
    raise StandInError(msg)


LOOK_UPS: dict[str, Callable[[VCenter, Props], Props]] = {
    "getDatacenter": _datacenter,
    "getComputeCluster": _compute_cluster,
    "getDatastore": _datastore,
    "getHost": _host,
    "getNetwork": _network,
    "getResourcePool": _resource_pool,
    "getFolder": _folder,
}
"""What each function of the provider answers."""
