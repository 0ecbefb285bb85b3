"""What judging keeps, counts and reports of the settings."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.kernel.finding import Outcome, Subject
from policies.kernel.judge import KEPT, judge
from policies.kernel.registry import Registry
from policies.kernel.rule import Control
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope
from policies.kernel.words import About, Decidable, Moment, Severity, Status

DAY = date(2026, 11, 21)


def registry_with(*said: Any, **fields: Any) -> Registry:
    registry = Registry()
    given: dict[str, Any] = {
        "id": "tls-example",
        "title": "Example",
        "rationale": "Because.",
        "looks_at": "It.",
        "severity": Severity.HIGH,
        "category": "Cluster",
        "controls": (Control("NCSC", "2025-05", "3.3.1"),),
        "decidable": dict.fromkeys(Moment, Decidable.YES),
        "fix": "Repair it.",
        **fields,
    }

    @registry.rule(**given)
    def _check(about: Any, _parameters: Any) -> Any:
        for item in said:
            if isinstance(item, Exception):
                raise item
            yield item(about) if callable(item) else item

    return registry


def said(status: Status, name: str = "x") -> Outcome:
    return Outcome(status=status, sentence="So it is.", subject=Subject("Pod", name))


def run(registry: Registry, **settings: Any) -> Any:
    resolved = resolve(SettingsFile.model_validate(settings), registry, None, DAY)
    return judge("the model", Scope(stack="demo"), registry, resolved)


@pytest.mark.parametrize("status", [Status.PASS, Status.NOT_APPLICABLE])
def test_what_is_quiet_is_counted_in_full_and_kept_in_part(status: Status) -> None:
    verdict = run(registry_with(*(said(status, f"pod-{n:04}") for n in range(500))))
    assert len(verdict.findings) == KEPT
    assert verdict.counts == {"tls-example": {status.value: 500}}
    assert verdict.summary.statuses[status.value] == 500


def test_what_fails_is_always_kept() -> None:
    verdict = run(registry_with(*(said(Status.FAIL, f"pod-{n:04}") for n in range(500))))
    assert len(verdict.findings) == verdict.summary.blocking == 500


def test_a_rule_that_breaks_keeps_what_it_had_found() -> None:
    verdict = run(registry_with(said(Status.FAIL), RuntimeError("s3cr3t")))
    assert [finding.status for finding in verdict.findings] == [Status.ERROR, Status.FAIL]
    assert "s3cr3t" not in str(verdict)


def test_a_rule_about_exemptions_is_given_them_and_not_the_model() -> None:
    seen: list[Any] = []

    def look(about: Any) -> Outcome:
        seen.append(about)
        return said(Status.PASS)

    run(registry_with(look))
    run(registry_with(look, about=About.EXEMPTIONS))
    assert seen == ["the model", ()]


def test_a_level_below_the_built_in_one_is_named() -> None:
    registry = registry_with(said(Status.FAIL))
    assert run(registry).lowered == {}
    assert run(registry, enforcement={"groups": {"tls": "disabled"}}).lowered == {
        "tls-example": "disabled, built in: mandatory"
    }


def test_a_day_that_is_to_come_is_named_until_it_has_come() -> None:
    registry = registry_with(said(Status.FAIL))
    graduated = {"level": "advisory", "mandatoryFrom": "2026-11-22"}
    verdict = run(registry, enforcement={"groups": {"tls": graduated}})
    assert verdict.upcoming == {"tls-example": date(2026, 11, 22)}
    assert not verdict.findings[0].blocks
    settings = resolve(
        SettingsFile.model_validate({"enforcement": {"groups": {"tls": graduated}}}), registry, None, date(2026, 11, 22)
    )
    later = judge("the model", Scope(stack="demo"), registry, settings)
    assert later.upcoming == {}
    assert later.findings[0].blocks


def test_rules_are_chosen_by_name_alias_group_and_framework() -> None:
    registry = registry_with(said(Status.PASS), aliases=("KADE-1",))
    for rules, frameworks in ((("KADE-1",), ()), (("tls-example",), ()), ((), ("tls",)), ((), ("ncsc",)), ((), ())):
        assert [rule.id for rule in registry.select(rules, frameworks)] == ["tls-example"]


def test_a_choice_that_is_none_names_the_nearest_ones() -> None:
    registry = registry_with(said(Status.PASS))
    with pytest.raises(FaultsError) as raised:
        registry.select(["tls-exampel"], ["ncsk"])
    assert "Did you mean `tls-example`" in str(raised.value)
    assert "Did you mean `ncsc`" in str(raised.value)
