"""Settings that reviewers edit, and exemptions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.fixtures import cases
from policies.kernel.exemption import read_exemptions
from policies.kernel.settings import SettingsFile, read_settings, resolve
from policies.kernel.words import Enforcement, Stage

DAY = date(2026, 11, 21)
RULE = "haven-hamasters"


@pytest.fixture
def read(tmp_path: Path, registry: Any) -> Any:
    def do(content: str) -> SettingsFile:
        path = tmp_path / "settings.yaml"
        path.write_text(content)
        return read_settings(path, registry, tmp_path)

    return do


@pytest.fixture
def level(read: Any, registry: Any) -> Any:
    def do(content: str, rule: str = RULE, stage: Stage | None = None, day: date = DAY) -> Enforcement:
        return resolve(read(content), registry, stage, day).enforcement(registry.find(rule))

    return do


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "mandatory"),
        ("enforcement: {severities: {high: advisory}}", "advisory"),
        ("enforcement: {severities: {high: advisory}, groups: {haven: disabled}}", "disabled"),
        ("enforcement: {groups: {haven: disabled}, rules: {haven-hamasters: mandatory}}", "mandatory"),
        ("enforcement: {default: disabled, severities: {low: advisory}}", "mandatory"),
    ],
)
def test_the_more_specific_wins(level: Any, content: str, expected: str) -> None:
    assert level(content) == expected


def test_a_low_severity_has_the_default(level: Any) -> None:
    assert level("", "haven-cncf") == "advisory"
    assert level("enforcement: {default: mandatory}", "haven-cncf") == "mandatory"


def test_a_stage_changes_only_what_it_names(level: Any) -> None:
    content = """\
enforcement: {groups: {haven: mandatory}}
stages:
  sandbox: {enforcement: {rules: {haven-hamasters: advisory}}}
"""
    assert level(content, stage=Stage.SANDBOX) == "advisory"
    assert level(content, stage=Stage.PRODUCTION) == "mandatory"
    assert level(content, "haven-multiaz", Stage.SANDBOX) == "mandatory"


def test_advisory_becomes_mandatory_on_its_day(level: Any) -> None:
    content = "enforcement: {rules: {haven-hamasters: {level: advisory, mandatoryFrom: 2027-03-01}}}"
    assert level(content, day=date(2027, 2, 28)) == "advisory"
    assert level(content, day=date(2027, 3, 1)) == "mandatory"


def test_strict_is_inherited_and_can_differ(read: Any, registry: Any) -> None:
    file = read("strict: true\nstages: {sandbox: {strict: false}}")
    assert resolve(file, registry, Stage.PRODUCTION, DAY).strict
    assert not resolve(file, registry, Stage.SANDBOX, DAY).strict


def test_parameters_of_a_stage_join_those_of_the_top(read: Any, registry: Any) -> None:
    file = read("""\
parameters: {haven-kubernetesversion: {behind: 2, tableDays: 30}}
stages: {production: {parameters: {haven-kubernetesversion: {behind: 1}}}}
""")
    rule = registry.find("haven-kubernetesversion")
    found: Any = resolve(file, registry, Stage.PRODUCTION, DAY).parameters(rule)
    assert (found.behind, found.table_days) == (1, 30)
    given: Any = resolve(file, registry, Stage.PRODUCTION, DAY, {rule.id: {"behind": 0}}).parameters(rule)
    assert given.behind == 0


def test_a_weakened_rule_is_named(read: Any, registry: Any) -> None:
    settings = resolve(read("parameters: {haven-logs: {recognised: [Vector]}}"), registry, None, DAY)
    assert settings.weakened(registry) == {"haven-logs": ("recognised = [Vector]",)}


def test_every_fault_is_told_with_its_line_and_what_to_write(read: Any) -> None:
    with pytest.raises(FaultsError) as raised:
        read("""\
enforcement:
  groups: {havn: mandatory}
  rules:
    haven-hamaster: advisory
parameters:
  haven-multiaz: {minimum: 1}
  haven-haworkers:
    minmum: 4
stages:
  production:
    parameters: {haven-nothing: {}}
""")
    told = str(raised.value)
    assert "settings.yaml:2: enforcement.groups.havn: there is no such group of rules. Did you mean `haven`?" in told
    assert "settings.yaml:4: enforcement.rules.haven-hamaster: there is no such rule. Did you mean" in told
    assert "settings.yaml:6: parameters.haven-multiaz.minimum:" in told
    assert "settings.yaml:8: parameters.haven-haworkers.minmum: there is no such key. Did you mean `minimum`?" in told
    assert "settings.yaml:11: stages.production.parameters.haven-nothing: there is no such rule" in told


@pytest.mark.parametrize(
    "content",
    [
        "strikt: true",
        "enforcement: {default: sometimes}",
        "stages: {staging: {}}",
        "longestExemptionDays: {low: 0}",
        "[",
    ],
)
def test_a_wrong_file_is_refused(read: Any, content: str) -> None:
    with pytest.raises(FaultsError, match=r"settings\.yaml:[12]"):
        read(content)


EXEMPTION = """\
exemptions:
  - id: one
    rule: haven-hamasters
    selector: {kind: Cluster, name: demo}
    reason: The second hall comes in January.
    category: waiver
    owner: platform@voorbeeld.example
    approver: ciso@voorbeeld.example
    ticket: KADE-1
    created: 2026-11-01
    expires: 2026-12-31
