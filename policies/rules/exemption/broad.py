"""exemption-broad: an exemption is about something, not about everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from policies.kernel.exempter import Exempted
from policies.kernel.exemption import Selector
from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters, weakens
from policies.kernel.words import Severity, Status
from policies.rules.exemption.shared import exemption_rule, none_here, subject


class BroadParameters(Parameters):
    """Parameters of exemption-broad."""

    most: Annotated[int, weakens("higher")] = Field(default=10, ge=1)
    """Number of objects that one exemption may fit. Default: 10, more than anybody weighs one by one."""


@exemption_rule(
    "broad",
    title="No exemption is too broad",
    rationale="Who approves an exemption must be able to name what it is about; a pattern also fits what comes later.",
    severity=Severity.MEDIUM,
    looks_at="The number of objects that each exemption fits, and whether its selector names an object at all: a"
    " namespace, a name or a fingerprint that is more than a pattern for any text.",
    fix="Name the namespace and the object, or the finding's fingerprint; write one exemption per case.",
    parameters=BroadParameters,
)
def broad(exempted: tuple[Exempted, ...], parameters: BroadParameters) -> Iterator[Outcome]:
    """Count what each exemption fits, and look at its selector."""
    yield from none_here(exempted)
    for item in (item for item in exempted if item.meant):
        who = f"the exemption `{item.exemption.id}` from `{item.exemption.rule}`"
        count = f"{item.objects} object{'' if item.objects == 1 else 's'}"
        if not _names_an_object(item.exemption.selector):
            yield Outcome(
                status=Status.FAIL,
                subject=subject(item),
                sentence=f"It is too broad: the selector of {who} names no object, so it lifts the whole rule.",
                path="selector",
                expected="a namespace, a name or a fingerprint",
                actual="none",
            )
        elif item.objects > parameters.most:
            yield Outcome(
                status=Status.FAIL,
                subject=subject(item),
                sentence=f"It is too broad: {who} fits {count}.",
                path="selector",
                expected=f"at most {parameters.most} objects",
                actual=item.objects,
            )
        else:
            yield Outcome(status=Status.PASS, subject=subject(item), sentence=f"It is about {count}: {who}.")


def _names_an_object(selector: Selector) -> bool:
    return any(
        value is not None and value.strip("*?[]!")
        for value in (selector.namespace, selector.name, selector.fingerprint)
    )
