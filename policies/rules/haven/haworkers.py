"""haven-haworkers: workloads survive the loss of a node."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.node import WORKER
from policies.rules.haven.counting import enough
from policies.rules.haven.shared import DECIDED, haven


class HaWorkersParameters(Parameters):
    """Parameters of haven-haworkers."""

    minimum: int = Field(default=3, ge=3)
    """Number of worker nodes. Default: 3, the checker's own number; it cannot be lowered."""


@haven(
    "haworkers",
    severity=Severity.HIGH,
    decidable=DECIDED,
    bio2=("8.14",),
    parameters=HaWorkersParameters,
    looks_at="The number of worker nodes, from the same places as haven-hamasters. For a pool that an autoscaler "
    "changes, its minimum counts. Control planes that also run workloads are not counted: how the checker"
    " sees those is not published.",
    fix="Declare three worker nodes or more.",
)
def haworkers(model: Model, parameters: HaWorkersParameters) -> Iterator[Outcome]:
    """Count worker nodes."""
    yield from enough(model, WORKER, parameters.minimum, word="worker", key="workers.count")
