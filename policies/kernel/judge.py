"""Run the rules over a model."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from policies.kernel.exempter import Exempter
from policies.kernel.exemption import Exemption
from policies.kernel.finding import Finding, Fix, Outcome
from policies.kernel.registry import Registry
from policies.kernel.rule import Rule
from policies.kernel.settings import Settings
from policies.kernel.verdict import Scope, Verdict
from policies.kernel.words import About, Decidable, Enforcement, Evidence, Source, Status

KEPT = 20
"""Findings of one rule that are kept with the status pass, and as many that are not applicable; the rest is counted.

A stack of thousands of objects has a pass for each of them and each rule, which nobody reads and everybody stores.
"""
_QUIET = (Status.PASS, Status.NOT_APPLICABLE)
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
    counts: dict[str, dict[str, int]] = {}
    rules = tuple(registry)
    for rule in (rule for rule in rules if rule.about is About.MODEL):
        counts[rule.id] = _run(rule, model, scope, settings, exempter, findings)
    exempted = exempter.report()
    for rule in (rule for rule in rules if rule.about is About.EXEMPTIONS):
        counts[rule.id] = _run(rule, exempted, scope, settings, exempter, findings)
    return Verdict(
        scope=scope,
        findings=tuple(sorted(findings, key=Finding.order)),
        rules=rules,
        counts=counts,
        exemptions=exempted,
        day=settings.day,
        weakened=settings.weakened(registry),
        lowered=settings.lowered(registry),
        upcoming=settings.upcoming(registry),
        disabled=tuple(rule.id for rule in rules if settings.enforcement(rule) is Enforcement.DISABLED),
        strict=settings.strict,
        unseen=tuple(sorted(set(unseen))),
    )


def _run(
    rule: Rule, about: Any, scope: Scope, settings: Settings, exempter: Exempter, findings: list[Finding]
) -> dict[str, int]:
    """Add the findings of one rule, and return how many it has by status."""
    enforcement = settings.enforcement(rule)
    usual = Fix(text=rule.fix)
    counts: Counter[Status] = Counter()
    for outcome in _outcomes(rule, about, scope, settings):
        counts[outcome.status] += 1
        if outcome.status in _QUIET and counts[outcome.status] > KEPT:
            continue
        finding = Finding(
            rule=rule.id,
            check=rule.official,
            severity=rule.severity,
            outcome=outcome,
            evidence=outcome.evidence or _EVIDENCE[scope.source],
            fix=outcome.fix or usual,
            enforcement=enforcement,
        )
        bad = _is_bad(rule, outcome.status, scope, settings)
        exemption = exempter.find(finding, bad=bad) if rule.exemptable else None
        blocks = bad and enforcement is Enforcement.MANDATORY and exemption is None
        if exemption or blocks:
            finding = replace(finding, exemption=exemption.id if exemption else None, blocks=blocks)
        findings.append(finding)
    return {status.value: counts[status] for status in Status if counts[status]}


def _outcomes(rule: Rule, about: Any, scope: Scope, settings: Settings) -> Iterator[Outcome]:
    """Run one rule; what breaks in it becomes an outcome, beside what it had found before."""
    if scope.source not in rule.sources:
        sentence = f"This rule cannot judge the source {scope.source}."
        yield Outcome(status=Status.NOT_APPLICABLE, sentence=sentence)
        return
    said = False
    try:
        for outcome in rule.check(about, settings.parameters(rule)):
            said = True
            yield outcome
    except Exception as error:
        # Only the kind of the error and the line: its text may hold a value, and a value may be secret.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"The rule broke: {type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}."
        fix = Fix(text="Report this as a fault in the rule.")
        yield Outcome(status=Status.ERROR, sentence=sentence, fix=fix)
        return
    if not said:
        yield Outcome(status=Status.ERROR, sentence="The rule broke: it said nothing.")


def _is_bad(rule: Rule, status: Status, scope: Scope, settings: Settings) -> bool:
    """Whether the status may stop the run: a fail, or, where strict, an open question that could be answered now."""
    if status is Status.FAIL:
        return True
    could = rule.decidable.get(scope.moment) is Decidable.YES
    return settings.strict and could and status in (Status.UNDETERMINED, Status.ERROR)
