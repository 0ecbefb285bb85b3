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


class Categories(Way):
    """Categories of tags."""

    noun = "tag category"
    path = "cis/tagging/category"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name: a vCenter has one list of categories."""
        for id_ in _ids(vcenter, "GET", self.path):
            known = _found(vcenter, f"{self.path}/id:{id_}")
            if known is not None and known["name"] == inputs["name"]:
                return id_
        return None

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make a category."""
        del mark
        spec = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "cardinality": inputs["cardinality"],
            "associable_types": inputs["associableTypes"],
        }
        return _made(vcenter, self.path, spec, self.noun)

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return name, description, cardinality and types."""
        known = _found(vcenter, f"{self.path}/id:{id_}")
        if known is None:
            return None
        return {
            "name": known["name"],
            "description": known.get("description", ""),
            "cardinality": known["cardinality"],
            "associableTypes": in_order(known.get("associable_types") or [], inputs.get("associableTypes")),
        }

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change name, description and types."""
        del olds
        spec = {
            "name": news["name"],
            "description": news.get("description", ""),
            "cardinality": news["cardinality"],
            "associable_types": news["associableTypes"],
        }
        vcenter.rest("PATCH", f"{self.path}/id:{id_}", {"update_spec": spec})

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove a category with its tags."""
        vcenter.rest("DELETE", f"{self.path}/id:{id_}")


class Tags(Way):
    """Tags."""

    noun = "tag"
    path = "cis/tagging/tag"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name within its category."""
        for id_ in _ids(vcenter, "POST", f"{self.path}/id:{inputs['categoryId']}?~action=list-tags-for-category"):
            known = _found(vcenter, f"{self.path}/id:{id_}")
            if known is not None and known["name"] == inputs["name"]:
                return id_
        return None

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make a tag."""
        del mark
        spec = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "category_id": inputs["categoryId"],
        }
        return _made(vcenter, self.path, spec, self.noun)

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return name, description and category."""
        del inputs
        known = _found(vcenter, f"{self.path}/id:{id_}")
        if known is None:
            return None
        return {"name": known["name"], "description": known.get("description", ""), "categoryId": known["category_id"]}

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change name and description."""
        del olds
        spec = {"name": news["name"], "description": news.get("description", "")}
        vcenter.rest("PATCH", f"{self.path}/id:{id_}", {"update_spec": spec})

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove a tag from everything that carries it."""
        vcenter.rest("DELETE", f"{self.path}/id:{id_}")


class Libraries(Way):
    """Content libraries."""

    noun = "content library"
    path = "content/local-library"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name."""
        found = _ids(vcenter, "POST", "content/library?~action=find", {"spec": {"name": inputs["name"]}})
        return found[0] if found else None

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make a library on its datastore."""
        del mark
        backings = [{"datastore_id": id_, "type": "DATASTORE"} for id_ in inputs["storageBackings"]]
        spec = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "type": "LOCAL",
            "storage_backings": backings,
        }
        return _made(vcenter, self.path, spec, self.noun)

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return name, description and storage."""
        del inputs
        known = _found(vcenter, f"{self.path}/id:{id_}")
        if known is None:
            return None
        backings = cast("list[Props]", known.get("storage_backings") or [])
        return {
            "name": known["name"],
            "description": known.get("description", ""),
            "storageBackings": [backing.get("datastore_id", "") for backing in backings],
        }

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change name and description."""
        del olds
        spec = {"name": news["name"], "description": news.get("description", "")}
        vcenter.rest("PATCH", f"{self.path}/id:{id_}", {"update_spec": spec})

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove a library with everything in it."""
        vcenter.rest("DELETE", f"{self.path}/id:{id_}")


class Items(Way):
    """Items of a library. The file that one is made from is not fetched: here is no such file, and nobody boots it."""

    noun = "library item"
    path = "content/library/item"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name within its library."""
        spec = {"name": inputs["name"], "library_id": inputs["libraryId"]}
        found = _ids(vcenter, "POST", f"{self.path}?~action=find", {"spec": spec})
        return found[0] if found else None

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make an item without its file."""
        del mark
        spec = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "library_id": inputs["libraryId"],
            "type": inputs["type"],
        }
        return _made(vcenter, self.path, spec, self.noun)

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return name, description, type and library."""
        del inputs
        known = _found(vcenter, f"{self.path}/id:{id_}")
        if known is None:
            return None
        return {
            "name": known["name"],
            "description": known.get("description", ""),
            "libraryId": known["library_id"],
            "type": known["type"],
        }

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change nothing: every property of an item makes a new one."""

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove an item."""
        vcenter.rest("DELETE", f"{self.path}/id:{id_}")


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
