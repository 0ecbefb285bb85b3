"""The state source: what `pulumi stack export` writes, which is what Pulumi knows of what exists."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inputs.faults import Fault, FaultsError, shown
from policies.kernel.words import Source
from policies.model.resource import KUBERNETES, Inventory, Provider, Resource
from policies.model.values import COMPUTED, SECRET, Data, Unknown, dig, items, mapping
from policies.sources.gathered import Gathered
from policies.sources.manifests import STANDARD_INPUT
from policies.sources.objects import shielded
from policies.sources.preview import RENDERED
from policies.sources.streams import has_half_characters
from policies.sources.wire import (
    HIDDEN_KINDS,
    RESOURCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE,
    UNKNOWN_VALUES,
    merged,
)

OLDEST, NEWEST = 3, 4
"""Versions of the export that this reads. 4 is 3 with features, none of which changes what a resource is."""
_UNSEEN = (
    "The state says what Pulumi last saw: what changed since without Pulumi was not looked at.",
    "What GitOps delivers does not stand in the state and was not looked at.",
)


def read(path: Path | None) -> Gathered:
    """Return the resources in an export; `None` stands for standard input.

    Raises:
        FaultsError: it cannot be read as an export of a version that is known here.

    """
    name = STANDARD_INPUT if path is None else shown(path)
    deployment = _deployment(name, _text(path, name))
    entries = [mapping(entry) for entry in items(deployment.get("resources"))]
    providers = {f"{entry.get('urn')}::{entry.get('id')}": entry for entry in entries if _is_provider(entry)}
    unseen: list[str] = [*_UNSEEN]
    found: list[Resource] = []
    leaving = 0
    for entry in entries:
        if entry.get("delete") is True:
            leaving += 1
        elif entry.get("viewOf") is None:  # a view repeats a part of another resource
            found.append(_resource(entry, providers))
    if leaving:
        unseen.append(f"{leaving} resources are to be deleted and were not judged.")
    pending = items(deployment.get("pending_operations"))
    if pending:
        unseen.append(f"{len(pending)} operations were broken off: what they made is not known. Run `kade up`.")
    stack, project = _named(entries)
    return Gathered(
        inventory=Inventory(tuple(found)), source=Source.STATE, unseen=tuple(unseen), stack=stack, project=project
    )


def _text(path: Path | None, name: str) -> str:
    try:
        return (sys.stdin.buffer.read() if path is None else path.read_bytes()).decode("utf-8-sig")
    except FileNotFoundError:
        raise _fault(name, "the file does not exist", "Write it with `pulumi stack export --file`.") from None
    except (OSError, UnicodeDecodeError) as error:
        what = f"it cannot be read ({type(error).__name__})"
        raise _fault(name, what, "Write it with `pulumi stack export --file`.") from None


def _fault(name: str, what: str, remedy: str, line: int = 0, key: str = "") -> FaultsError:
    return FaultsError([Fault(name, line, key, what, remedy)])


def _deployment(name: str, text: str) -> Data:
    again = "Write it anew with `pulumi stack export --file`."
    try:
        data: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise _fault(name, f"not valid JSON: {error.msg}", again, error.lineno) from None
    except RecursionError:
        raise _fault(name, "it is nested too deeply to be read", again) from None
    if has_half_characters(text, data):
        raise _fault(name, "it holds half a character, which is no text", again)
    version = dig(data, "version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise _fault(name, "this is no export of a stack: it has no version", again)
    if not OLDEST <= version <= NEWEST:
        age = "newer" if version > NEWEST else "older"
        what = f"the export has version {version}, {age} than what this Kade reads ({OLDEST} to {NEWEST})"
        remedy = "Upgrade Kade." if version > NEWEST else "Run `pulumi up` once with a current CLI, and export again."
        raise _fault(name, what, remedy, key="version")
    deployment = dig(data, "deployment")
    if not isinstance(deployment, dict):
        raise _fault(name, "this is no export of a stack: it has no deployment", again, key="deployment")
    resources = dig(deployment, "resources")
    if resources is not None and not isinstance(resources, list):
        raise _fault(name, "the resources are no list", again, key="deployment.resources")
    for index, entry in enumerate(items(resources)):
        if not isinstance(dig(entry, "urn"), str) or not isinstance(dig(entry, "type"), str):
            raise _fault(name, "this is no resource", again, key=f"deployment.resources[{index}]")
    return mapping(deployment)


def _is_provider(entry: Data) -> bool:
    return str(entry["type"]).startswith("pulumi:providers:")


def _named(entries: list[Data]) -> tuple[str, str]:
    """Return stack and project, which every URN begins with: `urn:pulumi:<stack>::<project>::…`."""
    parts = str(entries[0]["urn"]).split("::") if entries else []
    return (parts[0].rpartition(":")[2], parts[1]) if len(parts) > 3 else ("", "")


def _resource(entry: Data, providers: Mapping[str, Data]) -> Resource:
    urn, type = str(entry["urn"]), str(entry["type"])
    origins = mapping(entry.get("propertyDependencies"))
    return Resource(
        type=type,
        name=urn.split("::", 3)[-1],
        urn=urn,
        parent=str(entry.get("parent") or ""),
        dependencies=[str(found) for found in items(entry.get("dependencies"))],
        property_dependencies={name: [str(found) for found in items(urns)] for name, urns in origins.items()},
        provider=_provider(providers.get(str(entry.get("provider")))),
        load=_loader(entry, type),
    )


def _provider(entry: Data | None) -> Provider | None:
    if entry is None:
        return None
    given = {**mapping(entry.get("outputs")), **mapping(entry.get("inputs"))}
    return Provider(type=str(entry["type"]), renders=any(name in given for name in RENDERED))


def _loader(entry: Data, type: str) -> Callable[[], Data]:
    hidden = {str(name) for name in items(entry.get("additionalSecretOutputs"))}
    if type in HIDDEN_KINDS:
        hidden |= {"data", "stringData"}

    def load() -> Data:
        # What exists says more than what was asked for; a provider may leave out what was asked for all the same.
        outputs, inputs = (_plain(mapping(entry.get(part)), hidden) for part in ("outputs", "inputs"))
        both = merged(outputs, inputs)
        return shielded(both, type) if type.startswith(KUBERNETES) else both

    return load


def _plain(properties: Data, hidden: set[str]) -> Data:
    return {
        name: Unknown(name, SECRET) if name in hidden else _value(value, name) for name, value in properties.items()
    }


def _value(value: Any, path: str) -> Any:
    if isinstance(value, str):
        return Unknown(path, COMPUTED) if value in UNKNOWN_VALUES else value
    if isinstance(value, list):
        return [_value(part, f"{path}[{index}]") for index, part in enumerate(items(value))]
    if not isinstance(value, dict):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    part = mapping(value)
    if SIGNATURE not in part:
        return {name: _value(inner, f"{path}.{name}") for name, inner in part.items()}
    if part[SIGNATURE] == SECRET_SIGNATURE:  # with its ciphertext, or its plain text from `--show-secrets`
        return Unknown(path, SECRET)
    if part[SIGNATURE] == RESOURCE_SIGNATURE:
        return part.get("urn", Unknown(path))
    return Unknown(path, "it is a file, which rules do not read")
