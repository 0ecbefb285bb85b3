"""What differs between two sets of inputs, and what of it makes a new object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from rehearsal.plugins.values import Path, Props, Unknown, plain

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]*\Z")


@dataclass(frozen=True)
class Change:
    """One place that differs."""

    path: Path
    kind: Literal["add", "delete", "update"]
    replaces: bool = False
    """This change cannot be made in place."""


@dataclass(frozen=True)
class Difference:
    """All that differs between the old and the new inputs of a resource."""

    changes: tuple[Change, ...]
    delete_first: bool = False
    """The old object must go before the new one comes, because both have one name."""

    @property
    def replaces(self) -> bool:
        """Whether anything of it makes a new object."""
        return any(change.replaces for change in self.changes)


def compare(old: Props, new: Props, replaces: Callable[[Path], bool]) -> tuple[Change, ...]:
    """Return the places where two sets of inputs differ; an unknown new value counts as different."""
    return tuple(
        Change(change.path, change.kind, replaces(change.path)) for change in _compare(plain(old), plain(new), ())
    )


def _compare(old: Any, new: Any, path: Path) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        olds, news = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for key in sorted(olds.keys() | news.keys()):
            yield from _member(olds, news, key, (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        before: dict[int, Any] = dict(enumerate(cast("list[Any]", old)))
        after: dict[int, Any] = dict(enumerate(cast("list[Any]", new)))
        for index in range(max(len(before), len(after))):
            yield from _member(before, after, index, (*path, index))
    elif isinstance(new, Unknown) or _kind(old) is not _kind(new) or old != new:
        yield Change(path, "update")


def _kind(value: Any) -> type:
    # `True == 1` for Python, not for a manifest.
    return type(cast("object", value))


def _member(old: dict[Any, Any], new: dict[Any, Any], key: str | int, path: Path) -> Iterator[Change]:
    # A key with no value says the same as no key.
    if old.get(key) is None and new.get(key) is None:
        return
    if old.get(key) is None:
        yield Change(path, "add")
    elif new.get(key) is None:
        yield Change(path, "delete")
    else:
        yield from _compare(old[key], new[key], path)


def path_text(path: Path) -> str:
    """Write a path as the engine reads it: `spec.ports[0]["a/b"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += '["' + part.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return text
