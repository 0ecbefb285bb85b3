"""Verdicts of every kind, made from outcomes and not from resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from policies.judging import run_part
from policies.kernel.exemption import Exemption
from policies.kernel.finding import Outcome, Subject
from policies.kernel.judge import judge
from policies.kernel.registry import Registry
from policies.kernel.rule import Control, Rule
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope
from policies.kernel.words import Decidable, Moment, Severity, Source, Status
from policies.reports.assembly import document
from policies.reports.document import VerdictDocument

DAY = date(2026, 11, 21)
Make = Callable[..., VerdictDocument]


def outcome(status: Status, name: str = "web", *, path: str = "spec.x", line: int = 7, **more: Any) -> Outcome:
    subject = Subject("Deployment", name, "team", "urn:pulumi:a::b::c::d", "deploy/app.yaml", line)
    return Outcome(status=status, sentence=f"So it is with {name}.", subject=subject, path=path, **more)


def exemption(**more: Any) -> Exemption:
    given = {
        "id": "one",
        "rule": "pod_security-root",
        "selector": {"name": "web"},
        "reason": "The supplier delivers in January.",
        "category": "waiver",
        "owner": "team@voorbeeld.example",
        "approver": "ciso@voorbeeld.example",
        "ticket": "KADE-1",
        "created": "2026-11-01",
        "expires": "2026-12-01",
        **more,
    }
    return Exemption.model_validate(given)


@pytest.fixture
def make() -> Make:
    def do(
        found: Mapping[str, Sequence[Outcome | Exception]],
        *,
        settings: Mapping[str, Any] | None = None,
        exemptions: Sequence[Exemption] = (),
        severity: Severity = Severity.HIGH,
    ) -> VerdictDocument:
        registry = Registry()
        for name, outcomes in found.items():
            registry.add(_rule(name, outcomes, severity))
        resolved = resolve(SettingsFile.model_validate(settings or {}), registry, None, DAY)
        scope = Scope(stack="shop", source=Source.MANIFESTS)
        return document(judge(None, scope, registry, resolved, exemptions), run_part(), "sha256:0")

    return do


def _rule(name: str, outcomes: Sequence[Outcome | Exception], severity: Severity) -> Rule:
    def check(_model: Any, _parameters: Any) -> Any:
        for item in outcomes:
            if isinstance(item, Exception):
                raise item
            yield item

    return Rule(
        id=name,
        title=f"Title of {name}",
        rationale="Because.",
        looks_at="It.",
        severity=severity,
        category="Workloads",
        controls=(Control("PSS", "1.36", "restricted"),),
        decidable=dict.fromkeys(Moment, Decidable.YES),
        fix="Repair it.",
        check=check,
    )
