"""How every report names an object, a place, a value, and what weakens the rules."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Scalar
from policies.kernel.words import Severity, Status
from policies.reports.document import (
    ExemptionPart,
    FindingPart,
    GapPart,
    ObjectPart,
    PlacePart,
    RulePart,
    VerdictDocument,
)

STANDARD_INPUT = "standard input"
"""How a source names what has no file."""
TO_SHOW = (Status.FAIL, Status.ERROR, Status.UNDETERMINED)
"""What a reader may have to do something about, the worst first."""


def named(thing: ObjectPart | None) -> str:
    """Return an object as people name it."""
    if thing is None:
        return ""
    return f"{thing.kind} {thing.namespace}/{thing.name}" if thing.namespace else f"{thing.kind} {thing.name}"


def placed(place: PlacePart | None) -> str:
    """Return a place as `file:line`."""
    if place is None:
        return ""
    return f"{place.file}:{place.line}" if place.line else place.file


def in_file(place: PlacePart | None) -> bool:
    """Whether a place is one that other programs can open."""
    return place is not None and place.file != STANDARD_INPUT


def shown(value: Scalar) -> str:
    """Return a value as it is written in YAML."""
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def gapped(gap: GapPart) -> str:
    """Return what is unknown and why."""
    return f"{gap.path} of {named(gap.object)}: {gap.why}" if gap.object else f"{gap.path}: {gap.why}"


def sentence(finding: FindingPart, document: VerdictDocument) -> str:
    """Return what is to be said of a finding where there is room for one paragraph."""
    parts = [finding.sentence]
    if finding.expected is not None:
        parts.append(f"Expected {shown(finding.expected)}, actual {shown(finding.actual)}.")
    if finding.unknown:
        parts.append(f"Not known: {'; '.join(gapped(gap) for gap in finding.unknown[:3])}.")
    if finding.delegate:
        parts.append(f"Decided by {finding.delegate}.")
    if finding.status is Status.FAIL:
        parts.append(finding.fix.text)
    if finding.exemption:
        parts.append(exempted(finding.exemption, document))
    return " ".join(parts)


def exempted(name: str, document: VerdictDocument) -> str:
    """Return who accepted a finding, until when and why."""
    found = exemption(name, document)
    if found is None:
        return f"Exempted by {name}."
    return f"Exempted by {name} until {found.expires} (owner {found.owner}, {found.ticket}): {found.reason}"


def exemption(name: str, document: VerdictDocument) -> ExemptionPart | None:
    """Return an exemption by its id."""
    return next((item for item in document.exemptions if item.id == name), None)


def weaknesses(document: VerdictDocument) -> Iterator[tuple[str, str]]:
    """Yield, as rule and sentence, whatever makes this verdict milder than the rules are by themselves."""
    for rule, names in document.settings.weakened.items():
        yield rule, f"weakened by {', '.join(names)}"
    for rule, level in document.settings.lowered.items():
        yield rule, f"only {level}"


def rules(document: VerdictDocument) -> dict[str, RulePart]:
    """Return the rules by id."""
    return {rule.id: rule for rule in document.rules}


def rank(finding: FindingPart) -> tuple[int, int, int]:
    """Sort key: what stops the run first, then by status and severity."""
    status = TO_SHOW.index(finding.status) if finding.status in TO_SHOW else len(TO_SHOW)
    return (not finding.blocks, status, -list(Severity).index(finding.severity))
