"""Property values as the engine sends them: plain data, unknown values, secrets, and assets.

On the wire all of them are JSON-like structures; unknown values are a certain text, secrets and assets are objects
with a signature. Here an unknown value is `UNKNOWN`, a secret is `Secret(value)`, and an asset stays the object it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key that says what kind of special object this is (fixed by the engine's protocol)."""

SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXTS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""How the protocol writes an unknown bool, number, text, list, asset, archive and object. Today all are the first."""

Path = tuple[str | int, ...]
"""A place inside a resource's properties."""

Props = dict[str, Any]
"""Properties by name."""


class Unknown:
    """A value that is not known before the resource has been made."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown or stored in clear."""

    value: Any

    def __repr__(self) -> str:
        """Never show the value."""
        return "Secret([hidden])"


def decode(message: struct_pb2.Struct) -> Props:
    """Return a message's properties."""
    return {key: _decode(value) for key, value in message.fields.items()}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE not in fields:
            return {key: _decode(item) for key, item in fields.items()}
        signature = fields[SIGNATURE].string_value
        if signature == SECRET_SIGNATURE:
            return Secret(_decode(fields["value"]))
        if signature == OUTPUT_SIGNATURE:
            inner = _decode(fields["value"]) if "value" in fields else UNKNOWN
            return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
        return {key: _decode(item) for key, item in fields.items()}  # an asset, an archive or a reference
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_TEXTS else value.string_value
    if kind == "number_value":
        # The wire knows only doubles; a YAML file with `replicas: 3.0` would be refused by an API server.
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return value.bool_value if kind == "bool_value" else None


def encode(props: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return properties as a message."""
    message = struct_pb2.Struct()
    message.update({key: _encode(value) for key, value in props.items()})
    return message


def _encode(value: Any) -> Any:
    if isinstance(value, Unknown):
        return "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET_SIGNATURE, "value": _encode(value.value)}
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_encode(item) for item in cast("list[Any]", value)]
    return value


def plain(value: Any) -> Any:
    """Return the value without secret marks. For use inside this process only."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [plain(item) for item in cast("list[Any]", value)]
    return value


def unwrap(value: Any) -> Any:
    """Return the value without its outermost mark; marks inside stay."""
    return unwrap(value.value) if isinstance(value, Secret) else value


def rewrap(value: Any, before: Any) -> Any:
    """Mark the value secret where the one before was."""
    return Secret(value) if isinstance(before, Secret) else value


def has_unknown(value: Any) -> bool:
    """Say whether anything in the value is unknown."""
    return any(isinstance(leaf, Unknown) for _, leaf in leaves(value))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar, unknown value and empty container with its path, looking through secret marks."""
    if isinstance(value, Secret):
        yield from leaves(value.value, path)
    elif isinstance(value, dict) and value:
        for key, item in cast("dict[str, Any]", value).items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(cast("list[Any]", value)):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def at(value: Any, path: Sequence[str | int]) -> Any:
    """Return what stands at a path, looking through secret marks, or `None`."""
    for part in path:
        value = value.value if isinstance(value, Secret) else value
        if isinstance(value, dict) and isinstance(part, str):
            value = cast("dict[str, Any]", value).get(part)
        elif isinstance(value, list) and isinstance(part, int):
            items = cast("list[Any]", value)
            value = items[part] if part < len(items) else None
        else:
            return None
    return value


def mark(value: Any, path: Sequence[str]) -> Any:
    """Return the value with what stands at the path marked secret; a missing path changes nothing."""
    if isinstance(value, Secret):
        return value
    if not path:
        return Secret(value) if value is not None else None
    if isinstance(value, dict) and path[0] in value:
        mapping = cast("dict[str, Any]", value)
        return {**mapping, path[0]: mark(mapping[path[0]], path[1:])}
    return cast("Any", value)


def mark_like(value: Any, example: Any) -> Any:
    """Return the value with a secret mark wherever the example has one.

    A back end gives values back without marks; unless they are put back, a refresh writes secrets to the state in
    clear.
    """
    if isinstance(example, Secret):
        return value if isinstance(value, Secret) else Secret(value)
    if isinstance(value, dict) and isinstance(example, dict):
        known = cast("dict[str, Any]", example)
        return {key: mark_like(item, known.get(key)) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list) and isinstance(example, list):
        examples = cast("list[Any]", example)
        items = cast("list[Any]", value)
        # An item that moved keeps its mark: one secret in the old list marks every place that is new.
        rest = next((item for item in examples if isinstance(item, Secret)), None)
        return [mark_like(item, examples[i] if i < len(examples) else rest) for i, item in enumerate(items)]
    return cast("Any", value)


def hide(value: Any, digest: Callable[[str], str]) -> Any:
    """Return the value with every secret replaced by a digest, each leaf by its own."""
    if isinstance(value, Secret):
        return _hidden(value.value, digest)
    if isinstance(value, Unknown):
        return "(unknown)"
    if isinstance(value, dict):
        return {key: hide(item, digest) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [hide(item, digest) for item in cast("list[Any]", value)]
    return value


def _hidden(value: Any, digest: Callable[[str], str]) -> Any:
    value = plain(value)
    if isinstance(value, dict):
        return {key: _hidden(item, digest) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_hidden(item, digest) for item in cast("list[Any]", value)]
    return None if value is None else digest(canonical(value))


def canonical(value: Any) -> str:
    """Return one text for equal values, whatever the order of their keys."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), default=repr)
