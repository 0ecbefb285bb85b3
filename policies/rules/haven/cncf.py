"""haven-cncf: the distribution is certified for its Kubernetes version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.haven.shared import TOOL, haven
from policies.rules.outcomes import tool_only

_TALOS = (
    "Talos has certified results in the conformance repository, but whether the checker's list of platforms knows "
    "Talos is not published; a platform that it does not know is reported as skipped."
)


@haven(
    "cncf",
    severity=Severity.MEDIUM,
    decidable=TOOL,
    looks_at="The platform that the checker recognises and the Kubernetes version, which it looks up in the repository "
    "of the CNCF conformance programme. Nothing is tested on the cluster.",
    fix="Use a distribution and a minor version that are in the conformance repository of the CNCF.",
)
def cncf(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Say that it depends on the checker's list of platforms."""
    outcome = tool_only(model, "The checker looks the platform up in a list of its own.")
    talos = any(node.system == "Talos" for node in model.nodes.all)
    yield replace(outcome, notes=(_TALOS,)) if talos else outcome
