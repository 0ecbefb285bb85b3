"""pod_security-namespace-labels: every namespace enforces the level that the settings ask of it."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.registry import RULES
from policies.kernel.rule import Control
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.haven.shared import DECIDED, bio2_controls
from policies.rules.outcomes import fails, not_here, passes, undetermined
from policies.rules.pod_security.shared import ENFORCE, VERSION, Level, Levels, at_least

PATH = f"metadata.labels[{ENFORCE}]"


@RULES.rule(
    id="pod_security-namespace-labels",
    title="Every namespace enforces its Pod Security level",
    rationale="The API server refuses what breaks a level only where the namespace's label says so.",
    looks_at=f"The label `{ENFORCE}` of each namespace against the level that the settings ask. A namespace that is"
    " no team's may say `privileged` itself: then that is its level, and the report names it.",
    severity=Severity.MEDIUM,
    category="Pod security",
    controls=(
        Control("Pod Security Standards", VERSION, "Pod Security Admission"),
        Control("CIS Kubernetes", "1.12", "5.2.1"),
        *bio2_controls("8.03.01"),
        Control("NIS2", "2022/2555", "21.2.e"),
    ),
    decidable=DECIDED,
    fix=f"Give the namespace the label `{ENFORCE}` with the level.",
    parameters=Levels,
)
def namespace_labels(model: Model, parameters: Levels) -> Iterator[Outcome]:
    """Compare each namespace's label with what it needs."""
    right: list[str] = []
    open_wide: list[str] = []
    wrong = False
    for fence in model.fences:
        needed, own = parameters.required(fence, fence.name), fence.label(ENFORCE)
        if needed is Level.PRIVILEGED:
            open_wide.append(fence.name)
            continue
        if isinstance(own, Unknown) or isinstance(needed, Unknown):
            wrong = True
            gap = own if isinstance(own, Unknown) else needed
            sentence = "Which level the namespace enforces is not known yet."
            yield undetermined(fence.subject, sentence, [gap] if isinstance(gap, Unknown) else (), path=PATH)
        elif own not in tuple(Level) or not at_least(Level(own), needed):
            wrong = True
            sentence = f"The namespace enforces {own}." if own else "The namespace enforces no level."
            fix = Fix(text=f"Write {needed.value}.", path=PATH, value=needed.value)
            yield fails(fence.subject, sentence, path=PATH, expected=needed.value, actual=own, fix=fix)
        else:
            right.append(fence.name)
    if not right and not wrong and not open_wide:
        yield not_here(model, "There are no namespaces here.")
    elif not wrong:
        notes = (f"Everything is allowed in: {', '.join(open_wide)}.",) if open_wide else ()
        sentence = f"{len(right)} {'namespace enforces its' if len(right) == 1 else 'namespaces enforce their'} level."
        yield passes(model.cluster, sentence, notes=notes)
