"""haven-shavalidation: the checker's binary is the published one."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.haven.shared import TOOL, haven
from policies.rules.outcomes import tool_only


@haven(
    "shavalidation",
    severity=Severity.LOW,
    decidable=TOOL,
    looks_at="Nothing in a cluster: the checker compares the hash of its own binary with the published one.",
    fix="Run the binary as it was published, not one that was built or changed by others.",
)
def shavalidation(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Say that the checker tests itself."""
    yield tool_only(model, "The checker compares the hash of its own binary with the published one.")
