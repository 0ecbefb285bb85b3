"""Rules, findings, counting and the verdict."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import pytest

from policies.kernel.finding import Finding, Fix, Gap, Outcome, Subject
from policies.kernel.judge import judge
from policies.kernel.registry import Registry
from policies.kernel.rule import Control, NoParameters, Parameters, weakened, weakens
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope
from policies.kernel.words import Decidable, Enforcement, Evidence, Layer, Moment, Severity, Source, Stage, Status
from policies.model.values import Count, Unknown, dig, number, text, unknowns

DAY = date(2026, 11, 21)
ALWAYS = dict.fromkeys(Moment, Decidable.YES)


def registry_with(*outcomes: Any, **fields: Any) -> Registry:
    registry = Registry()
    found = {
        "id": "haven-example",
        "title": "Example",
        "rationale": "Because.",
        "looks_at": "Nothing.",
        "severity": Severity.HIGH,
        "category": "Cluster",
        "controls": (Control("Haven", "12.8.0", "example"),),
        "decidable": ALWAYS,
        "fix": "Repair it.",
        "official": "example",
        "required": True,
        **fields,
    }

    @registry.rule(**found)
    def _check(_model: Any, _parameters: Any) -> Any:
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome

    return registry


def outcome(status: Status, name: str = "x") -> Outcome:
    return Outcome(status=status, sentence="So it is.", subject=Subject("Pod", name, "team"), path="spec.x")


def run(registry: Registry, *, strict: bool = False, layers: frozenset[Layer] | None = frozenset(Layer)) -> Any:
    settings = resolve(SettingsFile(strict=strict), registry, None, DAY)
    return judge(None, Scope(stack="demo", layers=layers), registry, settings)


def test_a_rule_that_raises_becomes_an_error_that_does_not_show_the_value() -> None:
    verdict = run(registry_with(RuntimeError("s3cr3t-value")))
    (finding,) = verdict.findings
    assert finding.status is Status.ERROR
    assert "RuntimeError in test_kernel.py:" in finding.outcome.sentence
    assert "s3cr3t" not in str(verdict)


def test_a_rule_that_says_nothing_is_an_error() -> None:
    assert run(registry_with()).findings[0].status is Status.ERROR


def test_an_error_counts_as_undetermined() -> None:
    summary = run(registry_with(RuntimeError())).summary
    assert (summary.passed, summary.failed, summary.undetermined, summary.total) == (0, 0, 1, 1)


def test_one_fail_among_passes_is_a_fail() -> None:
    verdict = run(
        registry_with(outcome(Status.PASS, "a"), outcome(Status.FAIL, "b"), outcome(Status.UNDETERMINED, "c"))
    )
    assert verdict.checks[0].status is Status.FAIL


def test_what_a_whole_cluster_does_not_have_counts_as_undetermined() -> None:
    summary = run(registry_with(outcome(Status.NOT_APPLICABLE))).summary
    assert (summary.undetermined, summary.not_judged) == (1, 0)


def test_a_stack_alone_says_how_many_it_could_judge() -> None:
    summary = run(registry_with(outcome(Status.NOT_APPLICABLE)), layers=frozenset({Layer.SERVICES})).summary
    assert (summary.undetermined, summary.not_judged) == (0, 1)
    assert summary.line == "haven: 0 pass, 0 fail, 0 undetermined of 1 (this stack could judge 0 of them)"


def test_undetermined_blocks_only_where_strict() -> None:
    registry = registry_with(outcome(Status.UNDETERMINED))
    assert not run(registry).findings[0].blocks
    assert run(registry, strict=True).findings[0].blocks


def test_strict_does_not_block_what_only_the_tool_can_say() -> None:
    registry = registry_with(outcome(Status.UNDETERMINED), decidable=dict.fromkeys(Moment, Decidable.TOOL))
    assert not run(registry, strict=True).findings[0].blocks


def test_a_rule_does_not_judge_a_source_that_it_does_not_know() -> None:
    registry = registry_with(outcome(Status.FAIL), sources=frozenset({Source.LIVE}))
    assert run(registry).findings[0].status is Status.NOT_APPLICABLE


def test_findings_are_sorted_whatever_the_order_of_the_rule() -> None:
    one = run(registry_with(outcome(Status.PASS, "a"), outcome(Status.PASS, "b")))
    other = run(registry_with(outcome(Status.PASS, "b"), outcome(Status.PASS, "a")))
    assert one.findings == other.findings


def finding(subject: Subject, path: str = "spec.x") -> Finding:
    return Finding(
        rule="haven-example",
        check=None,
        severity=Severity.LOW,
        outcome=Outcome(status=Status.FAIL, sentence="x", subject=subject, path=path),
        evidence=Evidence.DECLARED,
        fix=Fix(text="x"),
        enforcement=Enforcement.ADVISORY,
    )


def test_a_fingerprint_does_not_change_with_the_urn() -> None:
    one = finding(Subject("Pod", "x", "team", "urn:pulumi:a::b::c::d"))
    assert one.fingerprint == finding(Subject("Pod", "x", "team", "urn:pulumi:e::f::g::h")).fingerprint
    assert one.fingerprint != finding(Subject("Pod", "y", "team")).fingerprint
    assert one.fingerprint != finding(Subject("Pod", "x", "team"), "spec.y").fingerprint


@pytest.mark.parametrize("bad", ["hamasters", "Haven-x", "haven_x", "haven-", "haven-x y"])
def test_a_rule_id_names_its_framework(bad: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        registry_with(id=bad)


def test_an_id_or_alias_is_registered_once() -> None:
    registry = registry_with(aliases=("HVN-1",))
    rule = registry.find("HVN-1")
    assert rule is not None
    assert rule.id == "haven-example"
    with pytest.raises(ValueError, match="twice"):
        registry.add(rule)


class Example(Parameters):
    least: Annotated[int, weakens("lower")] = 3
    most: Annotated[int, weakens("higher")] = 3
    careful: Annotated[bool, weakens("false")] = True
    names: Annotated[tuple[str, ...], weakens("any")] = ()
    free: int = 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ()),
        ({"least": 2}, ("least = 2",)),
        ({"least": 4}, ()),
        ({"most": 4}, ("most = 4",)),
        ({"most": 2}, ()),
        ({"careful": False}, ("careful = false",)),
        ({"names": ["x"]}, ("names = [x]",)),
        ({"free": 9}, ()),
    ],
)
def test_a_parameter_says_when_it_weakens_its_rule(values: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert weakened(Example.model_validate(values)) == expected


def test_counting_with_what_is_not_known() -> None:
    gap = Unknown("spec.replicas")
    count = Count.of(2) + Count.of(gap)
    assert (count.lower, count.upper, count.unknown) == (2, None, (gap,))
    assert (count.at_least(2), count.at_least(3)) == (True, None)
    assert Count(1, 2).at_least(3) is False
    assert Count(1, 5).at_least(3) is None
    assert [str(c) for c in (Count(3, 3), Count(2, None), Count(2, 5))] == ["3", "2 or more", "2 to 5"]


def test_a_path_through_something_unknown_is_unknown() -> None:
    gap = Unknown("spec")
    assert dig({"spec": gap}, "spec", "a", 0, "b") is gap
    assert dig({"spec": [1]}, "spec", 3) is None
    assert list(unknowns({"a": [gap, {"b": gap}]})) == [gap, gap]
    assert text(gap) is gap
    assert number("12") == 12
    assert number(True) is None
    assert text(True) == "true"
    assert text(3.0) == "3"
    assert text({}) is None


def test_stages_stand_in_rising_order() -> None:
    assert list(Stage) == ["sandbox", "test", "acceptance", "production"]
    assert NoParameters() == NoParameters()
    assert Gap("a", "b") < Gap("b", "a")
