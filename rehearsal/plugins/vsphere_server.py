"""The vSphere provider on a rehearsal's vCenter. What the program says is made there; what it says is what exists.

At preview it answers as the stand-in does, so that unknown values are where the official provider has them. Beside the
vCenter it keeps notes of which resource made what. A note is written before the object is made: a run can so take up
what a killed one left, and never takes what somebody else has made.
"""

from __future__ import annotations

import ssl
import time
import uuid
from functools import cached_property
from typing import Any, cast

from rehearsal.backends.endpoints import Endpoints
from rehearsal.plugins import vsphere_inventory, vsphere_machines, vsphere_placement, vsphere_tags
from rehearsal.plugins.bridged import Bridged
from rehearsal.plugins.standin import Place, Resource, StandInError, way_of
from rehearsal.plugins.store import Record
from rehearsal.plugins.values import Props, mark_like, plain, rewrap
from rehearsal.plugins.vsphere_session import Access, VCenter
from rehearsal.plugins.vsphere_ways import ExistsError, Way

WAYS: dict[str, Way] = {
    "vsphere:index/virtualMachine:VirtualMachine": vsphere_machines.Machines(),
    "vsphere:index/folder:Folder": vsphere_inventory.Folders(),
    "vsphere:index/contentLibrary:ContentLibrary": vsphere_tags.Libraries(),
    "vsphere:index/contentLibraryItem:ContentLibraryItem": vsphere_tags.Items(),
    "vsphere:index/tagCategory:TagCategory": vsphere_tags.Categories(),
    "vsphere:index/tag:Tag": vsphere_tags.Tags(),
    "vsphere:index/computeClusterVmGroup:ComputeClusterVmGroup": vsphere_placement.VmGroups(),
    "vsphere:index/computeClusterHostGroup:ComputeClusterHostGroup": vsphere_placement.HostGroups(),
    "vsphere:index/computeClusterVmHostRule:ComputeClusterVmHostRule": vsphere_placement.VmHostRules(),
    "vsphere:index/computeClusterVmAntiAffinityRule:ComputeClusterVmAntiAffinityRule": (
        vsphere_placement.AntiAffinityRules()
    ),
}
"""How each type is made. Any other type is refused by name."""


