"""The tables of resource types: what the SDK's text does not say about ids, made-up values, secrets and replaces."""

from __future__ import annotations

import re
import tomllib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.plugins.values import Props, plain

TABLES = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Kind:
    """One row of a table. Everything has a default that follows from the SDK."""

    why: str = "what the SDK says of the type"
    """Where the row comes from."""
    id: str = "{uuid}"
    """Template of the id."""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    """Values of computed outputs, as templates; one that is missing is made from its type."""
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    """Values that the official provider fills in before the preview, so they are known then."""
    secret: tuple[str, ...] = ()
    """Dotted paths that are secret, besides those that the SDK marks."""
    replaces: tuple[str, ...] = ()
    """Inputs whose change makes a new object, besides those of which the SDK's text says so."""
    unknown_on_update: tuple[str, ...] = ()
    """Computed outputs that are unknown whenever something changes; the others keep their value."""
    one_of: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Inputs that take only certain values."""
    exactly_one: tuple[tuple[str, ...], ...] = ()
    """Groups of inputs of which exactly one must be given."""


def load(provider: str) -> dict[str, Kind]:
    """Return a provider's table by type token."""
    rows = tomllib.loads((TABLES / f"{provider}.toml").read_text(encoding="utf-8"))
    return {token: _kind(row) for token, row in rows.items()}


def _kind(row: dict[str, Any]) -> Kind:
    known: dict[str, Any] = {
        **row,
        "secret": tuple(row.get("secret", ())),
        "replaces": tuple(row.get("replaces", ())),
        "unknown_on_update": tuple(row.get("unknown_on_update", ())),
        "one_of": {key: tuple(values) for key, values in row.get("one_of", {}).items()},
        "exactly_one": tuple(tuple(group) for group in row.get("exactly_one", ())),
    }
    return Kind(**known)


_FIELD = re.compile(r"\{(\w+)(?:\|(\w+))?(?:=([^}]*))?\}")


def render(template: Any, inputs: Props, made_up: Callable[[str], bytes]) -> Any:
    """Fill in a template: `{uuid}`, `{hex}`, `{number}` are made up, anything else is an input.

    `{path|type}` takes the second where the first is not given, `{backend=jwt}` a fixed text.
    """
    if isinstance(template, list):
        return [render(item, inputs, made_up) for item in template]  # pyright: ignore[reportUnknownVariableType]  # TOML
    if not isinstance(template, str):
        return template

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name == "uuid":
            return str(uuid.UUID(bytes=made_up("uuid")[:16], version=4))
        if name == "hex":
            return made_up("hex").hex()[:32]
        if name == "number":
            return str(1000 + int.from_bytes(made_up("number")[:4]) % 9000)
        given = plain(inputs.get(name, inputs.get(match[2] or "")))
        return str(given).strip("/") if given is not None else match[3] or ""

    return _FIELD.sub(value, template)


def of_type(annotation: str, name: str, made_up: Callable[[str], bytes]) -> Any:
    """Make up a value for a computed output that no table mentions, by the type that the SDK gives it."""
    if annotation.startswith("Sequence["):
        return []
    if annotation.startswith(("Mapping[", "'")):
        return {}
    if annotation.endswith("bool"):
        return False
    if annotation.endswith(("int", "float")):
        return 0
    return f"{name}-{made_up(name).hex()[:8]}"
