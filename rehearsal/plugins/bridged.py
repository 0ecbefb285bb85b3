"""Stand-ins for providers whose SDK says nearly everything: vsphere, vault, talos.

The official ones are bridged from Terraform: at preview they show inputs and defaults as given and every computed
output as unknown; an update keeps computed outputs unless the resource says otherwise.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any, ClassVar

from inputs.faults import nearest
from rehearsal.plugins import kinds
from rehearsal.plugins.changes import Difference, compare
from rehearsal.plugins.kinds import Kind
from rehearsal.plugins.sdk import Property, ResourceFacts, Sdk
from rehearsal.plugins.standin import Checked, Place, Resource, StandIn, StandInError
from rehearsal.plugins.store import Record, write
from rehearsal.plugins.values import UNKNOWN, Path, Props, Secret, Unknown, hide, mark, mark_like, plain

_SCALARS: dict[str, tuple[type, ...]] = {
    "_builtins.str": (str, int, float, bool),  # the official providers turn scalars into text
    "_builtins.int": (int,),
    "_builtins.float": (int, float),
    "_builtins.bool": (bool,),
}


class Bridged(StandIn):
    """A stand-in by SDK and table."""

    shows_arguments: ClassVar[bool] = False
    """Whether what functions are asked may be recorded in clear; digests by default."""

    def __init__(self, place: Place) -> None:
        """Read the table; the SDK's text is read type by type when it is needed."""
        super().__init__(place)
        self.sdk = Sdk(self.package)
        self.kinds = kinds.load(self.name)

    def kind(self, resource: Resource) -> Kind:
        """Return the table's row for a type, or the defaults."""
        return self.kinds.get(resource.type, Kind())

    def facts(self, resource: Resource) -> ResourceFacts:
        """Return what the SDK says of a type.

        Raises:
            StandInError: the installed SDK has no such type.

        """
        facts = self.sdk.resource(resource.type)
        if facts is None:
            msg = f"The installed SDK {self.package} has no resource type {resource.type}. Correct the type token."
            raise StandInError(msg)
        return facts

    def check(self, resource: Resource, olds: Props, news: Props) -> Checked:
        """Fill in defaults and the name; report unknown keys, missing ones and values of a wrong type."""
        facts, kind = self.facts(resource), self.kind(resource)
        inputs = {key: value for key, value in news.items() if value is not None and not key.startswith("__")}
        for key, value in kind.defaults.items():
            inputs.setdefault(key, value)
        name = facts.inputs.get("name")
        if name is not None and "name" not in inputs and (out := facts.outputs.get("name")) and not out.optional:
            # The official providers name a nameless resource after its logical name; the name then stays.
            left = {} if olds else self.names_left_behind(resource)
            inputs["name"] = (
                plain(olds.get("name")) or left.get("name") or f"{resource.name}-{secrets.token_hex(4)[:7]}"
            )
        for path in self._secret_paths(resource):
            inputs = mark(inputs, path)
        return Checked(inputs, self._failures(inputs, facts, kind))

    def _failures(self, inputs: Props, facts: ResourceFacts, kind: Kind) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for key, value in inputs.items():
            known = facts.inputs.get(key)
            if known is None:
                found.append((key, f"there is no input {key}. {nearest(key, sorted(facts.inputs))}".rstrip()))
            elif (reason := _wrong(known, plain(value), kind)) is not None:
                found.append((key, reason))
        missing = [p.name for p in facts.inputs.values() if not p.optional and p.name not in inputs]
        found += [(name, f"the required input {name} is missing. Give it.") for name in missing]
        for group in kind.exactly_one:
            if sum(key in inputs for key in group) != 1:
                found.append((group[0], f"exactly one of {' and '.join(group)} must be given."))
        return found

    def difference(self, resource: Resource, olds: Props, news: Props) -> Difference:
        """Compare; a change of what the official provider cannot change makes a new object."""
        facts, kind = self.facts(resource), self.kind(resource)

        def replaces(path: Path) -> bool:
            top = str(path[0])
            return top in kind.replaces or (top in facts.inputs and facts.inputs[top].replaces)

        changes = compare(olds, news, replaces)
        same_name = "name" in news and plain(news["name"]) == plain(olds.get("name"))
        return Difference(changes, delete_first=same_name and any(change.replaces for change in changes))

    def identity(self, resource: Resource, inputs: Props) -> tuple[str, str] | None:
        """Return nothing: what exists is found by resource, since most ids are made up by the back end."""
        del resource, inputs
        return None

    def new_id(self, resource: Resource, inputs: Props, record: Record) -> str:
        """Return the id by the table's template."""
        return str(kinds.render(self.kind(resource).id, inputs, self._maker(resource, record)))

    def planned(self, resource: Resource, inputs: Props, olds: Props | None) -> Props:
        """Return inputs, and computed outputs unknown or as they were."""
        kind = self.kind(resource)
        result: Props = {}
        for output in self.facts(resource).computed(frozenset(inputs)):
            keep = olds is not None and output.name in olds and output.name not in kind.unknown_on_update
            result[output.name] = olds[output.name] if keep and olds is not None else UNKNOWN
        return self._marked(resource, {**result, **inputs})

    def outputs(self, resource: Resource, inputs: Props, record: Record, olds: Props | None) -> Props:
        """Return inputs and every computed output, so that a program never reads a hole."""
        kind, maker = self.kind(resource), self._maker(resource, record)
        result: Props = {}
        for output in self.facts(resource).computed(frozenset(inputs)):
            if olds is not None and output.name in olds and output.name not in kind.unknown_on_update:
                result[output.name] = olds[output.name]
            else:
                result[output.name] = self.value(resource, output, inputs, record)
                if output.name in kind.outputs:
                    result[output.name] = kinds.render(kind.outputs[output.name], {**inputs, "id": record.id}, maker)
        return self._marked(resource, {**result, **inputs})

    def value(self, resource: Resource, output: Property, inputs: Props, record: Record) -> Any:
        """Make up a computed output that the table does not mention. A provider may know better."""
        del inputs
        return kinds.of_type(output.type, output.name, self._maker(resource, record))

    def _maker(self, resource: Resource, record: Record) -> Callable[[str], bytes]:
        store = self.store(resource)
        return lambda what: store.made_up(record, what)

    def _secret_paths(self, resource: Resource) -> list[tuple[str, ...]]:
        dotted = (*self.facts(resource).secrets, *self.kind(resource).secret)
        return [tuple(path.split(".")) for path in dotted]

    def _marked(self, resource: Resource, outputs: Props) -> Props:
        for path in self._secret_paths(resource):
            outputs = mark(outputs, path)
        return outputs

    def invoke(self, token: str, arguments: Props) -> Props:
        """Answer a function by its result type: arguments come back, ids follow from the asked name."""
        fields = self.sdk.result(token)
        if fields is None:
            return super().invoke(token, arguments)
        asked = json.dumps(hide(arguments, self._digest), sort_keys=True)
        seed = hashlib.sha256(f"{token}{asked}".encode()).digest()
        answer: Props = {}
        for name, output in fields.items():
            if name in arguments:
                answer[name] = arguments[name]
            elif not output.optional:
                answer[name] = kinds.of_type(
                    output.type, name, lambda what: hashlib.sha256(seed + what.encode()).digest()
                )
        answer.update(self.answer(token, arguments, seed))
        self._record_invoke(token, arguments, seed)
        return {name: mark_like(value, arguments.get(name)) for name, value in answer.items()}

    def answer(self, token: str, arguments: Props, seed: bytes) -> Props:
        """Return what a function answers besides its arguments, where the types do not say enough."""
        del token, arguments, seed
        return {}

    def _record_invoke(self, token: str, arguments: Props, seed: bytes) -> None:
        # The engine takes secret marks off a function's arguments, so any of them may be secret.
        shown = arguments if self.shows_arguments else Secret(arguments)
        folder = self.place.workspace / "asked" / self.name
        path = folder / f"{seed.hex()[:24]}.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            hidden = hide(shown, self._digest)
            write(path, json.dumps({"function": token, "arguments": hidden}, indent=1, sort_keys=True))

    def _digest(self, text: str) -> str:
        return "sha256:" + hashlib.blake2b(text.encode(), key=self.place.key, digest_size=32).hexdigest()


def _wrong(known: Property, value: Any, kind: Kind) -> str | None:
    """Say what is wrong with a value, without showing it."""
    if isinstance(value, Unknown):
        return None
    accepted = _SCALARS.get(known.type)
    if accepted is not None and (not isinstance(value, accepted) or (accepted == (int,) and isinstance(value, bool))):
        numeric = isinstance(value, str) and accepted != (bool,) and value.lstrip("-").isdigit()
        if not numeric and not (accepted == (bool,) and value in ("true", "false")):
            return f"{known.name} must be a {known.type.removeprefix('_builtins.')}, not a {type(value).__name__}."
    allowed = kind.one_of.get(known.name)
    if allowed is not None and value not in allowed:
        return f"{known.name} must be one of {', '.join(allowed)}."
    return None


def secret(value: Any) -> Secret:
    """Mark a value secret, once."""
    return value if isinstance(value, Secret) else Secret(value)
