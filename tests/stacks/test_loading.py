from __future__ import annotations

import pytest

from stacks.loading import organisation
from tests.stacks.conftest import Home, faults_of

TEAM = """\
displayName: {name}
contact: {name}@voorbeeld.example
groups: {{deploy: deploy, view: view}}
environments:
  sandbox: {{cpu: "1", memory: 1Gi, storage: 1Gi}}
"""


def team(home: Home, name: str, *apps: str) -> None:
    home.write(f"teams/{name}/team.yaml", TEAM.format(name="x"))
    for app in apps:
        home.write(f"teams/{name}/{app}/platform.yaml", "displayName: x\n")


def test_the_example_has_the_clusters_and_environments_it_promises() -> None:
    files = organisation()
    assert files.cluster_names() == ("production", "sandbox", "shared")
    carried = {
        name: (files.environment(name).cluster, files.environment(name).stage) for name in files.environment_names()
    }
    assert carried == {
        "acceptance": ("shared", "acceptance"),
        "production": ("production", "production"),
        "sandbox": ("sandbox", "sandbox"),
        "test": ("shared", "test"),
    }


def test_every_cluster_has_at_least_two_zones_and_production_three() -> None:
    zones = {name: len(organisation().cluster(name).zones) for name in organisation().cluster_names()}
    assert zones == {"production": 3, "sandbox": 2, "shared": 2}


def test_every_cluster_of_the_example_has_the_same_services() -> None:
    chosen = {tuple(organisation().cluster(name).services) for name in organisation().cluster_names()}
    assert len(chosen) == 1
    assert len(chosen.pop()) >= 10


def test_the_name_of_a_file_is_the_name_of_what_it_describes() -> None:
    assert organisation().cluster("production").name == "production"
    assert organisation().environment("test").name == "test"


def test_an_environment_whose_cluster_does_not_exist_is_a_fault(home: Home) -> None:
    home.edit("environments/sandbox.yaml", "cluster: sandbox", "cluster: sandbx")
    (fault,) = faults_of(lambda: home.files.environment("sandbox"))
    assert (fault.key, fault.line) == ("cluster", 2)
    assert "there is no cluster `sandbx`" in fault.what
    assert "`sandbox`" in fault.remedy


@pytest.mark.parametrize("name", ["a-team-b", "x-machines", "x-cluster", "x-services"])
def test_an_environment_may_not_make_stack_names_ambiguous(home: Home, name: str) -> None:
    home.write(f"environments/{name}.yaml", "{cluster: sandbox, stage: test, domain: x.example}\n")
    (fault,) = faults_of(lambda: home.files.environment(name))
    assert "ambiguous" in fault.what


def test_a_stage_that_does_not_exist_is_a_fault(home: Home) -> None:
    home.edit("environments/sandbox.yaml", "stage: sandbox", "stage: staging")
    (fault,) = faults_of(lambda: home.files.environment("sandbox"))
    assert (fault.key, fault.line) == ("stage", 3)
    assert "'acceptance'" in fault.remedy


def test_a_file_that_does_not_exist_is_a_fault(home: Home) -> None:
    (fault,) = faults_of(lambda: home.files.cluster("nowhere"))
    assert fault.what == "the file does not exist"


def test_a_name_that_kubernetes_refuses_is_a_fault(home: Home) -> None:
    home.write("clusters/Grote_Cluster.yaml", "substrate: vsphere\n")
    (fault,) = faults_of(lambda: home.files.cluster("Grote_Cluster"))
    assert "Rename it" in fault.remedy


def test_a_team_twice_but_for_the_case_is_a_fault_of_both(home: Home) -> None:
    team(home, "zaken")
    team(home, "Zaken")
    (fault,) = faults_of(lambda: home.files.team("zaken"))
    assert fault.file.endswith("teams/zaken/team.yaml")
    assert "`Zaken` has the same name but for the case" in fault.what


def test_two_teams_with_the_same_namespace_are_a_fault_of_both(home: Home) -> None:
    team(home, "zaken", "web-shop")
    team(home, "zaken-web", "shop")
    for name, other in (("zaken", "zaken-web"), ("zaken-web", "zaken")):
        (fault,) = faults_of(lambda name=name: home.files.team(name))
        assert f"team `{other}` takes the namespace or Vault path `zaken-web-shop-acceptance` too" in fault.what
        assert "Rename" in fault.remedy


def test_two_teams_with_the_same_vault_path_are_a_fault_of_both(home: Home) -> None:
    home.write("environments/extra-test.yaml", "{cluster: shared, stage: test, domain: x.example}\n")
    team(home, "zaken")
    team(home, "zaken-extra")
    (fault,) = faults_of(lambda: home.files.team("zaken"))
    assert "`zaken-extra-test`" in fault.what


def test_a_broken_file_of_one_team_is_no_fault_of_another(home: Home) -> None:
    team(home, "zaken")
    home.write("teams/broken/team.yaml", "groups: [not, yaml\n")
    home.write("teams/broken/app/platform.yaml", "nonsense: true\n")
    assert home.files.team("zaken").name == "zaken"
    (fault,) = faults_of(lambda: home.files.team("broken"))
    assert "not valid YAML" in fault.what


def test_the_names_of_all_teams_need_all_their_files(home: Home) -> None:
    home.write("teams/broken/team.yaml", "groups: [not, yaml\n")
    home.write("teams/wrong/team.yaml", "nonsense: true\n")
    faults = faults_of(lambda: home.files.team_names("sandbox"))
    assert {fault.file.rsplit("teams/")[-1] for fault in faults} == {"broken/team.yaml", "wrong/team.yaml"}


def test_the_stage_of_a_cluster_is_its_most_careful_environment() -> None:
    files = organisation()
    assert {name: files.stage(name) for name in files.cluster_names()} == {
        "production": "production",
        "sandbox": "sandbox",
        "shared": "acceptance",
    }
    assert [name for name in files.cluster_names() if files.keeps_data(name)] == ["production"]


def test_a_cluster_without_environments_keeps_its_data(home: Home) -> None:
    (home.root / "environments" / "sandbox.yaml").unlink()
    assert home.files.keeps_data("sandbox")


def test_a_broken_environment_fails_no_cluster_but_keeps_its_data(home: Home) -> None:
    home.write("environments/sandbox.yaml", "stage: [broken\n")
    assert home.files.keeps_data("sandbox")


def test_another_organisation_is_named_by_kade_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.root / "clusters" / "shared.yaml").unlink()
    monkeypatch.setenv("KADE_HOME", str(home.root))
    organisation.cache_clear()
    try:
        assert organisation().cluster_names() == ("production", "sandbox")
    finally:
        monkeypatch.undo()
        organisation.cache_clear()
