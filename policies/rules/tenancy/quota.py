"""tenancy-quota: a team's namespace has a quota."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.words import Severity
from policies.model.fences import Fence
from policies.model.model import Model
from policies.rules.outcomes import fails, undetermined
from policies.rules.tenancy.shared import Teams, each, strays, tenancy


@tenancy(
    "quota",
    title="A team's namespace has a quota",
    bio2=("8.06",),
    nis2="21.2.c",
    rationale="Without a quota one team's mistake takes the cluster from all others.",
    looks_at="Whether each team's namespace has a ResourceQuota.",
    severity=Severity.MEDIUM,
    fix="Add a ResourceQuota to the namespace.",
)
def quota(model: Model, parameters: Teams) -> Iterator[Outcome]:
    """Look at each namespace."""
    return each(model, parameters, _look, "{} namespaces of teams have a quota.")


def _look(fence: Fence, _team: str) -> Iterator[Outcome]:
    gaps = strays(fence, "ResourceQuota")
    if fence.quotas:
        return
    if gaps:
        yield undetermined(fence.subject, "Whether the namespace has a quota is not known yet.", gaps)
    else:
        yield fails(
            fence.subject, "The namespace has no quota.", path="ResourceQuota", expected="present", actual="absent"
        )
