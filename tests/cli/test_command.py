"""The command's own work: exit codes, explanations, reading files; engines are started elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from cli import explain, files, main, real, rendering, running, starting, verdicts
from cli.exits import Exit
from inputs.faults import FaultsError
from inputs.yaml import load
from rehearsal.run import Update
from stacks.loading import PROJECT, Organisation, organisation
from stacks.names import stack_names

EXAMPLE = Organisation(PROJECT / "stacks" / "organisation")


def code_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["kade", *arguments])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An organisation of one's own, made as a user makes it."""
    folder = tmp_path / "gemeente"
    starting.start(folder)
    monkeypatch.setenv("KADE_HOME", str(folder))
    organisation.cache_clear()
    yield folder
    organisation.cache_clear()


def faults_in() -> str:
    organisation.cache_clear()
    with pytest.raises(FaultsError) as caught:
        files.read_all(organisation())
    return str(caught.value)


def test_every_file_of_a_new_organisation_is_read_without_a_fault(home: Path) -> None:
    files.read_all(organisation())
    assert organisation().root == home


@pytest.mark.parametrize("stack", stack_names(EXAMPLE))
def test_the_files_of_every_stack_are_read_without_a_fault(stack: str) -> None:
    files.read_for(stack, EXAMPLE)


def test_a_new_organisation_has_its_own_project_and_schemas_that_editors_find(home: Path) -> None:
    project = load(home / "Pulumi.yaml").data
    assert (home / project["main"] / "__main__.py").is_file()
    assert (home / project["runtime"]["options"]["virtualenv"] / "bin" / "python").exists()
    assert real.project() == home
    headers = 0
    for path in home.rglob("*.yaml"):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        if "$schema=" in first:
            headers += 1
            assert (path.parent / first.partition("$schema=")[2]).is_file(), path
    assert headers > 12


def test_starting_again_changes_no_file_of_the_organisation(home: Path) -> None:
    (home / "clusters" / "sandbox.yaml").write_text("mine\n")
    starting.start(home)
    assert (home / "clusters" / "sandbox.yaml").read_text() == "mine\n"


def test_an_organisation_is_not_started_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FaultsError, match="Name an empty folder"):
        starting.start(tmp_path)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        (("teams/web/team.yaml", "teams/web/team.yml"), "teams/web: the folder has no team.yaml"),
        (("teams/web/startpagina/test.yaml", "teams/web/startpagina/tset.yaml"), "there is no environment `tset`"),
        (("clusters/shared.yaml", "clusters/shared.yml"), "Rename it to shared.yaml"),
    ],
)
def test_a_file_that_nobody_would_read_is_a_fault(home: Path, rename: tuple[str, str], message: str) -> None:
    (home / rename[0]).rename(home / rename[1])
    assert message in faults_in()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("policies/settings.yaml", "haven: mandatory", "haven: mandatry", "enforcement.groups.haven"),
        ("teams/web/team.yaml", "  test:", "  tset:", "there is no environment `tset`. Did you mean `test`"),
        ("teams/burgerzaken/openzaak/production.yaml", '"12"', '"99"', "ask for more together"),
        ("teams/burgerzaken/openzaak/production.yaml", "openzaak.apps", "openzaak.elsewhere", "does not answer for"),
    ],
)
def test_what_only_files_together_show_is_reported_before_an_engine_starts(
    home: Path, file: str, old: str, new: str, message: str
) -> None:
    text = (home / file).read_text(encoding="utf-8")
    assert old in text
    (home / file).write_text(text.replace(old, new), encoding="utf-8")
    assert message in faults_in()


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_home_that_is_no_organisation_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("KADE_HOME", str(tmp_path / folder))
    assert "it is no organisation's" in faults_in()
    organisation.cache_clear()