"""
APPROVERS = "approvers: [ciso@voorbeeld.example]\n"


@pytest.fixture
def exempt(tmp_path: Path, registry: Any) -> Any:
    def do(content: str) -> Any:
        path = tmp_path / "exemptions.yaml"
        path.write_text(content)
        settings = SettingsFile(approvers=("ciso@voorbeeld.example",))
        return read_exemptions(path, registry, settings, tmp_path)

    return do


def test_an_exemption_is_read(exempt: Any) -> None:
    (found,) = exempt(EXEMPTION)
    assert found.expires == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("haven-hamasters", "haven-hamastes", 3, "there is no such rule. Did you mean `haven-hamasters`"),
        ("haven-hamasters", "haven-rbac", 3, "nobody can be exempted"),
        ("approver: ciso@voorbeeld.example", "approver: boss@voorbeeld.example", 8, "not one of the approvers"),
        ("approver: ciso@voorbeeld.example", "approver: platform@voorbeeld.example", 8, "are the same"),
        ("2026-12-31", "2027-12-31", 11, "longer than the 90 days"),
        ("2026-12-31", "2026-10-01", 11, "ends before it begins"),
        ("kind: Cluster, name: demo", "stack: demo", 4, "selects everything"),
        ("kind: Cluster, name: demo", 'name: "*"', 4, "selects everything"),
        ("category: waiver", "category: mitigated", 2, "not how"),
        ("    ticket: KADE-1\n", "", 2, "missing"),
        ("expires", "until", 11, "no such key"),
    ],
)
def test_a_wrong_exemption_is_refused(exempt: Any, old: str, new: str, line: int, told: str) -> None:
    with pytest.raises(FaultsError) as raised:
        exempt(EXEMPTION.replace(old, new))
    assert any(f.line == line and told in str(f) for f in raised.value.faults), str(raised.value)


def test_the_same_id_twice_is_refused(exempt: Any) -> None:
    with pytest.raises(FaultsError, match="stands here twice"):
        exempt(EXEMPTION + EXEMPTION.removeprefix("exemptions:\n"))


def failing() -> Any:
    return next(case for case in cases(RULE) if case.kind == "fail" and case.title == "one control plane")


def test_an_exemption_lifts_the_enforcement_and_not_the_status(engine: Any) -> None:
    engine.write("policies/settings.yaml", APPROVERS)
    engine.write("policies/exemptions.yaml", EXEMPTION)
    answer = engine.judge(failing())
    finding = answer.finding(RULE)
    assert (finding["status"], finding["exemption"], finding["blocks"]) == ("fail", "one", False)
    assert [d.enforcementLevel for d in answer.diagnostics(RULE)] == [0]
    assert answer.verdict["summary"]["haven"]["failed"] >= 1
    assert answer.verdict["summary"]["exempted"] == 1
    assert answer.verdict["exemptions"][0]["used"] == 1


def test_its_end_brings_the_enforcement_back(engine: Any) -> None:
    engine.write("policies/settings.yaml", APPROVERS)
    engine.write("policies/exemptions.yaml", EXEMPTION.replace("2026-12-31", "2026-11-20"))
    answer = engine.judge(failing())
    assert answer.finding(RULE)["blocks"]
    assert answer.verdict["exemptions"][0]["expired"]


def test_an_exemption_that_fits_nothing_is_shown_as_unused(engine: Any) -> None:
    engine.write("policies/settings.yaml", APPROVERS)
    engine.write("policies/exemptions.yaml", EXEMPTION.replace("name: demo", "name: other"))
    answer = engine.judge(failing())
    assert answer.finding(RULE)["blocks"]
    assert answer.verdict["exemptions"][0]["used"] == 0
    assert "unused" in (answer.folder / "report.html").read_text()


def test_the_example_organisation_has_valid_settings(registry: Any) -> None:
    folder = Path(__file__).parents[2] / "stacks" / "organisation" / "policies"
    settings = read_settings(folder / "settings.yaml", registry)
    assert settings.approvers
    assert read_exemptions(folder / "exemptions.yaml", registry, settings) == ()
    for stage in Stage:
        levels = {rule.id: resolve(settings, registry, stage, DAY).enforcement(rule) for rule in registry}
        assert {levels[rule.id] for rule in registry if rule.required} == {Enforcement.MANDATORY}
