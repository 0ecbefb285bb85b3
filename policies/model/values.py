"""Values that may be unknown, and counting with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from policies.kernel.finding import Gap, Subject

COMPUTED = "it is computed while the change is applied"
SECRET = "it is a secret, which rules do not see"

Data = dict[str, Any]
"""Plain data; any value in it may be an `Unknown`."""


@dataclass(frozen=True)
class Unknown:
    """A value that is not known, with its place and the reason."""

    path: str
    """Property path from the top of the object, for example `spec.replicas`."""
    why: str = COMPUTED
    """Ends a sentence that begins with the path."""
    subject: Subject | None = None
    """The object that holds it, where the value has left it."""

    def of(self, subject: Subject) -> Unknown:
        """Return it with the object that holds it."""
        return self if self.subject else replace(self, subject=subject)

    @property
    def gap(self) -> Gap:
        """As a finding shows it."""
        return Gap(self.path, self.why, self.subject)


def mapping(value: Any) -> Data:
    """Return the value if it is a mapping, else an empty one."""
    return cast("Data", value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def dig(data: Any, *path: str | int) -> Any:
    """Return the value at a path: `None` where it is missing, the first `Unknown` on the way where there is one."""
    here = data
    for part in path:
        if isinstance(here, Unknown):
            return here
        if isinstance(part, int):
            found = items(here)
            here = found[part] if part < len(found) else None
        else:
            here = mapping(here).get(part)
        if here is None:
            return None
    return here


def text(value: Any) -> str | Unknown | None:
    """Return a scalar as text; `None` for what is missing or no scalar."""
    if isinstance(value, Unknown) or value is None:
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def number(value: Any) -> int | Unknown | None:
    """Return a whole number; numbers written as text count."""
    if isinstance(value, Unknown) or value is None or isinstance(value, bool):
        return value if isinstance(value, Unknown) else None
    if isinstance(value, int | float):
        return int(value)
    return int(value) if isinstance(value, str) and value.strip().isdigit() else None


def unknowns(value: Any) -> Iterator[Unknown]:
    """Yield every unknown inside a value."""
    if isinstance(value, Unknown):
        yield value
    elif isinstance(value, dict):
        for part in cast("Data", value).values():
            yield from unknowns(part)
    elif isinstance(value, list | tuple):
        for part in cast("list[Any]", value):
            yield from unknowns(part)


@dataclass(frozen=True)
class Count:
    """A number known between two bounds."""

    lower: int = 0
    upper: int | None = 0
    """`None`: no bound is known."""
    unknown: tuple[Unknown, ...] = ()
    """What would have to be known."""

    @staticmethod
    def of(value: int | Unknown) -> Count:
        """Return the count that a value says: exact, or anything from 0 on."""
        return Count(0, None, (value,)) if isinstance(value, Unknown) else Count(value, value)

    def __add__(self, other: Count) -> Count:
        """Add bound to bound."""
        upper = None if self.upper is None or other.upper is None else self.upper + other.upper
        return Count(self.lower + other.lower, upper, (*self.unknown, *other.unknown))

    def at_least(self, minimum: int) -> bool | None:
        """Return whether the number is `minimum` or more; `None` where that is open."""
        if self.lower >= minimum:
            return True
        return None if self.upper is None or self.upper >= minimum else False

    @property
    def exact(self) -> int | None:
        """The number, where both bounds agree."""
        return self.lower if self.lower == self.upper else None

    def __str__(self) -> str:
        """Show as `3`, `2 or more` or `2 to 5`."""
        if self.upper is None:
            return f"{self.lower} or more"
        return str(self.lower) if self.lower == self.upper else f"{self.lower} to {self.upper}"


def total(counts: Iterable[Count]) -> Count:
    """Return the sum of counts."""
    result = Count()
    for count in counts:
        result += count
    return result
