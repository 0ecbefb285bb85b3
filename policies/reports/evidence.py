"""`evidence.json`: the facts that the rules saw, without URNs and without secrets.

Only the model's own aspects are written, never a resource's properties: an unmarked secret in a chart's values or in an
environment variable has no way in.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from policies.kernel.finding import Subject
from policies.model.model import Model
from policies.model.values import Count, Unknown

SCHEMA = "kade.evidence/1"
_INTERNAL = frozenset({"urn", "machine", "machines"})
"""Fields that hold URNs: they tie facts together within one run and mean nothing outside it."""
_ASPECTS = (
    "control_planes",
    "address_ranges",
    "machines",
    "failure_domains",
    "releases",
    "delegations",
    "storage_classes",
    "shared_claims",
    "issuers",
    "definitions",
    "namespaces",
    "listeners",
    "apis",
)


def facts(model: Model) -> dict[str, Any]:
    """Return the facts as plain data, sorted."""
    found: dict[str, Any] = {"nodes": sorted((_plain(pool) for pool in model.nodes.pools), key=_key)}
    for aspect in _ASPECTS:
        found[aspect] = sorted((_plain(item) for item in getattr(model, aspect)), key=_key)
    return found


def digest(found: Mapping[str, Any]) -> str:
    """Return a digest over the facts: equal input gives an equal one."""
    return "sha256:" + hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def render(found: Mapping[str, Any], run: Mapping[str, Any], stack: Mapping[str, Any]) -> str:
    """Return the evidence as JSON."""
    return json.dumps({"schema": SCHEMA, "run": run, "stack": stack, "facts": found}, indent=2) + "\n"


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Unknown):
        return {"unknown": value.path, "why": value.why}
    if isinstance(value, Subject):
        return {"kind": value.kind, "namespace": value.namespace, "name": value.name}
    if isinstance(value, Count):
        return {"lower": value.lower, "upper": value.upper}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = dataclasses.fields(value)
        return {part.name: _plain(getattr(value, part.name)) for part in parts if part.name not in _INTERNAL}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, frozenset | set):
        return sorted(str(item) for item in cast("frozenset[Any]", value))
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value
