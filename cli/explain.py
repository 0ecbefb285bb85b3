"""What a key of the organisation's files means, from the JSON Schemas; what a rule means, from the registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from inputs.faults import Fault, FaultsError, nearest

PROJECT = Path(__file__).parents[1]
SCHEMAS = PROJECT / "stacks" / "schemas"


@dataclass(frozen=True)
class Explained:
    """One key in one kind of file."""

    file: str
    """Kind of file, for example `cluster`."""
    key: str
    """Dotted path from the top of the file."""
    type: str
    """What may be written there."""
    default: str
    """What holds when the key is left out, or `required`."""
    text: str
    """Meaning, unit, and the reason for the default."""


def every_key(schemas: Path = SCHEMAS) -> Iterator[Explained]:
    """Yield every key of every kind of file."""
    for path in sorted(schemas.glob("*.schema.json")):
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        yield from _keys(schema, schema, path.name.removesuffix(".schema.json"), "", ())


def _keys(
    node: dict[str, Any], root: dict[str, Any], file: str, prefix: str, seen: tuple[str, ...]
) -> Iterator[Explained]:
    for name, field in cast("dict[str, dict[str, Any]]", node.get("properties", {})).items():
        key = f"{prefix}.{name}" if prefix else name
        default = json.dumps(field["default"]) if "default" in field else "none"
        if name in node.get("required", []):
            default = "required"
        target, ref = _target(field, root)
        text = str(field.get("description") or target.get("description") or "")
        yield Explained(file, key, _type(field, root), default, text)
        if ref not in seen:
            yield from _keys(target, root, file, key, (*seen, ref) if ref else seen)


def _target(field: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the object that a field holds, through lists, free-key mappings, optionals and references."""
    for option in cast("list[dict[str, Any]]", field.get("anyOf", [])):
        if option.get("type") != "null":
            return _target(option, root)
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        return root.get("$defs", {}).get(name, {}), name
    inner = field.get("items") or field.get("additionalProperties")
    if isinstance(inner, dict):
        return _target(cast("dict[str, Any]", inner), root)
    return field, ""


def _type(field: dict[str, Any], root: dict[str, Any]) -> str:
    if "enum" in field or "const" in field:
        return " or ".join(json.dumps(value) for value in field.get("enum", [field.get("const")]))
    options = [_type(option, root) for option in cast("list[dict[str, Any]]", field.get("anyOf", []))]
    if options:
        return " or ".join(option for option in dict.fromkeys(options) if option != "null")
    if "$ref" in field:
        return _type(_target(field, root)[0], root)
    kind = str(field.get("type", "object"))
    if kind == "array":
        return f"list of {_type(cast('dict[str, Any]', field.get('items', {})), root)}"
    return str(field.get("format") or {"object": "mapping", "string": "text"}.get(kind, kind))


def find(wanted: str, schemas: Path = SCHEMAS) -> list[Explained]:
    """Return the keys that are `wanted` or end in it; a file's kind may stand before it (`cluster.network.pods`)."""
    keys = list(every_key(schemas))
    exact = [key for key in keys if wanted in (key.key, f"{key.file}.{key.key}")]
    return exact or [key for key in keys if key.key.endswith(f".{wanted}")]


def text(word: str) -> str:
    """Return what a key or a rule means, as Markdown.

    Raises:
        FaultsError: there is no such key or rule; names the nearest ones.

    """
    found = find(word)
    if found:
        return "\n\n".join(map(_section, found))
    from policies.rules import load  # only here: a key is explained without loading the rules

    rules = load()
    rule = rules.find(word)
    if rule is not None:
        return (PROJECT / rule.page).read_text(encoding="utf-8")
    names = [*(known.id for known in rules), *(key.key for key in every_key())]
    remedy = nearest(word, names) or "docs/rules lists the rules, stacks/schemas the keys."
    raise FaultsError([Fault("kade explain", 0, word, "there is no such key or rule", remedy)])


def _section(key: Explained) -> str:
    return f"**{key.key}** ({key.file} file): {key.type}; default: {key.default}\n\n{key.text}"