class VsphereServer(Bridged):
    """Makes machines, tags, libraries, groups and rules in the rehearsal's vCenter."""

    name = "vsphere"
    package = "pulumi_vsphere"
    shows_arguments = True  # names in an inventory

    def __init__(self, place: Place, endpoints: Endpoints, config: Props) -> None:
        """Serve one provider resource; the login waits for the first request that needs it."""
        super().__init__(place)
        self.config = config
        self._endpoints = endpoints

    @cached_property
    def vcenter(self) -> VCenter:
        """The vCenter, as the program's own account. Its name stays the organisation's; only here it is bound."""
        known, where = cast("Props", plain(self.config)), self._endpoints.vcenter
        assert where is not None, "this provider is made only where there is a vCenter"
        host, port = where.server.rsplit(":", 1)
        return VCenter(
            Access(
                name=str(known.get("vsphereServer") or where.server), host=host, port=int(port),
                user=str(known.get("user") or ""), password=str(known.get("password") or ""),
                context=ssl.create_default_context(cafile=where.ca),
            )
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the vCenter; a plugin that ends lets go of it anyway."""
        self.vcenter.forget()

    # Resources.

    def create(self, resource: Resource, inputs: Props) -> tuple[str, Props]:
        """Make an object, or take up the one that a killed run of this resource has left.

        Raises:
            StandInError: somebody else's object has the name, or the vCenter refuses or is gone.

        """
        way, given, store = _way(resource), cast("Props", plain(inputs)), self.store(resource)
        note = f"{resource.type}|being made|{resource.urn}"
        with self.vcenter.asked(f"make {_called(resource)}"):
            left = self._left_behind(resource)
            if left is not None and left[1].id and way.read(self.vcenter, left[1].id, given) is not None:
                id_, nonce = left[1].id, left[1].nonce
            else:
                noted = store.get(note)
                record = noted or store.put(note, resource.urn, resource.type, "", inputs)
                nonce = record.nonce
                mark = str(uuid.UUID(bytes=store.made_up(record, "uuid")[:16], version=4))
                found = way.find(self.vcenter, given)
                if found is not None and (noted is None or not way.ours(found, mark)):
                    store.remove(note)
                    msg = f"{_called(resource)}: the vCenter has a {way.noun} of that name, and this resource did not "
                    msg += "make it. Import it with `pulumi import`, remove it, or choose another name."
                    raise StandInError(msg)
                try:
                    id_ = found or way.make(self.vcenter, given, mark)
                except ExistsError:
                    store.remove(note)
                    raise
            time.sleep(self._latency)
            way.change(self.vcenter, id_, {}, given)
            record = store.put(f"{resource.type}|{id_}", resource.urn, resource.type, id_, inputs, nonce)
            store.remove(note)
            self._known.add((resource.urn, id_))
            return id_, self.outputs(resource, inputs, record, None)

    def update(self, resource: Resource, id_: str, olds: Props, news: Props) -> Props:
        """Change an object in place.

        Raises:
            StandInError: it is gone, or the vCenter refuses or is gone.

        """
        way = _way(resource)
        self._known.add((resource.urn, id_))
        with self.vcenter.asked(f"change {_called(resource)}"):
            before, after = cast("Props", plain(olds)), cast("Props", plain(news))
            if way.read(self.vcenter, id_, after) is None:
                msg = f"{_called(resource)} is gone from the vCenter. Run `pulumi refresh`, then `pulumi up`."
                raise StandInError(msg)
            way.change(self.vcenter, id_, before, after)
            record = self.store(resource).put(f"{resource.type}|{id_}", resource.urn, resource.type, id_, news)
            return self.outputs(resource, news, record, olds)

    def read(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> tuple[Props, Props] | None:
        """Return an object as the vCenter has it; `None` where it is gone.

        Raises:
            StandInError: the vCenter refuses or is gone.

        """
        way, store, key = _way(resource), self.store(resource), f"{resource.type}|{id_}"
        self._known.add((resource.urn, id_))
        with self.vcenter.asked(f"show {_called(resource)}"):
            found = way.read(self.vcenter, id_, cast("Props", plain(inputs)))
            if found is None:
                store.remove(key)
                return None
            if inputs or properties:
                # Only what the program gave: the rest is the vCenter's own business.
                known = {k: rewrap(found[k], v) if k in found else v for k, v in inputs.items()}
            else:
                facts = self.facts(resource).inputs
                known = {k: v for k, v in found.items() if k in facts and v not in (None, "", [], {})}
            record = store.get(key) or store.put(key, resource.urn, resource.type, id_, known)
            marked = self._marked(resource, known)
            outputs = self.outputs(resource, marked, record, properties)
        return cast("Props", mark_like(outputs, properties)), cast("Props", mark_like(marked, inputs))

    def delete(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> None:
        """Remove an object; one that is gone already is no error.

        Raises:
            StandInError: the vCenter refuses or is gone.

        """
        del inputs, properties
        way = _way(resource)
        with self.vcenter.asked(f"remove {_called(resource)}"):
            if way.read(self.vcenter, id_, {}) is not None:
                way.remove(self.vcenter, id_)
        self.store(resource).remove(f"{resource.type}|{id_}")
        if way.noun == "virtual machine":
            self._lose_node(id_)

    def _lose_node(self, uuid_: str) -> None:
        """Let the cluster lose the node of a machine that is gone, as the cloud provider does."""
        from rehearsal.plugins.talos_nodes import Machines, Nodes  # only here: most runs remove no machine

        machines = Machines(self.place.workspace)
        for machine in machines.all():
            if machine.hardware is not None and machine.hardware.uuid == uuid_:
                if self._endpoints.kubernetes is not None and machines.started(machine.cluster):
                    Nodes(self._endpoints.kubernetes).remove(machine.name)
                machines.forget(machine)

    def outputs(self, resource: Resource, inputs: Props, record: Record, olds: Props | None) -> Props:
        """Return inputs, what the vCenter says, and for the rest what the table says."""
        made = super().outputs(resource, inputs, record, olds)
        seen = _way(resource).outputs(self.vcenter, record.id, cast("Props", plain(inputs)))
        return self._marked(resource, {**made, **{k: v for k, v in seen.items() if k not in inputs}})

    # Functions.

    def invoke(self, token: str, arguments: Props) -> Props:
        """Answer a look-up from the inventory.

        Raises:
            StandInError: there is no such thing, or the vCenter refuses or is gone.

        """
        function = token.rsplit(":", 1)[1]
        look = vsphere_inventory.LOOK_UPS.get(function)
        if look is None:
            msg = (
                f"The rehearsal's vCenter is not asked by {function} yet. It answers "
                f"{', '.join(sorted(vsphere_inventory.LOOK_UPS))}. Add it to rehearsal/plugins/vsphere_inventory.py."
            )
            raise StandInError(msg)
        asked = cast("dict[str, Any]", plain(arguments))
        with self.vcenter.asked(f"answer {function}"):
            return {**arguments, **look(self.vcenter, asked)}


def _called(resource: Resource) -> str:
    return f"{resource.type.rsplit(':', 1)[1]} {resource.name}"


def _way(resource: Resource) -> Way:
    return way_of(resource, WAYS, "its vCenter", "rehearsal/plugins/vsphere_server.py")
