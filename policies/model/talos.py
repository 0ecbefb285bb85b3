"""Talos machine configuration as it stands in plain configuration patches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from inputs.faults import FaultsError
from inputs.yaml import documents
from policies.model.resource import Resource
from policies.model.values import Data, Unknown, dig, items, mapping

APPLY = "talos:machine/configurationApply:ConfigurationApply"
_UNREADABLE = "it is not a YAML mapping that can be read"


@dataclass(frozen=True)
class Patch:
    """One patch, or one document of it."""

    path: str
    """Where it stands, for example `configPatches[0]`."""
    content: Data | Unknown


@dataclass(frozen=True)
class Found:
    """A value with the place it was found at."""

    value: Any
    """`None` where no patch has it; `Unknown` where a patch that might have it is not known."""
    path: str


class MachineConfiguration:
    """The patches of one machine, the last one winning, as Talos merges them."""

    def __init__(self, resource: Resource) -> None:
        """Read the patches of a `ConfigurationApply`."""
        self.resource = resource
        self.patches = tuple(_patches(resource.get("configPatches")))

    def find(self, *path: str | int) -> Found:
        """Return the value that holds in the end, from the patches that are known.

        What a plain patch says counts even when a later patch is computed while applying; `computed` names those, and
        findings mention them. What no plain patch says is unknown as soon as one patch is.
        """
        below = ".".join(str(part) for part in path)
        gap: Found | None = None
        for patch in reversed(self.patches):
            if isinstance(patch.content, Unknown):
                gap = gap or Found(patch.content.of(self.resource.subject), patch.path)
                continue
            if "kind" in patch.content:
                continue  # a document of its own, such as a HostnameConfig
            value = dig(patch.content, *path)
            if value is not None:
                known = value.of(self.resource.subject) if isinstance(value, Unknown) else value
                return Found(known, f"{patch.path}.{below}")
        return gap or Found(None, f"configPatches[*].{below}")

    @property
    def computed(self) -> tuple[str, ...]:
        """Patches that are computed while applying and come after a plain one, so that they could change it."""
        unknown = [isinstance(patch.content, Unknown) for patch in self.patches]
        first = unknown.index(False) if False in unknown else len(unknown)
        return tuple(
            patch.path for patch, is_unknown in list(zip(self.patches, unknown, strict=True))[first:] if is_unknown
        )

    def document(self, kind: str) -> tuple[Data, ...]:
        """Return the documents of a kind that stand beside the machine configuration."""
        contents = (patch.content for patch in self.patches)
        return tuple(
            content for content in contents if not isinstance(content, Unknown) and content.get("kind") == kind
        )

    def every(self, *path: str | int) -> list[Any]:
        """Return the value at a path from every patch that has it: Talos joins lists of patches."""
        contents = (patch.content for patch in self.patches)
        values = [content if isinstance(content, Unknown) else dig(content, *path) for content in contents]
        return [value for value in values if value is not None]


def _patches(value: object) -> list[Patch]:
    if isinstance(value, Unknown):
        return [Patch(value.path, value)]
    found: list[Patch] = []
    for index, item in enumerate(items(value)):
        path = f"configPatches[{index}]"
        if isinstance(item, Unknown):
            found.append(Patch(path, item))
        elif isinstance(item, str):
            found.extend(Patch(path, _placed(content, path)) for content in _parsed(item))
    return found


def _placed(content: Data | None, path: str) -> Data | Unknown:
    return Unknown(path, _UNREADABLE) if content is None else content


@lru_cache(maxsize=1024)  # machines of one role share their patches: the text is read once
def _parsed(content: str) -> tuple[Data | None, ...]:
    try:
        found = [document.data for document in documents(content, "patch")]
    except FaultsError:
        return (None,)
    parts: list[Data | None] = []
    for data in found:
        if isinstance(data, list):
            parts.append(_from_operations(data))  # pyright: ignore[reportUnknownArgumentType]  # YAML
        elif isinstance(data, dict):
            parts.append(mapping(data))
    return tuple(parts)


def _from_operations(operations: list[Any]) -> Data | None:
    """Return what a JSON patch adds, as a mapping; `None` where it does more than adding."""
    result: Data = {}
    for operation in operations:
        if dig(operation, "op") not in ("add", "replace") or not isinstance(dig(operation, "path"), str):
            return None
        *parents, last = [
            part.replace("~1", "/").replace("~0", "~") for part in str(dig(operation, "path")).strip("/").split("/")
        ]
        here = result
        for parent in parents:
            here = here.setdefault(parent, {})
        here[last] = dig(operation, "value")
    return result
