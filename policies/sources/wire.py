"""Values as the engine sends them: unknowns and secrets carry marks, which plain conversion would lose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

from policies.model.values import COMPUTED, SECRET, Data, Unknown, items, mapping

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7"

UNKNOWN_VALUES = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and in practice anything
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
"""What stands in place of a value that is computed while the change is applied."""

HIDDEN_KINDS = frozenset({"kubernetes:core/v1:Secret", "kubernetes:core/v1:SecretPatch"})
"""Types whose content is secret whether or not somebody marked it."""


class Struct(Protocol):
    """The part of protobuf's Struct that is used here."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The values by name."""
        ...


def plain(struct: Struct, type: str = "", hidden: frozenset[str] = frozenset()) -> Data:
    """Return plain data; what is unknown or secret becomes an `Unknown` with its path.

    `hidden` are properties that are secret although their values carry no mark.
    """
    data = {name: _value(value, name) for name, value in struct.fields.items()}
    secret = hidden | {"data", "stringData"} if type in HIDDEN_KINDS else hidden
    return {name: Unknown(name, SECRET) if name in secret else value for name, value in data.items()}


def _value(value: Any, path: str) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return Unknown(path) if text in UNKNOWN_VALUES else text
    if kind == "struct_value":
        return _struct(value.struct_value.fields, path)
    if kind == "list_value":
        return [_value(item, f"{path}[{index}]") for index, item in enumerate(value.list_value.values)]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def _struct(fields: Mapping[str, Any], path: str) -> Any:
    if SIGNATURE in fields:
        return _marked(fields, fields[SIGNATURE].string_value, path)
    return {name: _value(value, f"{path}.{name}") for name, value in fields.items()}


def _marked(fields: Mapping[str, Any], signature: str, path: str) -> Any:
    if signature == SECRET_SIGNATURE:
        return Unknown(path, SECRET)
    if signature == OUTPUT_SIGNATURE:
        if "secret" in fields and fields["secret"].bool_value:
            return Unknown(path, SECRET)
        return _value(fields["value"], path) if "value" in fields else Unknown(path, COMPUTED)
    if signature == RESOURCE_SIGNATURE:
        return fields["urn"].string_value if "urn" in fields else Unknown(path)
    return Unknown(path, "it is a file, which rules do not read")  # an asset or an archive


def merged(outputs: Data, inputs: Data) -> Data:
    """Return the outputs, with what was asked for where an output is not known or was left out.

    Before anything exists, providers differ in what they say of a resource; what the program asks for is the same.
    """
    return _merged(outputs, inputs)


def _merged(output: Any, asked: Any) -> Any:
    if isinstance(output, Unknown):
        return output if output.why != COMPUTED or asked is None else asked
    if isinstance(output, dict) and isinstance(asked, dict):
        below, wanted = mapping(output), mapping(asked)
        return {name: _merged(below.get(name, wanted.get(name)), wanted.get(name)) for name in {**wanted, **below}}
    if isinstance(output, list) and isinstance(asked, list) and len(items(output)) == len(items(asked)):
        return [_merged(value, wanted) for value, wanted in zip(items(output), items(asked), strict=True)]
    return cast("Any", output)
