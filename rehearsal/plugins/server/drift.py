"""What somebody changed by hand: the difference between an object as it is and as it would be if applied again.

The server writes many values in its own way (`1000m` becomes `1`, defaults are filled in), so comparing an object with
its inputs finds changes where there are none. An apply without effect gives both sides in the server's own words.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from rehearsal.plugins.server.client import Object
from rehearsal.plugins.values import Props, Secret, rewrap, unwrap

_KEYS = ("name", "key", "mountPath", "containerPort", "port", "ip", "type", "topologyKey")
"""What names an item of a list."""


def project(inputs: Any, live: Any, again: Any) -> Any:
    """Return inputs with what was changed by hand put in, marks kept; fields that others added are left out.

    Args:
        inputs: as the program gave them.
        live: the object as it is.
        again: the object as it would be after applying the inputs again.

    """
    if live == again:
        return inputs
    value = unwrap(inputs)
    if isinstance(value, dict) and isinstance(live, dict) and isinstance(again, dict):
        lives, agains = cast("Object", live), cast("Object", again)
        found = {
            key: project(item, lives.get(key), agains.get(key))
            for key, item in cast("Props", value).items()
            # Gone by hand; a key that the server never shows is missing on both sides.
            if key in lives or key not in agains
        }
        return rewrap(found, inputs)
    if isinstance(value, list) and isinstance(live, list) and isinstance(again, list):
        return rewrap(_items(cast("list[Any]", value), cast("list[Any]", live), cast("list[Any]", again)), inputs)
    return rewrap(live, inputs)


def _items(inputs: list[Any], live: list[Any], again: list[Any]) -> list[Any]:
    """Compare lists item by item; where items have names, by name, so that an added one moves nothing."""
    for key in _KEYS:
        lives, agains = _by(key, live), _by(key, again)
        if lives is not None and agains is not None and all(_name(key, item) in agains for item in inputs):
            return [
                project(item, lives[_name(key, item)], agains[_name(key, item)])
                for item in inputs
                if _name(key, item) in lives
            ]
    if len(inputs) == len(live) == len(again):
        return [project(*items) for items in zip(inputs, live, again, strict=True)]
    return live


def _name(key: str, item: Any) -> Any:
    item = unwrap(item)
    return unwrap(cast("Object", item).get(key)) if isinstance(item, dict) else None


def _by(key: str, items: list[Any]) -> dict[Any, Any] | None:
    """Return items by name, or `None` where one has no name of its own."""
    found = {_name(key, item): item for item in items}
    return found if None not in found and len(found) == len(items) else None


def fold_secret(inputs: Props, live: Object, again: Object) -> Props:
    """Put changes of a Secret's `data` into the `stringData` that they come from: the server shows `data` only."""
    text = unwrap(inputs.get("stringData"))
    if not isinstance(text, dict):
        return inputs
    was: Object = again.get("data") or {}
    now: Object = live.get("data") or {}
    found = {
        key: value if now.get(key) == was.get(key) else _decoded(now[key])
        for key, value in cast("Props", text).items()
        if key in now or key not in was
    }
    return {**inputs, "stringData": Secret(found)}


def _decoded(value: Any) -> str:
    try:
        return base64.b64decode(str(value)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return str(value)
