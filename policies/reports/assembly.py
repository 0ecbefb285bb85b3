"""From a verdict to its document."""

from __future__ import annotations

from policies.kernel.exemption import Exempted
from policies.kernel.finding import Finding, Gap, Subject
from policies.kernel.rule import Rule
from policies.kernel.verdict import CheckResult, Verdict
from policies.kernel.words import Layer, Moment
from policies.reports.document import (
    SCHEMA,
    CheckPart,
    ControlPart,
    ExemptionPart,
    FindingPart,
    FixPart,
    GapPart,
    HavenPart,
    ObjectPart,
    RulePart,
    RunPart,
    SettingsPart,
    StackPart,
    SummaryPart,
    VerdictDocument,
)


def document(verdict: Verdict, run: RunPart, digest: str) -> VerdictDocument:
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
        findings=tuple(_finding(finding) for finding in verdict.findings),
        exemptions=tuple(_exemption(exempted) for exempted in verdict.exemptions),
        settings=SettingsPart(strict=verdict.strict, weakened=dict(verdict.weakened), disabled=verdict.disabled),
        unseen=verdict.unseen,
        rules=tuple(_rule(rule) for rule in verdict.rules),
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


def _gap(gap: Gap) -> GapPart:
    return GapPart(path=gap.path, why=gap.why, object=_object(gap.subject) if gap.subject else None)


def _finding(finding: Finding) -> FindingPart:
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
    )


def _rule(rule: Rule) -> RulePart:
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
    )
