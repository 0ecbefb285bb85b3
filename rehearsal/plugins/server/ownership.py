"""Who owns which fields of an object: field managers, as server-side apply keeps them.

A resource's manager is made from its URN, where the official provider takes a random name and keeps it in the state.
So a run that was killed before the state was written finds its own objects again: they carry its manager's name.
"""

from __future__ import annotations

import hashlib
from typing import Any, cast

from rehearsal.plugins.server.client import Object
from rehearsal.plugins.values import Props, at, plain

MANAGER = "__fieldManager"
"""Output that keeps the manager's name, as the official provider does: an alias changes the URN, not the owner."""
_ANNOTATION = "pulumi.com/patchFieldManager"
_BY_HAND = ("kubectl", "before-first-apply", "pulumi-kubernetes", "pulumi-resource-kubernetes")
"""Beginnings of managers whose fields an update takes over without a conflict, as the official provider does: what
somebody did with kubectl, and what Pulumi did by client-side apply."""


def manager(urn: str, inputs: Props, outputs: Props) -> str:
    """Return the name of a resource's field manager: as annotated, as before, or made from its URN."""
    given = plain(at(inputs, ("metadata", "annotations", _ANNOTATION))) or plain(outputs.get(MANAGER))
    return str(given) if given else f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def managers(live: Object) -> list[Object]:
    """Return the entries of an object's managers."""
    found: Any = cast("Object", live.get("metadata") or {}).get("managedFields")
    return cast("list[Object]", found) if isinstance(found, list) else []


def applied_by(live: Object, name: str) -> bool:
    """Say whether a manager has applied anything to an object."""
    return any(entry.get("manager") == name and entry.get("operation") == "Apply" for entry in managers(live))


def by_hand(live: Object, own: str) -> list[Object]:
    """Return the entries of fields that an update takes over."""
    return [entry for entry in managers(live) if _taken_over(entry, own)]


def _taken_over(entry: Object, own: str) -> bool:
    name = str(entry.get("manager"))
    if entry.get("subresource") or not name.startswith(_BY_HAND):
        return False
    # Another resource's apply is no accident: that stays a conflict.
    return name != own if name.startswith("kubectl") else entry.get("operation") == "Update"


def take_over(live: Object, own: str) -> list[Object] | None:
    """Return a JSON patch that gives fields changed by hand to a manager; `None` where there are none.

    Without it, the next apply would be a conflict, or would leave alone what somebody added with kubectl.
    """
    taken = by_hand(live, own)
    if not taken:
        return None
    kept = [entry for entry in managers(live) if entry not in taken]
    mine = next((e for e in kept if e.get("manager") == own and e.get("operation") == "Apply"), None)
    fields: Object = dict(cast("Object", mine["fieldsV1"])) if mine else {}
    for entry in taken:
        fields = _union(fields, cast("Object", entry.get("fieldsV1") or {}))
    entry = {**(mine or taken[0]), "manager": own, "operation": "Apply", "fieldsV1": fields}
    rest = [other for other in kept if other is not mine]
    metadata: Object = live["metadata"]
    return [
        # Nobody may have changed it meanwhile.
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": [*rest, entry]},
    ]


def _union(one: Object, other: Object) -> Object:
    merged = dict(one)
    for key, value in other.items():
        known = merged.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        merged[key] = _union(cast("Object", known), cast("Object", value)) if both else value
    return merged


def owned(live: Object, name: str) -> Object:
    """Return the fields that a manager has applied, in the server's own notation."""
    found = next((e for e in managers(live) if e.get("manager") == name and e.get("operation") == "Apply"), None)
    return cast("Object", (found or {}).get("fieldsV1") or {})


def owns(fields: Object, path: tuple[str, ...]) -> bool:
    """Say whether a set of fields holds a path, or something below it."""
    for part in path:
        inner = fields.get(f"f:{part}")
        if not isinstance(inner, dict):
            return False
        fields = cast("Object", inner)
    return True
