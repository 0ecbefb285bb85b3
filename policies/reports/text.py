"""The verdict as text for a terminal: what is to be done first, the count last."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from policies.kernel.words import Status
from policies.reports.console import told
from policies.reports.document import FindingPart, VerdictDocument
from policies.reports.wording import TO_SHOW, exempted, named, placed, rank, rules, weaknesses

MOST = 10
"""Findings of one rule that are shown: a thousand equal ones hide all others. Every other format has them all."""
FULL = 3
"""Findings of one rule that are shown with everything there is; of more, only the first is."""
_WORDS = {Status.FAIL: "fail", Status.ERROR: "rule broke", Status.UNDETERMINED: "undetermined"}


def render(document: VerdictDocument) -> str:
    """Return the text."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: VerdictDocument) -> Iterator[str]:
    tool = {rule.id for rule in document.rules if rule.decidable[document.stack.moment] == "tool"}
    found = [f for f in document.findings if f.status in TO_SHOW and (f.rule not in tool or f.blocks)]
    titles = rules(document)
    for (_, rule, _), group in groupby(sorted(found, key=_order), key=_order):
        own = list(group)
        first = own[0]
        yield f"{_WORDS[first.status]}  {rule}: {titles[rule].title} ({first.severity.value}, {_effect(own)})"
        if first.exemption:
            yield f"  {exempted(first.exemption, document)}"
        full = own if len(own) <= FULL else own[:1]
        for finding in full:
            yield from (f"  {line}" for line in told(finding) if not line.startswith("  exempted:"))
            yield from (f"    mind:     {note}" for note in finding.notes[:2])
        for finding in own[len(full) : MOST]:
            where = (named(finding.object), finding.path, placed(finding.place))
            yield f"    also:     {', '.join(filter(None, where))}"
        if len(own) > MOST:
            yield f"  and {len(own) - MOST} more"
        yield ""
    yield from _end(document)


def _order(finding: FindingPart) -> tuple[tuple[int, int, int], str, str]:
    return (rank(finding), finding.rule, finding.exemption or "")


def _effect(findings: list[FindingPart]) -> str:
    first = findings[0]
    if first.blocks:
        effect = "stops the run"
    elif first.exemption:
        effect = f"exempted by {first.exemption}"
    else:
        effect = "unchanged since the baseline" if first.change == "unchanged" else first.enforcement.value
    return f"{len(findings)} findings, {effect}" if len(findings) > 1 else effect


def _end(document: VerdictDocument) -> Iterator[str]:
    settings, summary = document.settings, document.summary
    for item in document.exemptions:
        if item.meant and item.left is not None and 0 <= item.left <= 14:
            yield f"ends soon: {exempted(item.id, document)}"
    for rule, text in weaknesses(document):
        yield f"weaker than by itself: {rule}, {text}"
    for rule, day in sorted(settings.upcoming.items()):
        yield f"will stop the run from {day}: {rule}"
    for fault in document.faults:
        place = f"{fault.file}:{fault.line}" if fault.line else fault.file
        yield f"could not be read: {place}: {fault.what.rstrip('.')}. {fault.remedy}".rstrip()
    if document.baseline:
        change = document.baseline
        yield f"baseline: {change.new} new, {len(change.fixed)} fixed, {change.unchanged} unchanged"
        yield from (f"  fixed: {item.rule} {item.sentence}" for item in change.fixed[:MOST])
    counted = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in summary.statuses.items() if n)
    yield f"findings: {counted}; {summary.exempted} exempted, {summary.blocking} stop the run"
    yield summary.haven.line
