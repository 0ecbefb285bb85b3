from __future__ import annotations

import pytest

from stacks.loading import organisation
from stacks.names import Target, parse_stack, stack_names
from tests.stacks.conftest import Home, faults_of

FIT = {
    "production-machines": Target("machines", "production"),
    "production-cluster": Target("cluster", "production"),
    "shared-services": Target("services", "shared"),
    "acceptance-team-burgerzaken": Target("team", "shared", "acceptance", "burgerzaken"),
    "sandbox": Target("all", "sandbox", "sandbox"),
}


@pytest.mark.parametrize("name", FIT)
def test_a_name_says_what_is_built(name: str) -> None:
    assert parse_stack(name, organisation()) == FIT[name]


def test_every_stack_name_that_is_listed_fits() -> None:
    names = stack_names(organisation())
    assert len(names) >= 10 + 4
    assert {target.layer for target in (parse_stack(name, organisation()) for name in names)} == {
        "machines", "cluster", "services", "team", "all",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["production-machine", "prodution-cluster", "nothing", "acceptance-team-nobody", "-cluster"]
)
def test_a_name_that_fits_nothing_lists_what_fits(name: str) -> None:
    (fault,) = faults_of(lambda: parse_stack(name, organisation()))
    assert fault.file == f"stack {name}"
    assert all(known in fault.remedy for known in ("production-machines", "sandbox", "shared-services"))


def test_a_typing_mistake_is_answered_with_the_nearest_name() -> None:
    (fault,) = faults_of(lambda: parse_stack("production-machine", organisation()))
    assert fault.remedy.startswith("Did you mean `production-machines`")


@pytest.mark.parametrize("name", ["production", "test"])
def test_an_environment_is_built_in_layers_unless_its_stage_is_sandbox(name: str) -> None:
    (fault,) = faults_of(lambda: parse_stack(name, organisation()))
    assert "unless its stage is sandbox" in fault.what


def test_a_team_without_the_environment_is_a_fault_of_its_file(home: Home) -> None:
    home.write("environments/extra.yaml", "{cluster: shared, stage: test, domain: x.example}\n")
    (fault,) = faults_of(lambda: parse_stack("extra-team-burgerzaken", home.files))
    file = "teams/burgerzaken/team.yaml"
    assert fault.file.endswith(file)
    assert (fault.key, fault.line) == ("environments", home.line_of(file, "environments:"))


def test_a_broken_team_file_does_not_hide_the_other_stacks(home: Home) -> None:
    home.write("teams/broken/team.yaml", "groups: [not, yaml\n")
    assert parse_stack("sandbox-team-burgerzaken", home.files).team == "burgerzaken"
    assert "sandbox-team-broken" in stack_names(home.files)
    (fault,) = faults_of(lambda: parse_stack("sandbox-team-broken", home.files))
    assert "not valid YAML" in fault.what
