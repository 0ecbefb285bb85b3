"""What a program waits for by itself: `pulumi.com/waitFor`, as a condition or as a JSONPath."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.plugins.server.client import Object

WAIT_FOR = "pulumi.com/waitFor"
_STEP = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\]\\])+)        # .status, with `\.` for a dot in a name
      | \[(?P<index>-?\d+|\*)\]                # [0], [*]
      | \[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]   # ['a.b']
      | \[\?\(@\.(?P<field>[\w.-]+)\s*==\s*(?P<mark>['"])(?P<equal>.*?)(?P=mark)\)\]  # [?(@.type=="Ready")]
    """,
    re.VERBOSE,
)


class WaitForError(ValueError):
    """An annotation that nobody can follow. The text says what to write."""


@dataclass(frozen=True)
class Condition:
    """A condition of the object's status."""

    type: str
    status: str = "True"

    def holds(self, live: Object) -> bool:
        """Say whether the object has the condition."""
        return any(str(c.get("status")).lower() == self.status.lower() for c in conditions(live, self.type))

    def __str__(self) -> str:
        return f"condition {self.type}={self.status}"


@dataclass(frozen=True)
class JsonPath:
    """A value anywhere in the object."""

    path: str
    value: str | None
    """What it must be; `None` where it must only be there."""

    def holds(self, live: Object) -> bool:
        """Say whether the object has the value."""
        found = select(live, self.path)
        if self.value is None:
            return any(item not in (None, "", [], {}) for item in found)
        return any(_text(item) == self.value for item in found)

    def __str__(self) -> str:
        return f"jsonpath={{{self.path}}}" + (f"={self.value}" if self.value is not None else "")


def parse(annotation: str) -> list[Condition | JsonPath]:
    """Return what an annotation asks for: one expression, or a JSON list of them.

    Raises:
        WaitForError: it is no expression.

    """
    text = annotation.strip()
    if not text.startswith("["):
        return [_expression(text)]
    try:
        items: Any = json.loads(text)
    except ValueError:
        items = None
    if not isinstance(items, list) or not items:
        msg = f"{WAIT_FOR} is no JSON list of expressions: {text}. {_HOW}"
        raise WaitForError(msg)
    return [_expression(str(item)) for item in cast("list[Any]", items)]


_HOW = "Write `condition=Ready`, `condition=Ready=True`, `jsonpath={.status.phase}=Running` or a JSON list of these."


def _expression(text: str) -> Condition | JsonPath:
    if text.startswith("condition="):
        type_, _, status = text.removeprefix("condition=").partition("=")
        if type_:
            return Condition(type_, status or "True")
    if text.startswith("jsonpath="):
        path, closed, rest = text.removeprefix("jsonpath=").lstrip().partition("}")
        path = path.removeprefix("{")
        if closed and (not rest or rest.startswith("=")) and _steps(path) is not None:
            return JsonPath(path, rest[1:].strip("'\"") if rest else None)
    msg = f"{WAIT_FOR} is nothing that can be waited for: {text}. {_HOW}"
    raise WaitForError(msg)


def _steps(path: str) -> list[re.Match[str]] | None:
    """Return the steps of a path, or `None` where it is none."""
    steps: list[re.Match[str]] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        steps.append(step)
        at = step.end()
    return steps or None


def select(value: Any, path: str) -> list[Any]:
    """Return everything that a JSONPath such as `.status.conditions[?(@.type=="Ready")].status` finds."""
    found = [value]
    for step in _steps(path) or []:
        found = [item for one in found for item in _step(one, step)]
    return found


def _step(value: Any, step: re.Match[str]) -> list[Any]:
    if step["index"] is not None or step["field"] is not None:
        items = cast("list[Any]", value) if isinstance(value, list) else []
        if step["field"] is not None:
            return [item for item in items if step["equal"] in map(_text, select(item, f".{step['field']}"))]
        if step["index"] == "*":
            return items
        index = int(step["index"])
        return items[index : index + 1] if index >= 0 else items[index:][:1]
    name = step["key"] if step["quote"] else step["name"].replace("\\.", ".")
    if isinstance(value, dict) and name in value:
        return [cast("Object", value)[name]]
    return []


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def conditions(live: Object, type_: str | None = None) -> list[Object]:
    """Return an object's conditions, or those of one type."""
    status: Any = live.get("status") or {}
    found: Any = cast("Object", status).get("conditions") if isinstance(status, dict) else None
    items = cast("list[Object]", found) if isinstance(found, list) else []
    return [item for item in items if type_ is None or item.get("type") == type_]
