"""The rehearsal's place on disk."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rehearsal.run import recover
from rehearsal.shell import run_shell
from rehearsal.workspace import open_workspace

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.engine  # set-up must have found an engine, although few of these start it


def test_the_project_has_the_real_name_and_program_and_no_default_providers(rehearsal: Rehearsal) -> None:
    text = (rehearsal.workspace.project / "Pulumi.yaml").read_text()
    assert "\nname: kade\n" in text
    assert '\nmain: "../../../program"\n' in text
    assert "disable-default-providers" in text


def test_only_the_owner_reads_passphrase_and_key_and_both_stay(rehearsal: Rehearsal) -> None:
    files = [rehearsal.workspace.folder / name for name in ("passphrase", "key")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    before = [file.read_text() for file in files]
    assert len(before[0]) > 30
    again = _again(rehearsal)
    assert again == rehearsal.workspace
    assert [file.read_text() for file in files] == before


def _again(rehearsal: Rehearsal) -> object:
    from rehearsal.workspace import open_workspace

    ws = rehearsal.workspace
    return open_workspace(folder=ws.folder, program=ws.program, out=ws.out, pack=ws.pack)


def test_making_it_again_changes_no_file(rehearsal: Rehearsal) -> None:
    def state() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in rehearsal.folder.rglob("*")}

    before = state()
    _again(rehearsal)
    assert state() == before


def test_nothing_of_a_real_backend_reaches_a_rehearsal(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK"):
        monkeypatch.setenv(name, "real")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://real")
    monkeypatch.setenv("PULUMI_OPTION_POLICY_PACK", "/real")
    environment = rehearsal.workspace.environment()
    assert "real" not in " ".join(environment.values()).split()
    assert environment["PULUMI_BACKEND_URL"] == f"file://{rehearsal.workspace.backend}?metadata=skip"
    assert "PULUMI_OPTION_POLICY_PACK" not in environment
    rehearsal.workspace.pack.mkdir()
    (rehearsal.workspace.pack / "PulumiPolicy.yaml").touch()
    assert rehearsal.workspace.environment()["PULUMI_OPTION_POLICY_PACK"] == str(rehearsal.workspace.pack)


def test_a_lock_of_a_run_that_is_gone_is_removed_and_one_of_a_living_run_is_not(rehearsal: Rehearsal) -> None:
    folder = rehearsal.workspace.backend / ".pulumi" / "locks" / "organization" / "kade" / "dev"
    folder.mkdir(parents=True)
    ended = subprocess.Popen(["true"])
    ended.wait()
    (folder / "gone.json").write_text(f'{{"pid": {ended.pid}}}')
    (folder / "lives.json").write_text(f'{{"pid": {os.getpid()}}}')
    (folder / "strange.json").write_text("?")
    assert recover(rehearsal.workspace, "dev")
    assert sorted(file.name for file in folder.iterdir()) == ["lives.json", "strange.json"]


def test_rehearsals_beside_each_other_have_commands_of_their_own(rehearsal: Rehearsal) -> None:
    first = rehearsal.workspace
    second = open_workspace(folder=first.folder.with_name("other"), program=first.program, out=first.out)
    texts = [(one.bin / "pulumi").read_text() for one in (first, second)]
    assert [str(one.backend) in text for one, text in zip((first, second), texts, strict=True)] == [True, True]
    assert [str(one.backend) in text for one, text in zip((second, first), texts, strict=True)] == [False, False]


@pytest.mark.engine
def test_the_engine_writes_no_file_of_a_state_that_a_kill_can_leave_half(rehearsal: Rehearsal) -> None:
    rehearsal.program("pulumi.export('number', 1)")
    assert rehearsal.up().code == 0
    files = [file for file in rehearsal.workspace.backend.rglob("*") if file.is_file()]
    assert any(file.name == "dev.json" for file in files)
    # The neighbours with attributes are written in place; one that is empty makes the engine read the state as "EOF".
    assert [file for file in files if file.suffix == ".attrs"] == []


def test_a_command_of_the_shell_runs_in_the_project_and_gives_its_exit_code(rehearsal: Rehearsal) -> None:
    assert run_shell(rehearsal.workspace, "pwd > where; command -v pulumi > which; exit 7") == 7
    assert (rehearsal.workspace.project / "where").read_text().strip() == str(rehearsal.workspace.project)
    assert (rehearsal.workspace.project / "which").read_text().strip() == str(rehearsal.workspace.bin / "pulumi")


@pytest.mark.engine
def test_plain_pulumi_in_the_shell_makes_a_stack_that_is_named_for_the_first_time(rehearsal: Rehearsal) -> None:
    rehearsal.program("pulumi.export('stack', pulumi.get_stack())")
    assert run_shell(rehearsal.workspace, "pulumi preview --stack first && pulumi preview -s second") == 0
    assert run_shell(rehearsal.workspace, "pulumi stack select third && pulumi preview") == 0
    assert all(rehearsal.workspace.has_stack(name) for name in ("first", "second", "third"))
