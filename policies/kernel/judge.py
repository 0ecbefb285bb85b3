"""Run the rules over a model."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from policies.kernel.exemption import Exempter, Exemption
from policies.kernel.finding import Finding, Fix, Outcome
from policies.kernel.registry import Registry
from policies.kernel.rule import Rule
from policies.kernel.settings import Settings
from policies.kernel.verdict import Scope, Verdict
from policies.kernel.words import Decidable, Enforcement, Evidence, Source, Status

_EVIDENCE = {
    Source.PREVIEW: Evidence.DECLARED,
    Source.STATE: Evidence.DECLARED,
    Source.MANIFESTS: Evidence.RENDERED,
    Source.LIVE: Evidence.OBSERVED,
}


def judge(
    model: Any,
    scope: Scope,
    registry: Registry,
    settings: Settings,
    exemptions: Iterable[Exemption] = (),
    unseen: Iterable[str] = (),
    day: date | None = None,
) -> Verdict:
    """Return the verdict of all rules over a model. Never raises for what a rule does."""
    exempter = Exempter(exemptions, registry, scope.stack, day or settings.day)
    findings: list[Finding] = []
    rules = tuple(registry)
    for rule in rules:
        for outcome in _outcomes(rule, model, scope, settings):
            findings.append(_finding(rule, outcome, scope, settings, exempter))
    return Verdict(
        scope=scope,
        findings=tuple(sorted(findings, key=Finding.order)),
        rules=rules,
        exemptions=exempter.report(),
        weakened=settings.weakened(registry),
        disabled=tuple(rule.id for rule in rules if settings.enforcement(rule) is Enforcement.DISABLED),
        strict=settings.strict,
        unseen=tuple(sorted(set(unseen))),
    )


def _outcomes(rule: Rule, model: Any, scope: Scope, settings: Settings) -> list[Outcome]:
    """Run one rule; what breaks in it becomes an outcome."""
    if scope.source not in rule.sources:
        sentence = f"This rule cannot judge the source {scope.source}."
        return [Outcome(status=Status.NOT_APPLICABLE, sentence=sentence)]
    try:
        found = list(rule.check(model, settings.parameters(rule)))
    except Exception as error:
        # Only the kind of the error and the line: its text may hold a value, and a value may be secret.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"The rule broke: {type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}."
        return [Outcome(status=Status.ERROR, sentence=sentence, fix=Fix(text="Report this as a fault in the rule."))]
    if not found:
        return [Outcome(status=Status.ERROR, sentence="The rule broke: it said nothing.")]
    return found


def _finding(rule: Rule, outcome: Outcome, scope: Scope, settings: Settings, exempter: Exempter) -> Finding:
    enforcement = settings.enforcement(rule)
    finding = Finding(
        rule=rule.id,
        check=rule.official,
        severity=rule.severity,
        outcome=outcome,
        evidence=outcome.evidence or _EVIDENCE[scope.source],
        fix=outcome.fix or Fix(text=rule.fix),
        enforcement=enforcement,
    )
    bad = _is_bad(rule, outcome.status, scope, settings)
    exemption = exempter.find(finding) if outcome.status is Status.FAIL or bad else None
    blocks = bad and enforcement is Enforcement.MANDATORY and exemption is None
    return replace(finding, exemption=exemption.id if exemption else None, blocks=blocks)


def _is_bad(rule: Rule, status: Status, scope: Scope, settings: Settings) -> bool:
    """Whether the status may stop the run: a fail, or, where strict, an open question that could be answered now."""
    if status is Status.FAIL:
        return True
    could = rule.decidable.get(scope.moment) is Decidable.YES
    return settings.strict and could and status in (Status.UNDETERMINED, Status.ERROR)
