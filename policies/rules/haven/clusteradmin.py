"""haven-clusteradmin: the checker may see and do everything it needs."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.haven.shared import TOOL, haven
from policies.rules.outcomes import tool_only


@haven(
    "clusteradmin",
    severity=Severity.LOW,
    decidable=TOOL,
    looks_at="The identity that runs the checker, which no program declares: whoever starts it chooses the kubeconfig.",
    fix="Run the checker with an administrator's kubeconfig, for example the break-glass one.",
)
def clusteradmin(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Say that it depends on who runs the checker."""
    yield tool_only(model, "It depends on the kubeconfig that the checker is started with.", "whoever runs the checker")
