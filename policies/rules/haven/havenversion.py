"""haven-havenversion: the checker itself is up to date."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.haven.shared import TOOL, haven
from policies.rules.outcomes import tool_only


@haven(
    "havenversion",
    severity=Severity.LOW,
    decidable=TOOL,
    looks_at="Nothing in a cluster: the checker compares its own version with its list of releases when it starts.",
    fix="Run the newest release of the official checker.",
)
def havenversion(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Say that the checker tests itself."""
    yield tool_only(model, "The checker compares its own version with its list of releases.")
