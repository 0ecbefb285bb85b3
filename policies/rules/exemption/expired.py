"""exemption-expired: an exemption ends when it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from policies.kernel.exempter import Exempted
from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters, weakens
from policies.kernel.words import Severity, Status
from policies.rules.exemption.shared import exemption_rule, none_here, subject


class ExpiredParameters(Parameters):
    """Parameters of exemption-expired."""

    notice_days: Annotated[int, weakens("lower")] = Field(default=14, ge=0)
    """Days before its end from which an exemption carries a note. Default: 14, two weeks to repair or to decide."""


@exemption_rule(
    "expired",
    title="No exemption has expired",
    rationale="An exemption that outlives its end is a risk that nobody accepts any more.",
    severity=Severity.MEDIUM,
    looks_at="The last day of every exemption that is meant for this stack. From the day after it the enforcement of"
    " the rule is back by itself, in every source; this finding says why a run stops that did not stop before.",
    fix="Repair the cause, or have a new exemption approved; then remove this one.",
    parameters=ExpiredParameters,
)
def expired(exempted: tuple[Exempted, ...], parameters: ExpiredParameters) -> Iterator[Outcome]:
    """Compare the last day of each exemption with the day that is judged on."""
    yield from none_here(exempted)
    for item in (item for item in exempted if item.meant):
        end = item.exemption.expires.isoformat()
        who = f"the exemption `{item.exemption.id}` from `{item.exemption.rule}`"
        if item.expired:
            yield Outcome(
                status=Status.FAIL,
                subject=subject(item),
                sentence=f"It expired: {who} ended on {end}, so the rule's enforcement is back.",
                path="expires",
                expected="a day that has not passed",
                actual=end,
            )
        elif not item.begun:
            begins = item.exemption.created.isoformat()
            yield Outcome(
                status=Status.PASS,
                subject=subject(item),
                sentence=f"It has not begun: {who} lifts nothing before {begins}.",
                path="created",
            )
        else:
            soon = item.left <= parameters.notice_days
            days = f"{item.left} day{'' if item.left == 1 else 's'}"
            yield Outcome(
                status=Status.PASS,
                subject=subject(item),
                sentence=f"It holds: {who} ends on {end}.",
                path="expires",
                notes=(f"It ends in {days}: repair the cause, or have it approved again.",) if soon else (),
            )
