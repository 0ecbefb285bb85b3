"""haven-hamasters: the control plane survives the loss of a node."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.node import CONTROL_PLANE
from policies.rules.haven.counting import enough
from policies.rules.haven.shared import DECIDED, haven


class HaMastersParameters(Parameters):
    """Parameters of haven-hamasters."""

    minimum: int = Field(default=3, ge=3)
    """Number of control-plane nodes. Default: 3, the checker's own number; it cannot be lowered."""


@haven(
    "hamasters",
    severity=Severity.HIGH,
    decidable=DECIDED,
    bio2=("8.14",),
    parameters=HaMastersParameters,
    looks_at="The number of control-plane nodes: Talos configurations whose `machine.type` is `controlplane`, Node"
    " objects with a control-plane role, replicas of Cluster API control planes, or virtual machines with"
    " a role tag. A machine and its configuration count once. Nodes whose role is unknown may count: the "
    "answer is then open.",
    fix="Declare three control-plane nodes, or five.",
)
def hamasters(model: Model, parameters: HaMastersParameters) -> Iterator[Outcome]:
    """Count control-plane nodes."""
    exact = model.nodes.count(CONTROL_PLANE).exact
    notes: tuple[str, ...] = ()
    if exact and exact % 2 == 0:
        notes = (f"{exact} is even: etcd needs a majority, so {exact} survive no more failures than {exact - 1}.",)
    yield from enough(
        model, CONTROL_PLANE, parameters.minimum, word="control-plane", key="controlPlane.count", notes=notes
    )
