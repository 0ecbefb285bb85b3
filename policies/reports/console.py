"""The verdict as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Finding
from policies.kernel.rule import Rule
from policies.kernel.verdict import Verdict
from policies.kernel.words import Moment, Status
from policies.reports.assembly import finding_part
from policies.reports.document import FindingPart
from policies.reports.wording import gapped, named, placed, shown

MOST_GAPS = 3
"""Unknown properties that the console names; the report has them all."""
_WORDS = {
    Status.PASS: "pass",
    Status.FAIL: "FAIL",
    Status.UNDETERMINED: "undetermined",
    Status.NOT_APPLICABLE: "not judged",
    Status.ERROR: "error",
}


def summary(verdict: Verdict) -> str:
    """Return the verdict in one line."""
    return verdict.summary.line


def table(verdict: Verdict) -> tuple[str, ...]:
    """Return a table of the required checks, in the official order."""
    rows = [(check.rule.official or "", check.rule.title, check) for check in verdict.checks if check.rule.required]
    width = max(len(name) for name, _, _ in rows)
    longest = max(len(title) for _, title, _ in rows)
    status_width = max(len(word) for word in _WORDS.values())
    lines: list[str] = []
    for name, title, check in rows:
        status = f"{_WORDS[check.status]:<{status_width}}"
        lines.append(f"{name:<{width}}  {title:<{longest}}  {status}  {_evidence(check.findings)}".rstrip())
    return tuple(lines)


def _evidence(findings: tuple[Finding, ...]) -> str:
    shown = [finding for finding in findings if finding.status is not Status.NOT_APPLICABLE]
    return shown[0].evidence.value if shown and shown[0].status is Status.PASS else ""


def explained(rule: Rule) -> str:
    """Return what there is to know of a rule, as text."""
    when = ", ".join(f"{moment.value}: {rule.decidable[moment].value}" for moment in Moment)
    controls = ", ".join(f"{c.framework} {c.version} {c.reference}" for c in rule.controls)
    lines = [
        f"{rule.id}: {rule.title} ({rule.category}, severity {rule.severity})",
        f"  why: {rule.rationale}",
        f"  looks at: {rule.looks_at}",
        f"  decided: {when}",
        f"  fix: {rule.fix}",
        f"  controls: {controls}",
        f"  page: {rule.page}",
    ]
    for name, field in rule.parameters.model_fields.items():
        default = field.get_default(call_default_factory=True)
        lines.append(
            f"  parameter {field.alias or name} (default {default}): {' '.join((field.description or '').split())}"
        )
    return "\n".join(lines)


def message(finding: Finding) -> str:
    """Return what the console says of a finding: what is wrong, where, what is expected, what to do."""
    return "\n".join(told(finding_part(finding)))


def told(finding: FindingPart) -> Iterator[str]:
    """Yield the lines that the console says of a finding."""
    open_end = "Not known yet: " if finding.status is Status.UNDETERMINED else ""
    yield f"{open_end}{finding.sentence}"
    where = ", ".join(filter(None, (named(finding.object), finding.path, placed(finding.place))))
    if where:
        yield f"  where:    {where}"
    if finding.expected is not None:
        yield f"  expected: {shown(finding.expected)}; actual: {shown(finding.actual)}"
    for gap in finding.unknown[:MOST_GAPS]:
        yield f"  unknown:  {gapped(gap)}"
    if len(finding.unknown) > MOST_GAPS:
        yield f"  unknown:  and {len(finding.unknown) - MOST_GAPS} more, see the report"
    if finding.delegate:
        yield f"  decided by: {finding.delegate}"
    if finding.status is Status.FAIL:
        fix = finding.fix
        how = f" ({fix.path}{f': {shown(fix.value)}' if fix.value is not None else ''})" if fix.path else ""
        yield f"  fix:      {fix.text}{how}"
    if finding.exemption:
        yield f"  exempted: {finding.exemption}"