def test_rendering_removes_only_what_it_wrote(tmp_path: Path) -> None:
    fresh, to, console = tmp_path / "fresh", tmp_path / "to", Console(quiet=True)
    for made in (fresh, to / "other"):
        made.mkdir(parents=True)
    (to / "kustomization.yaml").write_text("mine")
    (to / "other" / "x.yaml").write_text("mine")
    (fresh / "a.yaml").write_text("a")
    (fresh / "b.yaml").write_text("b")
    assert rendering.deliver("one", fresh, to, console) is Exit.CLEAN
    (fresh / "b.yaml").unlink()
    assert rendering.deliver("one", fresh, to, console) is Exit.CLEAN
    found = sorted(str(path.relative_to(to)) for path in to.rglob("*.yaml"))
    assert found == ["a.yaml", "kustomization.yaml", "other/x.yaml"]
    (to / "b.yaml").write_text("of somebody else")
    (fresh / "b.yaml").write_text("b")
    with pytest.raises(FaultsError, match="was not rendered from this stack"):
        rendering.deliver("two", fresh, to, console)
    assert (to / "b.yaml").read_text() == "of somebody else"


def test_a_word_that_is_no_command_is_bad_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of(monkeypatch, "frobnicate") == Exit.BAD_INPUT


def test_a_fault_people_can_mend_is_a_message_and_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(monkeypatch, "explain", "contrlPlane") == Exit.BAD_INPUT
    said = capsys.readouterr()
    assert "Did you mean `controlPlane`" in said.err
    assert said.out == ""


def test_a_fault_of_our_own_is_said_to_be_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(word: str) -> str:
        raise ZeroDivisionError(word)

    monkeypatch.delenv("KADE_DEBUG", raising=False)
    monkeypatch.setattr(explain, "text", broken)
    assert code_of(monkeypatch, "explain", "x") == Exit.INTERNAL
    assert "KADE_DEBUG=1" in capsys.readouterr().err


def test_a_real_run_without_a_cli_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FaultsError, match="no Pulumi CLI on PATH"):
        real.run("production-machines", "up", yes=True)


def test_every_key_of_every_file_is_explained() -> None:
    keys = list(explain.every_key())
    assert {key.file for key in keys} == {"app", "app-environment", "cluster", "environment", "handover", "team"}
    assert len(keys) > 80
    assert [f"{key.file}: {key.key}" for key in keys if not key.text] == []


def test_a_key_is_found_by_its_path_by_its_file_and_by_its_end() -> None:
    assert [key.key for key in explain.find("controlPlane.count")] == ["controlPlane.count"]
    assert {key.file for key in explain.find("cluster.network.pods")} == {"cluster"}
    assert "zones.hosts" in {key.key for key in explain.find("hosts")}


def test_a_rule_is_explained_by_its_page() -> None:
    assert explain.text("haven-multiaz") == (PROJECT / "docs" / "rules" / "haven-multiaz.md").read_text()


def test_a_verdict_that_is_not_there_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KADE_OUT", str(tmp_path))
    with pytest.raises(FaultsError, match="kade preview sandbox"):
        verdicts.require("sandbox")


def test_a_fault_in_the_files_removes_the_verdict_that_spoke_of_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KADE_OUT", str(tmp_path))
    for name in verdicts.FILES:
        (tmp_path / "sandbx").mkdir(exist_ok=True)
        (tmp_path / "sandbx" / name).write_text("{}")
    with pytest.raises(FaultsError):
        running.run("sandbx", "preview", rehearse=True)
    assert list((tmp_path / "sandbx").iterdir()) == []


@pytest.mark.parametrize("code", [255, -9])
def test_a_run_that_ends_before_the_pack_shows_no_earlier_verdict(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    """A locked stack, a missing plugin, a killed engine: what lies in the folder is another run's."""
    monkeypatch.setenv("KADE_OUT", str(tmp_path))
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "verdict.json").write_text('{"run": {"id": "earlier"}}')
    monkeypatch.setattr(running, "workspace", lambda: SimpleNamespace(cli="pulumi"))
    monkeypatch.setitem(running.OPERATIONS, "preview", lambda place, stack: Update(code, 1.0, ""))
    assert running.run("sandbox", "preview", rehearse=True) is Exit.INTERNAL
    said = capsys.readouterr().out
    assert "There is no verdict of this run" in said
    assert "haven:" not in said
    assert ("was killed" in said) is (code < 0)
