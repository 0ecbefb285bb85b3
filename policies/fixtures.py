"""Examples of every rule, as data: what passes, what fails, what is unknown, what the rule has nothing to say about.

They stand beside the rules in `rules/<framework>/fixtures/<slug>.yaml`; tests run them, pages show them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from inputs.validate import FileModel, parse
from inputs.yaml import load
from policies.kernel.words import Layer, Status
from policies.model.values import Data, dig, items, mapping

FOLDER = Path(__file__).parent / "rules"
UNKNOWN = "$unknown"
"""Stands for a value that is computed while the change is applied."""
SECRET = "$secret "
"""Begins a text that the engine would mark as a secret."""
KINDS = {
    "pass": Status.PASS,
    "fail": Status.FAIL,
    "unknown": Status.UNDETERMINED,
    "not_applicable": Status.NOT_APPLICABLE,
}
EXEMPTION = {
    "id": "one",
    "reason": "The second hall comes in January.",
    "category": "waiver",
    "owner": "platform@voorbeeld.example",
    "approver": "ciso@voorbeeld.example",
    "ticket": "KADE-1",
    "created": "2026-11-01",
    "expires": "2026-12-31",
}
"""What an exemption of a case has where the case says nothing else."""
_PART = re.compile(r"[^.\[\]]+")


class _Change(FileModel):
    at: str
    """Place in the case's resources, for example `control-1.properties.node`: the name of a resource comes first."""
    to: Any = None
    """New value. Default: none, which removes what stands there."""


class _Mutation(FileModel):
    """A passing case with one thing changed: proof that the rule looks at that thing."""

    title: str
    change: tuple[_Change, ...]
    becomes: Literal["fail", "unknown", "not_applicable"] = "fail"
    """What the rule says of it. Default: fail."""
    expect: dict[str, Any] = Field(default_factory=dict[str, Any])


