"""Tags, their categories and content libraries: what a vCenter keeps behind its REST interface."""

from __future__ import annotations

import http.client
from typing import Any, cast

from rehearsal.plugins.values import Props
from rehearsal.plugins.vsphere_session import RestFaultError, VCenter
from rehearsal.plugins.vsphere_ways import ExistsError, Way, in_order


def _found(vcenter: VCenter, path: str) -> Props | None:
    try:
        return cast("Props", vcenter.rest("GET", path))
    except RestFaultError as error:
        if error.status == http.client.NOT_FOUND:
            return None
        raise


def _ids(vcenter: VCenter, method: str, path: str, body: Any = None) -> list[str]:
    return cast("list[str]", vcenter.rest(method, path, body) or [])


def _made(vcenter: VCenter, path: str, spec: Props, what: str) -> str:
    try:
        return str(vcenter.rest("POST", path, {"create_spec": spec}))
    except RestFaultError as error:
        if "already exists" in str(error):
            msg = f"vCenter {vcenter.access.name} has a {what} of that name already. Choose another name."
            raise ExistsError(msg) from None
        raise


class _Listed(Way):
    """What the REST interface keeps in lists: it has an id, a name, a description and some more."""

    path: str
    """Where the list lies."""

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make one."""
        del mark
        return _made(vcenter, self.path, {**_named(inputs), **self._first(inputs)}, self.noun)

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return name, description and the rest."""
        known = _found(vcenter, f"{self.path}/id:{id_}")
        if known is None:
            return None
        return {"name": known["name"], "description": known.get("description", ""), **self._shown(known, inputs)}

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change name, description and what else can change."""
        del olds
        vcenter.rest("PATCH", f"{self.path}/id:{id_}", {"update_spec": {**_named(news), **self._later(news)}})

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove one, with all that hangs on it."""
        vcenter.rest("DELETE", f"{self.path}/id:{id_}")

    def _first(self, inputs: Props) -> Props:
        """Return what is said besides when it is made."""
        raise NotImplementedError

    def _later(self, inputs: Props) -> Props:
        """Return what is said besides when it is changed. By default nothing: a change of the rest makes another."""
        del inputs
        return {}

    def _shown(self, known: Props, inputs: Props) -> Props:
        """Return the rest of what stands there, under the provider's names."""
        raise NotImplementedError

    def _among(self, vcenter: VCenter, ids: list[str], name: str) -> str | None:
        """Return the one of some that has a name."""
        for id_ in ids:
            known = _found(vcenter, f"{self.path}/id:{id_}")
            if known is not None and known["name"] == name:
                return id_
        return None


def _named(inputs: Props) -> Props:
    return {"name": inputs["name"], "description": inputs.get("description", "")}


class Categories(_Listed):
    """Categories of tags."""

    noun = "tag category"
    path = "cis/tagging/category"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name: a vCenter has one list of categories."""
        return self._among(vcenter, _ids(vcenter, "GET", self.path), inputs["name"])

    def _first(self, inputs: Props) -> Props:
        return {"cardinality": inputs["cardinality"], "associable_types": inputs["associableTypes"]}

    _later = _first

    def _shown(self, known: Props, inputs: Props) -> Props:
        types = in_order(known.get("associable_types") or [], inputs.get("associableTypes"))
        return {"cardinality": known["cardinality"], "associableTypes": types}


class Tags(_Listed):
    """Tags."""

    noun = "tag"
    path = "cis/tagging/tag"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name within its category."""
        listed = f"{self.path}/id:{inputs['categoryId']}?~action=list-tags-for-category"
        return self._among(vcenter, _ids(vcenter, "POST", listed), inputs["name"])

    def _first(self, inputs: Props) -> Props:
        return {"category_id": inputs["categoryId"]}

    def _shown(self, known: Props, inputs: Props) -> Props:
        del inputs
        return {"categoryId": known["category_id"]}


class Libraries(_Listed):
    """Content libraries."""

    noun = "content library"
    path = "content/local-library"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name."""
        found = _ids(vcenter, "POST", "content/library?~action=find", {"spec": {"name": inputs["name"]}})
        return found[0] if found else None

    def _first(self, inputs: Props) -> Props:
        backings = [{"datastore_id": id_, "type": "DATASTORE"} for id_ in inputs["storageBackings"]]
        return {"type": "LOCAL", "storage_backings": backings}

    def _shown(self, known: Props, inputs: Props) -> Props:
        del inputs
        backings = cast("list[Props]", known.get("storage_backings") or [])
        return {"storageBackings": [backing.get("datastore_id", "") for backing in backings]}


class Items(_Listed):
    """Items of a library. The file that one is made from is not fetched: here is no such file, and nobody boots it."""

    noun = "library item"
    path = "content/library/item"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name within its library."""
        spec = {"name": inputs["name"], "library_id": inputs["libraryId"]}
        found = _ids(vcenter, "POST", f"{self.path}?~action=find", {"spec": spec})
        return found[0] if found else None

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change nothing: every property of an item makes a new one."""

    def _first(self, inputs: Props) -> Props:
        return {"library_id": inputs["libraryId"], "type": inputs["type"]}

    def _shown(self, known: Props, inputs: Props) -> Props:
        del inputs
        return {"libraryId": known["library_id"], "type": known["type"]}


def attached(vcenter: VCenter, kind: str, moid: str) -> list[str]:
    """Return the tags of an object."""
    body = {"object_id": {"type": kind, "id": moid}}
    return _ids(vcenter, "POST", "cis/tagging/tag-association?~action=list-attached-tags", body)


def attach(vcenter: VCenter, kind: str, moid: str, wanted: list[str]) -> None:
    """Give an object exactly these tags."""
    has = attached(vcenter, kind, moid)
    body = {"object_id": {"type": kind, "id": moid}}
    for id_ in wanted:
        if id_ not in has:
            vcenter.rest("POST", f"cis/tagging/tag-association/id:{id_}?~action=attach", body)
    for id_ in has:
        if id_ not in wanted:
            vcenter.rest("POST", f"cis/tagging/tag-association/id:{id_}?~action=detach", body)
