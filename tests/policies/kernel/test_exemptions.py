"""An exemption's life: it holds, it ends, it is of no use, it is too broad; and what may not be exempted at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.kernel.exempter import Exempted
from policies.kernel.exemption import Exemption, read_exemptions
from policies.kernel.finding import Outcome, Subject
from policies.kernel.judge import judge
from policies.kernel.registry import Registry
from policies.kernel.rule import Control
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope, Verdict
from policies.kernel.words import Decidable, Moment, Severity, Source, Status

DAY = date(2026, 11, 21)
RULE = "haven-example"


def exemption(**more: Any) -> Exemption:
    given = {
        "id": "one",
        "rule": RULE,
        "selector": {"name": "web*"},
        "reason": "It ends.",
        "category": "waiver",
        "owner": "a@voorbeeld.example",
        "approver": "b@voorbeeld.example",
        "ticket": "KADE-1",
        "created": "2026-11-01",
        "expires": "2026-12-31",
        **more,
    }
    return Exemption.model_validate(given)


def run(*exemptions: Exemption, names: tuple[str, ...] = ("web",), stack: str = "demo", **more: Any) -> Verdict:
    registry = Registry()
    status = more.pop("status", Status.FAIL)

    @registry.rule(
        id=RULE,
        title="Example",
        rationale="Because.",
        looks_at="It.",
        severity=Severity.HIGH,
        category="Cluster",
        controls=(Control("Haven", "12.8.0", "example"),),
        decidable=dict.fromkeys(Moment, Decidable.YES),
        fix="Repair it.",
        official="example",
        required=True,
    )
    def _check(_model: Any, _parameters: Any) -> Any:
        for name in names:
            yield Outcome(status=status, sentence="So it is.", subject=Subject("Pod", name, "team"), path="spec.x")

    settings = resolve(SettingsFile(strict=more.pop("strict", False)), registry, None, more.pop("day", DAY))
    return judge(None, Scope(stack=stack, **more), registry, settings, exemptions)


def did(verdict: Verdict) -> Exempted:
    return verdict.exemptions[0]


@pytest.mark.parametrize("source", list(Source))
def test_an_exemption_does_the_same_in_every_source(source: Source) -> None:
    verdict = run(exemption(), source=source)
    (finding,) = verdict.findings
    assert (finding.status, finding.exemption, finding.blocks) == (Status.FAIL, "one", False)
    assert (verdict.summary.failed, verdict.summary.exempted) == (1, 1)
    (back,) = run(exemption(expires="2026-11-20"), source=source).findings
    assert (back.exemption, back.blocks) == (None, True)


@pytest.mark.parametrize(
    ("day", "lifted"), [("2026-11-20", False), ("2026-11-22", True), ("2026-12-31", True), ("2027-01-01", False)]
)
def test_it_holds_from_its_first_day_to_its_last(day: str, lifted: bool) -> None:
    verdict = run(exemption(created="2026-11-22"), day=date.fromisoformat(day))
    assert (verdict.findings[0].exemption is not None) is lifted


def test_an_exemption_from_the_future_lifts_nothing_and_says_that_it_has_not_begun() -> None:
    verdict = run(exemption(created="2026-12-01"))
    assert verdict.findings[0].blocks
    assert not did(verdict).begun


def test_the_days_that_are_left_are_counted() -> None:
    assert did(run(exemption(expires="2026-11-25"))).left == 4
    assert did(run(exemption(expires="2026-11-20"))).expired


def test_objects_are_counted_once_however_many_findings_they_have() -> None:
    found = did(run(exemption(), names=("web", "web", "web-2", "other")))
    assert (found.used, found.objects) == (3, 2)


def test_what_is_undetermined_is_no_use_unless_it_could_stop_the_run() -> None:
    lax = did(run(exemption(), status=Status.UNDETERMINED))
    assert (lax.used, lax.open) == (0, 1)
    strict = run(exemption(), status=Status.UNDETERMINED, strict=True)
    assert (did(strict).used, strict.findings[0].blocks) == (1, False)


def test_a_rule_that_looks_at_nothing_here_does_not_make_its_exemption_useless() -> None:
    assert not did(run(exemption(), status=Status.NOT_APPLICABLE)).judged
    assert did(run(exemption(), status=Status.PASS)).judged


def test_another_stack_is_not_meant() -> None:
    found = run(exemption(selector={"stack": "prod-*", "name": "web"}))
    assert not did(found).meant
    assert found.findings[0].blocks


def test_the_second_exemption_takes_over_where_the_first_has_expired() -> None:
    verdict = run(exemption(expires="2026-11-10"), exemption(id="two"))
    assert verdict.findings[0].exemption == "two"
    assert [item.used for item in verdict.exemptions] == [1, 1]


@pytest.fixture
def read(tmp_path: Path, registry: Any) -> Any:
    def do(**more: str) -> tuple[Exemption, ...]:
        given = {
            "id": "one",
            "rule": "haven-hamasters",
            "selector": "{kind: Cluster, name: demo}",
            "reason": "It ends.",
            "category": "waiver",
            "owner": "a@voorbeeld.example",
            "approver": "b@voorbeeld.example",
            "ticket": "KADE-1",
            "created": "2026-11-01",
            "expires": "2026-12-31",
            **more,
        }
        path = tmp_path / "exemptions.yaml"
        path.write_text("exemptions:\n  -\n" + "".join(f"    {key}: {value}\n" for key, value in given.items()))
        settings = SettingsFile(approvers=("b@voorbeeld.example",))
        return read_exemptions(path, registry, settings, tmp_path)

    return do


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"rule": "haven-hamaster"},
            r"exemptions\.yaml:4: exemptions\[0\]\.rule: there is no such rule.*haven-hamasters",
        ),
        ({"rule": "exemption-unused"}, "nobody can be exempted from `exemption-unused`"),
        ({"expires": "2027-11-01"}, "longer than the 90 days that a rule of severity high allows"),
        ({"expires": "2026-10-01"}, "it ends before it begins"),
        ({"approver": "c@voorbeeld.example"}, "not one of the approvers"),
        ({"approver": "a@voorbeeld.example"}, "owner and approver are the same"),
        ({"selector": "{stack: demo}"}, "selects everything"),
        ({"category": "mitigated"}, "says `mitigated` but not how"),
        ({"expires": "soon"}, r"exemptions\.yaml:12: exemptions\[0\]\.expires"),
    ],
)
def test_an_exemption_that_may_not_be_is_refused_with_its_line(read: Any, change: dict[str, str], told: str) -> None:
    with pytest.raises(FaultsError, match=told):
        read(**change)


def test_an_exemption_knows_where_it_is_written(read: Any) -> None:
    (found,) = read()
    assert found.place == ("exemptions.yaml", 3)


def test_too_many_objects_are_too_broad(registry: Any) -> None:
    rule = registry.find("exemption-broad")
    (most, more) = (run(exemption(), names=tuple(f"web-{n}" for n in range(n))).exemptions for n in (10, 11))
    assert [item.status for item in rule.check(most, rule.parameters())] == [Status.PASS]
    (found,) = rule.check(more, rule.parameters())
    assert (found.status, found.actual, found.expected) == (Status.FAIL, 11, "at most 10 objects")
