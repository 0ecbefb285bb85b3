"""tenancy-limits: a team's namespace has limits for containers that say nothing."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.words import Severity
from policies.model.fences import Fence
from policies.model.model import Model
from policies.rules.outcomes import fails, undetermined
from policies.rules.tenancy.shared import Teams, each, strays, tenancy


@tenancy(
    "limits",
    title="A team's namespace has limits for containers",
    bio2=("8.06",),
    nis2="21.2.c",
    rationale="A container that says nothing takes all that its node has, and is the first to be stopped.",
    looks_at="Whether each team's namespace has a LimitRange, so that containers have limits of their own.",
    severity=Severity.LOW,
    fix="Add a LimitRange to the namespace.",
)
def limits(model: Model, parameters: Teams) -> Iterator[Outcome]:
    """Look at each namespace."""
    return each(model, parameters, _look, "{} namespaces of teams have limits.")


def _look(fence: Fence, _team: str) -> Iterator[Outcome]:
    gaps = strays(fence, "LimitRange")
    if fence.limits:
        return
    if gaps:
        yield undetermined(fence.subject, "Whether the namespace has limits is not known yet.", gaps)
    else:
        yield fails(
            fence.subject,
            "The namespace has no limits for containers.",
            path="LimitRange",
            expected="present",
            actual="absent",
        )
