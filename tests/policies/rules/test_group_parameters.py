"""Parameters for a whole group: a level is decided once, not rule by rule."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.kernel.registry import Registry
from policies.kernel.settings import read_settings, resolve
from policies.kernel.words import Enforcement, Stage
from stacks.loading import PROJECT

DAY = date(2026, 11, 21)


def parameters(tmp_path: Path, registry: Registry, text: str, rule: str, stage: Stage | None = None) -> Any:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    found = registry.find(rule)
    assert found is not None
    return resolve(read_settings(path, registry), registry, stage, DAY).parameters(found)


def test_parameters_of_a_group_reach_all_its_rules(tmp_path: Path, registry: Registry) -> None:
    text = "parameters: {pod_security: {others: restricted}}"
    for rule in registry:
        if rule.framework == "pod_security":
            assert parameters(tmp_path, registry, text, rule.id).others == "restricted"


def test_a_parameter_that_only_some_rules_have_reaches_those(tmp_path: Path, registry: Registry) -> None:
    text = "parameters: {tenancy: {teamLabels: [dienst], stages: [sandbox]}}"
    assert parameters(tmp_path, registry, text, "tenancy-quota").team_labels == ("dienst",)
    assert parameters(tmp_path, registry, text, "tenancy-rbac-exec").stages == ("sandbox",)


def test_parameters_of_a_rule_win_over_those_of_its_group(tmp_path: Path, registry: Registry) -> None:
    text = "parameters: {pod_security-seccomp: {others: privileged}, pod_security: {others: restricted}}"
    assert parameters(tmp_path, registry, text, "pod_security-seccomp").others == "privileged"
    assert parameters(tmp_path, registry, text, "pod_security-selinux").others == "restricted"


def test_a_stage_changes_what_it_names(tmp_path: Path, registry: Registry) -> None:
    text = (
        "parameters: {pod_security: {others: baseline}}\n"
        "stages: {production: {parameters: {pod_security: {others: restricted}}}}"
    )
    for stage, level in ((Stage.PRODUCTION, "restricted"), (Stage.TEST, "baseline")):
        assert parameters(tmp_path, registry, text, "pod_security-seccomp", stage).others == level


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("parameters:\n  pod_security: {other: restricted}", "no rule of the group has this parameter"),
        ("parameters:\n  pod_security: {others: strict}", "not one of those possible"),
        ("parameters:\n  pod_securities: {others: restricted}", "there is no such rule"),
    ],
)
def test_a_fault_in_a_groups_parameters_is_said_once(tmp_path: Path, registry: Registry, text: str, what: str) -> None:
    with pytest.raises(FaultsError) as error:
        parameters(tmp_path, registry, text, "pod_security-seccomp")
    (fault,) = error.value.faults
    assert what in fault.what
    assert fault.line == 2


def test_the_example_organisation_is_advised_and_in_production_stopped(registry: Registry) -> None:
    path = PROJECT / "stacks" / "organisation" / "policies" / "settings.yaml"
    file = read_settings(path, registry)
    for name, stage, wanted in (
        ("tenancy-default-deny", Stage.TEST, Enforcement.ADVISORY),
        ("tenancy-default-deny", Stage.PRODUCTION, Enforcement.MANDATORY),
        ("supply_chain-registries", Stage.PRODUCTION, Enforcement.ADVISORY),
    ):
        rule = registry.find(name)
        assert rule is not None
        assert resolve(file, registry, stage, DAY).enforcement(rule) is wanted
