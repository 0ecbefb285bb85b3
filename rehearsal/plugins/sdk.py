"""What the installed SDK says about a resource type: inputs, outputs, secrets, what forces a replace.

Read from the text of the class, not by importing it: importing costs a plugin a second, reading one file some
milliseconds. The SDKs are generated from the official schemas, so this follows a new SDK version by itself. For a
bridged provider an output that is not `Optional` although its input may be left out is one that the provider computes.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_GETTER = r"@pulumi\.getter(?:\(name=\"(?P<name>\w+)\"\))?\s+(?:@_utilities[^\n]*\s+)?def (?P<snake>\w+)\(self\) -> "
_PROPERTY = re.compile(
    _GETTER + r"pulumi\.(?P<side>Input|Output)\[(?P<type>[^\n]*)\]:\n(?:\s+\"\"\"(?P<doc>.*?)\"\"\")?", re.DOTALL
)
_RESULT = re.compile(_GETTER + r"(?P<type>[^\n]*):\n")
_SECRETS = re.compile(r"additional_secret_outputs=\[(.*?)\]", re.DOTALL)
_REPLACE = re.compile(r"forces\s+(?:a\s+)?new\s+resource", re.IGNORECASE)


@dataclass(frozen=True)
class Property:
    """One input or output."""

    name: str
    """As the engine writes it, in camelCase."""
    type: str
    """Python annotation without `Optional`, for example `_builtins.str`."""
    optional: bool
    """An input that may be left out, or an output that may be missing."""
    replaces: bool = False
    """The documentation says that a change makes a new resource."""


@dataclass(frozen=True)
class ResourceFacts:
    """One resource type."""

    inputs: dict[str, Property]
    outputs: dict[str, Property]
    secrets: tuple[str, ...]
    """Properties that the official provider marks secret."""

    def computed(self, given: frozenset[str]) -> list[Property]:
        """Return the outputs that the provider makes when the program gives these inputs."""
        return [p for name, p in self.outputs.items() if name not in given and not p.optional]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _split(annotation: str) -> tuple[str, bool]:
    """Take `Optional[…]` off an annotation."""
    annotation = annotation.strip()
    optional = annotation.startswith("Optional[")
    return (annotation.removeprefix("Optional[").removesuffix("]") if optional else annotation), optional


class Sdk:
    """The text of one provider's SDK."""

    def __init__(self, package: str) -> None:
        """Find the installed package, for example `pulumi_vsphere`."""
        spec = importlib.util.find_spec(package)
        locations = spec.submodule_search_locations if spec is not None else None
        self.folder = Path(next(iter(locations))) if locations else None

    def _file(self, token: str) -> str | None:
        """Return the text of the module that defines a token such as `vsphere:index/tag:Tag`."""
        if self.folder is None:
            return None
        module = token.split(":")[1]
        *folders, leaf = module.split("/")
        # A folder is a module's name in lower case, with or without underscores; a file is the name in snake_case.
        bases = [self.folder]
        for folder in folders:
            names = {folder.lower(), _snake(folder)} if folder != "index" else {""}
            bases = [base / name for base in bases for name in names]
        for base in bases:
            path = base / f"{_snake(leaf)}.py"
            if path.is_file() and f"'{token}'" in (text := path.read_text(encoding="utf-8")):
                return text
        return None

    @cache  # noqa: B019  # one object a process, as long-lived as the process
    def resource(self, token: str) -> ResourceFacts | None:
        """Return what is known of a resource type, or `None` where the SDK has no such type."""
        text = self._file(token)
        if text is None or "@pulumi.type_token" not in text:
            return None
        head, body = text.split("@pulumi.type_token", 1)
        arguments = head.split("\n@pulumi.input_type\nclass _", 1)[0]  # before the class for looking up by id
        secrets = _SECRETS.search(body)
        return ResourceFacts(
            inputs=_properties(arguments, "Input"),
            outputs=_properties(body, "Output"),
            secrets=tuple(re.findall(r"\"(\w+)\"", secrets.group(1))) if secrets else (),
        )

    @cache  # noqa: B019  # as above
    def result(self, token: str) -> dict[str, Property] | None:
        """Return the fields of a function's result, or `None` where the SDK has no such function."""
        text = self._file(token)
        if text is None:
            return None
        head = text.split("\nclass Awaitable", 1)[0]
        fields: dict[str, Property] = {}
        for match in _RESULT.finditer(head):
            kind, optional = _split(match["type"])
            name = match["name"] or match["snake"]
            fields[name] = Property(name, kind, optional)
        return fields


def _properties(text: str, side: str) -> dict[str, Property]:
    found: dict[str, Property] = {}
    for match in _PROPERTY.finditer(text):
        if match["side"] == side:
            kind, optional = _split(match["type"])
            name = match["name"] or match["snake"]
            found[name] = Property(name, kind, optional, bool(_REPLACE.search(match["doc"] or "")))
    return found
