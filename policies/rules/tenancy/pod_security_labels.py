"""tenancy-pod-security-labels: a team's namespace refuses, records and warns of what breaks `restricted`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from policies.kernel.finding import Fix, Outcome
from policies.kernel.rule import weakens
from policies.kernel.words import Severity
from policies.model.fences import Fence
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import fails, undetermined
from policies.rules.pod_security.shared import Level, LevelName, at_least
from policies.rules.tenancy.shared import Teams, each, tenancy

PREFIX = "pod-security.kubernetes.io/"


class Labels(Teams):
    """What the labels must say."""

    level: Annotated[LevelName, weakens("any")] = "restricted"
    """Level that each label must name. Default: restricted."""


@tenancy(
    "pod-security-labels",
    title="A team's namespace refuses, records and warns",
    cis=("5.2.1",),
    rationale="`enforce` refuses pods only: `warn` tells who writes a Deployment at once, `audit` leaves a trace.",
    looks_at=f"The labels `{PREFIX}enforce`, `audit` and `warn` of each team's namespace.",
    severity=Severity.MEDIUM,
    parameters=Labels,
    fix="Give the namespace all three labels with the level.",
)
def pod_security_labels(model: Model, parameters: Labels) -> Iterator[Outcome]:
    """Look at the three labels of each namespace."""

    def look(fence: Fence, _team: str) -> Iterator[Outcome]:
        for mode in ("enforce", "audit", "warn"):
            path = f"metadata.labels[{PREFIX}{mode}]"
            own = fence.label(f"{PREFIX}{mode}")
            if isinstance(own, Unknown):
                yield undetermined(fence.subject, f"What `{mode}` says is not known yet.", [own], path=path)
            elif own not in tuple(Level) or not at_least(Level(own), Level(parameters.level)):
                fix = Fix(text=f"Write {parameters.level}.", path=path, value=parameters.level)
                sentence = f"The label `{mode}` says {own or 'nothing'}."
                yield fails(fence.subject, sentence, path=path, expected=parameters.level, actual=own, fix=fix)

    return each(model, parameters, look, "{} namespaces of teams have their three labels.")
