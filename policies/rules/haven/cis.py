"""haven-cis: the checker's suggested CIS benchmark."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.haven.shared import TOOL, haven
from policies.rules.outcomes import tool_only


@haven(
    "cis",
    severity=Severity.LOW,
    decidable=TOOL,
    looks_at="The running cluster: a CIS benchmark that the checker does when it is asked to with `--cis`. "
    "Suggested, not counted.",
    fix="Run the checker with `--cis` and follow its report.",
)
def cis(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Say that it is a scan of the running cluster."""
    yield tool_only(model, "A suggested scan of the running cluster, done with `--cis`; it does not count.")
