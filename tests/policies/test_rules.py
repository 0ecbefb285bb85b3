"""Every rule against every one of its examples, through the real servicer and the engine's messages."""

from __future__ import annotations

from typing import Any

import pytest

from policies.fixtures import KINDS, Case, cases
from policies.kernel.words import About, Decidable, Moment
from policies.rules import load
from policies.rules.haven.shared import REQUIRED, SUGGESTED

CASES = [case for rule in load() for case in cases(rule.id)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.kind}: {case.title}")
def test_a_rule_says_of_its_example_what_it_must(case: Case, one_engine: Any) -> None:
    finding = one_engine.judge_alone(case).finding(case.rule)
    assert finding["status"] == case.status, finding["sentence"]
    for key, wanted in case.expect.items():
        actual = {
            "fix_path": finding["fix"]["path"],
            "fix_value": finding["fix"]["value"],
            "note": " ".join(finding["notes"]),
            "gap": " ".join(gap["path"] for gap in finding["unknown"]),
            **finding,
        }[key]
        if key in ("sentence", "note", "gap", "delegate"):
            assert wanted in actual
        else:
            assert actual == wanted, key
    if case.kind == "unknown":
        assert _says_why(finding), finding["sentence"]


def _says_why(finding: dict[str, Any]) -> bool:
    """Whether an undetermined finding names what is unknown, or who decides instead."""
    sentence = finding["sentence"]
    return bool(
        finding["unknown"]
        or finding["delegate"]
        or "is declared: it follows" in sentence
        or "operating system is not known" in sentence
    )


@pytest.mark.parametrize("rule", list(load()), ids=lambda rule: rule.id)
def test_a_rule_has_an_example_of_every_kind(rule: Any) -> None:
    tool_only = set(rule.decidable.values()) == {Decidable.TOOL}
    wanted = {"unknown", "not_applicable"} if tool_only else set(KINDS)
    found = {case.kind for case in cases(rule.id)}
    if rule.about is About.EXEMPTIONS:  # a day and a number of objects are always known
        wanted, found = wanted - {"unknown"}, found - {"unknown"}
    assert found == wanted


def test_there_are_as_many_examples_as_thought() -> None:
    assert len(CASES) >= 110


def test_the_checks_are_those_of_the_official_checker_in_its_order(registry: Any) -> None:
    official = sorted((rule for rule in registry if rule.official), key=lambda rule: rule.position)
    assert [rule.official for rule in official] == [*REQUIRED, *SUGGESTED]
    assert len(REQUIRED) == 15
    assert [rule.official for rule in official if not rule.required] == ["cis", "kubescape"]


@pytest.mark.parametrize("rule", list(load()), ids=lambda rule: rule.id)
def test_what_is_said_of_a_rule_is_complete(rule: Any) -> None:
    for text in (rule.title, rule.rationale, rule.looks_at, rule.fix, rule.category):
        assert len(text) > 5
        assert text == text.strip()
    assert rule.looks_at.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.controls
    assert set(rule.decidable) == set(Moment)
    assert rule.history
    for name, field in rule.parameters.model_fields.items():
        assert field.description, f"{rule.id}.{name} has no description"


def test_no_threshold_of_the_official_checker_can_be_lowered(registry: Any) -> None:
    for rule, key, weaker in (
        ("haven-hamasters", "minimum", 1),
        ("haven-haworkers", "minimum", 2),
        ("haven-multiaz", "minimum", 1),
        ("haven-kubernetesversion", "behind", 4),
    ):
        with pytest.raises(ValueError, match=key):
            registry.find(rule).parameters.model_validate({key: weaker})