class _Case(FileModel):
    title: str
    layers: tuple[Layer, ...] | None = (Layer.MACHINES, Layer.CLUSTER, Layer.SERVICES, Layer.TEAMS)
    """Layers of the stack; `null`: a program that is not ours. Default: all, as in the sandbox."""
    day: date = date(2026, 11, 21)
    use: tuple[str, ...] = ()
    """Blocks of resources in `blocks.yaml`."""
    resources: tuple[dict[str, Any], ...] = ()
    change: tuple[_Change, ...] = ()
    exemptions: tuple[dict[str, Any], ...] = ()
    """Exemptions of the organisation, as in its file; people and days have defaults."""
    expect: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the finding must say: any of its fields, or `sentence` and `note` as parts of a text."""
    mutations: tuple[_Mutation, ...] = ()
    """Changes that turn the status: each is an example of its own."""

    def all(self, kind: str) -> Iterator[tuple[str, _Case]]:
        """Yield the case, and its mutations as cases of the kind that they become."""
        yield kind, self
        for one in self.mutations:
            update = {"title": one.title, "change": (*self.change, *one.change), "expect": one.expect, "mutations": ()}
            yield one.becomes, self.model_copy(update=update)


class _File(FileModel):
    passing: tuple[_Case, ...] = ()
    failing: tuple[_Case, ...] = ()
    unknown: tuple[_Case, ...] = ()
    not_applicable: tuple[_Case, ...] = ()


@dataclass(frozen=True)
class Example:
    """A resource of a case: one the engine would show, with the resources that its properties come from."""

    type: str
    name: str
    properties: Data
    origins: dict[str, list[str]]
    """Names of resources by the property that is made from them."""
    renders: bool = False


@dataclass(frozen=True)
class Case:
    """One example, and what the rule must say about it."""

    rule: str
    kind: str
    status: Status
    title: str
    layers: tuple[Layer, ...] | None
    day: date
    resources: tuple[Example, ...]
    expect: Data
    exemptions: tuple[Data, ...] = ()
    """Exemptions of the organisation, complete."""
    changes: tuple[tuple[str, Any], ...] = ()
    """What was changed in the shared blocks: the place and the new value, `None` for what was taken away."""


@cache  # every test of rules asks for them, and nothing changes them
def cases(rule: str) -> tuple[Case, ...]:
    """Return the examples of a rule; none where it has no file.

    Raises:
        FaultsError: the file is not as it should be.

    """
    framework, _, slug = rule.partition("-")
    path = FOLDER / framework / "fixtures" / f"{slug}.yaml"
    if not path.exists():
        return ()
    file = parse(_File, load(path))
    named = {"pass": file.passing, "fail": file.failing, "unknown": file.unknown, "not_applicable": file.not_applicable}
    found = [one for kind, given in named.items() for case in given for one in case.all(kind)]
    return tuple(
        Case(
            rule,
            kind,
            KINDS[kind],
            case.title,
            case.layers,
            case.day,
            tuple(_examples(case, framework)),
            case.expect,
            tuple({**EXEMPTION, **given} for given in case.exemptions),
            tuple((change.at, change.to) for change in case.change),
        )
        for kind, case in sorted(found, key=lambda one: list(KINDS).index(one[0]))
    )


@lru_cache(maxsize=8)
def _blocks(framework: str) -> Data:
    return mapping(load(FOLDER / framework / "fixtures" / "blocks.yaml").data)


def _examples(case: _Case, framework: str) -> Iterator[Example]:
    raw = [entry for name in case.use for entry in items(_blocks(framework)[name])]
    expanded = [copy.deepcopy(one) for entry in [*raw, *case.resources] for one in _repeated(mapping(entry))]
    for change in case.change:
        name, *path = _PART.findall(change.at)
        targets = [entry for entry in expanded if entry["name"] == name or name == "*"]
        if not targets:
            message = f"no resource `{name}` in the case `{case.title}`"
            raise ValueError(message)
        for target in targets:
            _change(target, path, change.to)
    for entry in expanded:
        if entry.get("gone"):
            continue
        properties = mapping(entry.get("properties"))
        if isinstance(properties.get("configPatches"), list):
            properties["configPatches"] = [_patch(patch) for patch in items(properties["configPatches"])]
        origins = {name: [str(item) for item in items(names)] for name, names in mapping(entry.get("from")).items()}
        yield Example(entry["type"], entry["name"], properties, origins, bool(entry.get("renders")))


def _patch(patch: Any) -> Any:
    """Patches are written as YAML in an example, and are text in a program."""
    return yaml.safe_dump(patch, sort_keys=False) if isinstance(patch, dict) else patch


def _repeated(entry: Data) -> Iterator[Data]:
    """Yield a resource as often as it says, with `<n>` in its texts replaced by the number."""
    if "object" in entry:
        entry = _from_object(mapping(entry["object"]))
    times = int(entry.get("repeat", 1))
    first = int(entry.get("first", 1))
    for number in range(first, first + times):
        yield _numbered(entry, str(number))


def _numbered(value: Any, number: str) -> Any:
    if isinstance(value, str):
        return value.replace("<n>", number)
    if isinstance(value, list):
        return [_numbered(item, number) for item in items(value)]
    if isinstance(value, dict):
        return {key: _numbered(item, number) for key, item in mapping(value).items()}
    return value


def _from_object(body: Data) -> Data:
    """Return a Kubernetes object as the resource that the official provider makes of it."""
    api = str(body["apiVersion"])
    group = api if "/" in api else f"core/{api}"
    name = dig(body, "metadata", "name")
    return {"type": f"kubernetes:{group}:{body['kind']}", "name": name, "properties": body}


def _change(target: Data, path: list[str], value: Any) -> None:
    """Put a value in its place, making what is missing on the way; or take away what stands there."""
    here: Any = target
    for part in path[:-1]:
        here = items(here)[int(part)] if isinstance(here, list) else mapping(here).setdefault(part, {})
    last: Any = int(path[-1]) if isinstance(here, list) else path[-1]
    if value is None:
        del here[last]
    else:
        here[last] = value
