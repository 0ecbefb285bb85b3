"""Where rules register, and where they are looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from inputs.faults import nearest
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

    def groups(self) -> tuple[str, ...]:
        """Return the frameworks that rules belong to."""
        return tuple(sorted({rule.framework for rule in self}))

    def guess(self, name: str) -> str:
        """Return a sentence that names the rules nearest to a name that is none."""
        return nearest(name, [*self._rules, *self._aliases]) or "`docs/rules/README.md` lists the rules."


RULES = Registry()
"""The rules of this project. `policies.rules.load` fills it."""
