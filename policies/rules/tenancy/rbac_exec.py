"""tenancy-rbac-exec: nobody enters pods where it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from policies.kernel.finding import Outcome
from policies.kernel.rule import weakens
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.outcomes import fails, undetermined
from policies.rules.tenancy.rbac import Rights, rights
from policies.rules.tenancy.shared import summed, team_fences, tenancy

INTO = ("pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers")


class Exec(Rights):
    """Where pods may be entered."""

    stages: Annotated[tuple[Literal["sandbox", "test", "acceptance", "production"], ...], weakens("any")] = (
        "sandbox",
        "test",
    )
    """Stages in which it is allowed. Default: sandbox and test, because finding a fault asks for it there."""


@tenancy(
    "rbac-exec",
    title="Nobody enters pods where it counts",
    rationale="Who enters a pod reads its secrets and data, and leaves no more than a line in the audit log.",
    looks_at="`pods/exec`, `pods/attach`, `pods/portforward` and `pods/ephemeralcontainers`, in roles of teams'"
    " namespaces and in every role that is bound there or to their own people. Allowed in the stages of the parameter.",
    severity=Severity.MEDIUM,
    cis=("5.1.4",),
    parameters=Exec,
    fix="Remove the right, and repair through git.",
)
def rbac_exec(model: Model, parameters: Exec) -> Iterator[Outcome]:
    """Look at each right, except where the stage allows it."""
    number = len(team_fences(model, parameters)[0])
    if model.scope.stage in parameters.stages:
        yield from summed(model, number, f"In the stage {model.scope.stage} it is allowed.", wrong=False)
        return
    wrong = False
    for right in rights(model, parameters):
        if isinstance(right, Outcome):
            wrong = True
            yield right
            continue
        actual = right.grant.gives(("create", "get", "update", "patch"), "", INTO)
        if actual:
            wrong = True
            sentence = f"A team may enter pods: {actual}."
            yield fails(right.subject, sentence, path=right.grant.path, expected="not given", actual=actual)
        elif right.grant.open:
            wrong = True
            sentence = "What the role gives is not known yet."
            yield undetermined(right.subject, sentence, right.grant.open, path=right.grant.path)
    yield from summed(model, number, "In {} namespaces of teams nobody enters pods.", wrong=wrong)
