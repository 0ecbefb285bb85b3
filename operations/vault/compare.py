"""Whether what Vault answers means what was sent: it sorts sets, and counts in seconds what was said in minutes."""

from __future__ import annotations

import json
from typing import Any, cast

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def same(ours: Any, theirs: Any) -> bool:
    """Say whether two values mean the same to Vault."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        a, b = cast("dict[str, Any]", ours), cast("dict[str, Any]", theirs)
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(ours, dict) or isinstance(theirs, dict):
        return not ours and not theirs
    if isinstance(ours, list) or isinstance(theirs, list):
        # Every list that is written here is a set to Vault.
        return sorted(map(_text, _list(ours))) == sorted(map(_text, _list(theirs)))
    return _scalar(ours) == _scalar(theirs)


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [] if value in (None, "") else [value]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else _scalar(value)


def _scalar(value: Any) -> str:
    """Return one text for all ways to say a value: nothing, `false`, 600 or `10m`."""
    if value in (None, "", False, 0):
        return ""
    if value is True:
        return "true"
    text = str(value).strip()
    if text[:-1].isdigit() and text[-1:] in _SECONDS:
        return str(int(text[:-1]) * _SECONDS[text[-1]])
    return "" if text in ("false", "0") else text
