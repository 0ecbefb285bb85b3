"""Facts as plain data, and back: what `evidence.json` holds."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from policies.kernel.finding import Subject
from policies.model.values import Unknown

_URNS = frozenset({"urn", "machines"})
"""Fields that hold URNs. They tie facts of one stack together, and what ties them can be written without saying it."""
_UNKNOWN = {"unknown", "why", "subject"}

Fact = TypeVar("Fact")


def plain(value: Any) -> Any:
    """Return a fact as data that JSON can hold."""
    if isinstance(value, Unknown):
        return {"unknown": value.path, "why": value.why, "subject": plain(value.subject)}
    if isinstance(value, Subject):
        return {"kind": value.kind, "namespace": value.namespace, "name": value.name}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: _field(part.name, getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, frozenset | set):
        return sorted(str(item) for item in cast("frozenset[Any]", value))
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("list[Any]", value)]
    return value


def _field(name: str, value: Any) -> Any:
    if name in _URNS and isinstance(value, str):
        return _tie(value)
    if name in _URNS and isinstance(value, tuple) and all(isinstance(item, str) for item in cast("Any", value)):
        return [_tie(item) for item in cast("tuple[str, ...]", value)]
    return plain(value)


def _tie(urn: str) -> str:
    return hashlib.sha256(urn.encode()).hexdigest()[:16] if urn else ""


def restored(type: type[Fact], data: object) -> Fact:
    """Return the fact that data was made from.

    Raises:
        ValueError: the data is not of this type.

    """
    try:
        return _adapter(type).validate_python(_unknowns(data))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ValueError(where) from None  # not the value: nobody knows what stands there


@lru_cache(maxsize=8)
def _adapter(type: type[Fact]) -> TypeAdapter[Fact]:
    return TypeAdapter(type)


def _unknowns(data: Any) -> Any:
    """Put unknown values back, wherever they stand: a chart's values have no type that says where."""
    if isinstance(data, dict):
        found = cast("dict[str, Any]", data)
        if found.keys() == _UNKNOWN and isinstance(found["unknown"], str):
            subject = found["subject"]
            return Unknown(found["unknown"], str(found["why"]), Subject(**subject) if subject else None)
        return {key: _unknowns(item) for key, item in found.items()}
    if isinstance(data, list):
        return [_unknowns(item) for item in cast("list[Any]", data)]
    return data
