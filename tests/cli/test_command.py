"""The command's own work: exit codes, explanations, reading files; engines are started elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import explain, files, main, real, running, verdicts
from cli.exits import Exit
from inputs.faults import FaultsError
from stacks.loading import PROJECT, Organisation
from stacks.names import stack_names

EXAMPLE = Organisation(PROJECT / "stacks" / "organisation")


def code_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["kade", *arguments])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_every_file_of_the_example_is_read_without_a_fault() -> None:
    clusters, environments, teams = 3, 4, 2
    assert files.read_all(EXAMPLE) == clusters + environments + teams + teams * environments


@pytest.mark.parametrize("stack", stack_names(EXAMPLE))
def test_the_files_of_every_stack_are_read_without_a_fault(stack: str) -> None:
    assert files.read_for(stack, EXAMPLE) >= 1


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
    assert {key.file for key in keys} == {"app", "app-environment", "cluster", "environment", "team"}
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
