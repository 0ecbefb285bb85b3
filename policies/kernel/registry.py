"""Where rules register, and where they are looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from inputs.faults import Fault, FaultsError, nearest
from policies.kernel.rule import RULE_ID, Check, Rule


class Registry:
    """Rules by id. Registering an id, an alias or an official check twice is an error of the programmer."""

    def __init__(self) -> None:
        """Start empty."""
        self._rules: dict[str, Rule] = {}
        self._aliases: dict[str, str] = {}

    def add(self, rule: Rule) -> Rule:
        """Register a rule.

        Raises:
            ValueError: its id is malformed, or already taken.

        """
        if RULE_ID.match(rule.id) is None:
            message = f"rule id `{rule.id}` is not of the form <framework>-<slug>"
            raise ValueError(message)
        for name in (rule.id, *rule.aliases):
            if name in self._rules or name in self._aliases:
                message = f"rule id or alias `{name}` is registered twice"
                raise ValueError(message)
        self._rules[rule.id] = rule
        self._aliases.update(dict.fromkeys(rule.aliases, rule.id))
        return rule

    def rule(self, **fields: Any) -> Callable[[Check], Rule]:
        """Register the decorated function as a rule; the fields are those of `Rule`."""

        def decorate(check: Check) -> Rule:
            return self.add(Rule(check=check, **fields))

        return decorate

    def __iter__(self) -> Iterator[Rule]:
        """Yield the rules sorted by id."""
        return iter(self._rules[name] for name in sorted(self._rules))

    def __len__(self) -> int:
        """Count the rules."""
        return len(self._rules)

    def find(self, name: str) -> Rule | None:
        """Return the rule of this id or alias."""
        return self._rules.get(self._aliases.get(name, name))

    def select(self, rules: Iterable[str] = (), frameworks: Iterable[str] = ()) -> Registry:
        """Return the rules that are named, or that belong to or serve a framework that is named; all where none is.

        Raises:
            FaultsError: there is no such rule or framework; names the nearest ones.

        """
        names, wanted = tuple(rules), {name.lower() for name in frameworks}
        known = {name.lower() for rule in self for name in rule.frameworks}
        faults = [
            Fault("--rules", 0, name, "there is no such rule", self.guess(name))
            for name in names
            if not self.find(name)
        ]
        for name in sorted(wanted - known):
            remedy = nearest(name, sorted(known)) or f"Frameworks: {', '.join(sorted(known))}."
            faults.append(Fault("--framework", 0, name, "no rule serves this framework", remedy))
        if faults:
            raise FaultsError(faults)
        ids = {rule.id for name in names if (rule := self.find(name))}
        found = Registry()
        for rule in self:
            chosen = rule.id in ids or bool(wanted & {name.lower() for name in rule.frameworks})
            if chosen or not (names or wanted):
                found.add(rule)
        return found

    def groups(self) -> tuple[str, ...]:
        """Return the frameworks that rules belong to."""
        return tuple(sorted({rule.framework for rule in self}))

    def guess(self, name: str) -> str:
        """Return a sentence that names the rules nearest to a name that is none."""
        return nearest(name, [*self._rules, *self._aliases]) or "`docs/rules/README.md` lists the rules."


RULES = Registry()
"""The rules of this project. `policies.rules.load` fills it."""
