"""Vault: its policies, read from the text that Vault itself reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from policies.kernel.finding import Subject
from policies.model.resource import Inventory, Resource
from policies.model.values import Unknown, items, mapping, text

POLICY = "vault:index/policy:Policy"
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|#[^\n]*|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""A text in quotes, which is kept, or a comment, which is not."""
_BLOCK = re.compile(r'path"?\s+"([^"]*)"\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}')
_BEGIN = re.compile(r'\bpath"?\s+"')
_CAPABILITIES = re.compile(r"capabilities\s*=\s*\[([^\]]*)\]")
_WORD = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class VaultPath:
    """What a policy allows below one path."""

    path: str
    capabilities: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class VaultPolicy:
    """A policy of Vault."""

    subject: Subject
    name: str
    paths: tuple[VaultPath, ...] | Unknown


def vault_policies(inventory: Inventory) -> tuple[VaultPolicy, ...]:
    """Return the policies."""
    return tuple(_policy(resource) for resource in inventory.of_type(POLICY))


def _policy(resource: Resource) -> VaultPolicy:
    found = text(resource.get("policy"))
    name = text(resource.get("name"))
    paths: tuple[VaultPath, ...] | Unknown
    if isinstance(found, Unknown):
        paths = found
    else:
        read = _paths(found) if found and found.strip() else ()
        paths = Unknown("policy", "it is not a policy that can be read", resource.subject) if read is None else read
    return VaultPolicy(subject=resource.subject, name=name if isinstance(name, str) else resource.name, paths=paths)


def _paths(content: str) -> tuple[VaultPath, ...] | None:
    """Return what each path allows; `None` where a part of the text cannot be read, because it may allow anything."""
    if content.lstrip().startswith("{"):
        return tuple(_from_json(content)) or None
    text = _COMMENT.sub(lambda match: match.group(1) or " ", content)
    blocks = _BLOCK.findall(text)
    if not blocks or len(blocks) != len(_BEGIN.findall(text)):
        return None
    return tuple(VaultPath(path=path, capabilities=_capabilities(block)) for path, block in blocks)


def _capabilities(block: str) -> tuple[str, ...]:
    found = _CAPABILITIES.search(block)
    return tuple(_WORD.findall(found.group(1))) if found else ()


def _from_json(content: str) -> Iterator[VaultPath]:
    try:
        data: Any = json.loads(content)
    except ValueError:
        return
    for path, rule in mapping(mapping(data).get("path")).items():
        found = cast("list[object]", items(mapping(rule).get("capabilities")))
        yield VaultPath(path=path, capabilities=tuple(one for one in found if isinstance(one, str)))
