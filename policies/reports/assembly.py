"""From a verdict to its document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from inputs.faults import Fault
from policies.kernel.exempter import Exempted
from policies.kernel.finding import Finding, Gap, Subject
from policies.kernel.rule import Rule
from policies.kernel.verdict import CheckResult, Verdict
from policies.kernel.words import Layer, Moment
from policies.reports.document import (
    SCHEMA,
    CheckPart,
    ControlPart,
    ExemptionPart,
    FaultPart,
    FindingPart,
    FixPart,
    GapPart,
    HavenPart,
    ObjectPart,
    PlacePart,
    RulePart,
    RunPart,
    SettingsPart,
    StackPart,
    SummaryPart,
    VerdictDocument,
)


def document(verdict: Verdict, run: RunPart, digest: str, faults: Iterable[Fault] = ()) -> VerdictDocument:
    """Return the document of a verdict."""
    scope, summary = verdict.scope, verdict.summary
    return VerdictDocument(
        schema=SCHEMA,
        run=run,
        stack=StackPart(
            name=scope.stack,
            project=scope.project,
            cluster=scope.cluster,
            environments=scope.environments,
            stage=scope.stage,
            layers=None if scope.layers is None else tuple(layer for layer in Layer if layer in scope.layers),
            source=scope.source,
            moment=scope.moment,
            stand_ins=scope.stand_ins,
        ),
        input_digest=digest,
        summary=SummaryPart(
            haven=HavenPart(
                passed=summary.passed,
                failed=summary.failed,
                undetermined=summary.undetermined,
                not_judged=summary.not_judged,
                of=summary.total,
                line=summary.line,
            ),
            statuses=dict(summary.statuses),
            blocking=summary.blocking,
            exempted=summary.exempted,
        ),
        checks=tuple(_check(check) for check in verdict.checks),
        findings=tuple(finding_part(finding) for finding in verdict.findings),
        exemptions=tuple(_exemption(exempted) for exempted in verdict.exemptions),
        settings=SettingsPart(
            strict=verdict.strict,
            weakened=dict(verdict.weakened),
            disabled=verdict.disabled,
            as_of=verdict.day,
            lowered=dict(verdict.lowered),
            upcoming=dict(verdict.upcoming),
        ),
        unseen=verdict.unseen,
        rules=tuple(rule_part(rule, verdict.counts.get(rule.id, {})) for rule in verdict.rules),
        faults=tuple(
            FaultPart(file=fault.file, line=fault.line, key=fault.key, what=fault.what, remedy=fault.remedy)
            for fault in faults
        ),
    )


def _check(check: CheckResult) -> CheckPart:
    rule = check.rule
    return CheckPart(
        check=rule.official or "",
        rule=rule.id,
        label=rule.title,
        category=rule.category,
        required=rule.required,
        status=check.status,
    )


def _object(subject: Subject) -> ObjectPart:
    return ObjectPart(kind=subject.kind, namespace=subject.namespace, name=subject.name)


def _place(subject: Subject | None) -> PlacePart | None:
    return PlacePart(file=subject.file, line=subject.line) if subject and subject.file else None


def _gap(gap: Gap) -> GapPart:
    return GapPart(path=gap.path, why=gap.why, object=_object(gap.subject) if gap.subject else None)


def finding_part(finding: Finding) -> FindingPart:
    """Return the document of a finding."""
    outcome = finding.outcome
    return FindingPart(
        rule=finding.rule,
        check=finding.check,
        status=finding.status,
        severity=finding.severity,
        evidence=finding.evidence,
        enforcement=finding.enforcement,
        blocks=finding.blocks,
        exemption=finding.exemption,
        sentence=outcome.sentence,
        object=_object(outcome.subject) if outcome.subject else None,
        path=outcome.path,
        expected=outcome.expected,
        actual=outcome.actual,
        fix=FixPart(text=finding.fix.text, path=finding.fix.path, value=finding.fix.value),
        unknown=tuple(_gap(gap) for gap in outcome.gaps),
        delegate=outcome.delegate,
        notes=outcome.notes,
        objects=tuple(_object(subject) for subject in outcome.objects),
        fingerprint=finding.fingerprint,
        place=_place(outcome.subject),
    )


def _exemption(exempted: Exempted) -> ExemptionPart:
    item = exempted.exemption
    return ExemptionPart(
        id=item.id,
        rule=item.rule,
        category=item.category,
        reason=item.reason,
        owner=item.owner,
        approver=item.approver,
        ticket=item.ticket,
        expires=item.expires,
        expired=exempted.expired,
        used=exempted.used,
        meant=exempted.meant,
        how=item.how,
        left=exempted.left,
        objects=exempted.objects,
    )


def rule_part(rule: Rule, counts: Mapping[str, int]) -> RulePart:
    """Return the document of a rule, with its findings counted."""
    return RulePart(
        id=rule.id,
        title=rule.title,
        rationale=rule.rationale,
        category=rule.category,
        severity=rule.severity,
        controls=tuple(
            ControlPart(framework=c.framework, version=c.version, reference=c.reference) for c in rule.controls
        ),
        page=rule.page,
        decidable={moment: rule.decidable[moment].value for moment in Moment},
        fix=rule.fix,
        counts=dict(counts),
    )
