"""A rule: a function from the model to outcomes, with everything that is to be known about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import BaseModel

from inputs.validate import FileModel
from policies.kernel.finding import Outcome
from policies.kernel.words import ALL_SOURCES, About, Decidable, Moment, Severity, Source

RULE_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*-[a-z0-9]+(-[a-z0-9]+)*\Z")
"""`<framework>-<slug>`, for example `haven-hamasters`."""

Weakens = Literal["lower", "higher", "true", "false", "any"]
"""Which values of a parameter make a rule weaker than its default: lower ones, higher ones, that word, or any other."""


@dataclass(frozen=True, order=True)
class Control:
    """A demand of a framework that a rule serves."""

    framework: str
    """Name, for example `Haven`."""
    version: str
    """Version of the framework; its numbering changes between versions."""
    reference: str
    """Number or id of the demand."""


class Parameters(FileModel):
    """Base of a rule's parameters. A field says which values weaken the rule by `Annotated[..., weakens("lower")]`."""


class NoParameters(Parameters):
    """The rule has none."""


@dataclass(frozen=True)
class weakens:  # noqa: N801  # reads as the word it is: `Annotated[int, weakens("lower")]`
    """Marks which values of a parameter weaken its rule."""

    direction: Weakens


def weakened(parameters: BaseModel) -> tuple[str, ...]:
    """Return the parameters whose values make the rule weaker than it is by default, as `name = value`."""
    found: list[str] = []
    for name, field in type(parameters).model_fields.items():
        mark = next((item for item in field.metadata if isinstance(item, weakens)), None)
        value, default = getattr(parameters, name), field.get_default(call_default_factory=True)
        if mark is not None and value != default and _is_weaker(mark.direction, value, default):
            found.append(f"{field.alias or name} = {_written(value)}")
    return tuple(found)


def _written(value: Any) -> str:
    """Return a value as people write it in the settings."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, cast('tuple[Any, ...]', value)))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_weaker(direction: Weakens, value: Any, default: Any) -> bool:
    if direction == "lower":
        return value < default
    if direction == "higher":
        return value > default
    return direction == "any" or str(value).lower() == direction


Check = Callable[[Any, Any], Iterable[Outcome]]
"""Takes what the rule is about (see `About`) and its parameters. The kernel knows no model; rules do."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Everything that is known about a rule."""

    id: str
    title: str
    rationale: str
    looks_at: str
    """What it looks at and how it decides, for the rule's page."""
    severity: Severity
    category: str
    controls: tuple[Control, ...]
    decidable: Mapping[Moment, Decidable]
    fix: str
    """What to do about a fail, in one sentence."""
    check: Check
    official: str | None = None
    """Id of the check in the official checker."""
    position: int = 0
    """Its place in the official checker's list, counted from 1."""
    required: bool = False
    """Whether it is one of the checks that the official checker counts."""
    aliases: tuple[str, ...] = ()
    about: About = About.MODEL
    """What `check` is given: the model, or what each exemption did."""
    sources: frozenset[Source] = ALL_SOURCES
    parameters: type[Parameters] = NoParameters
    exemptable: bool = True
    history: tuple[str, ...] = ("0.1.0: new.",)
    """What changed and in which version, oldest first."""

    @property
    def framework(self) -> str:
        """The group that the rule belongs to: what stands before the first hyphen of its id."""
        return self.id.split("-", 1)[0]

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The group, and the frameworks whose controls the rule serves."""
        return tuple(dict.fromkeys((self.framework, *(control.framework for control in self.controls))))

    @property
    def page(self) -> str:
        """Its page, relative to the project's root."""
        return f"docs/rules/{self.id}.md"
