"""`kade rehearse`: which rehearsal is meant, and what is said where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import main, rehearse
from rehearsal.backends import control
from rehearsal.backends.control import BackendsError, Row, Status

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all rehearsals; two have been started, neither runs."""
    monkeypatch.setattr(rehearse, "_root", lambda: tmp_path)
    for name in ("production", "test"):
        (tmp_path / name / "backends" / "logs").mkdir(parents=True)
    (tmp_path / "production" / "backends" / "logs" / "etcd.log").write_text("first\nlast\n")
    return tmp_path


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["kade", "rehearse", *arguments])
        with pytest.raises(SystemExit) as caught:
            main.main()
        said = capsys.readouterr()
        return int(caught.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row(
        name="etcd", state="ended", pid=None, address="127.0.0.1:20000", memory=100 << 20, since=time.time(), code=-9
    )
    found = Status(running=True, ready=True, until=time.time() + 3 * 3600 + 90, servers=(row,))

    def status(folder: Path) -> Status:
        return found if folder.name == "test" else Status(running=False, killed=folder.name == "production")

    monkeypatch.setattr(control, "status", status)


def test_status_says_what_runs_what_was_killed_and_what_ended(run: Run, running: None) -> None:
    code, out, _ = run("status")
    assert code == 0
    assert "production: was killed; the next start begins anew." in out
    assert "test: ready, 100 MB, ends by itself in 3 h 01 min." in out
    assert "etcd" in out
    assert "ended (exit code -9)" in out


def test_the_only_one_that_runs_is_the_one_that_is_meant(run: Run, running: None, root: Path) -> None:
    assert rehearse._chosen(None) == root / "test"
    assert rehearse._chosen("production") == root / "production"


def test_a_name_is_asked_for_where_there_is_a_choice(run: Run) -> None:
    code, _, err = run("down")
    assert (code, err) == (2, "Say which environment is meant. Rehearsed are: production, test.\n")


@pytest.mark.parametrize("name", ["acceptance", "..", "/", "production/backends"])
def test_an_environment_that_is_not_rehearsed_is_refused(run: Run, name: str) -> None:
    for command in ("down", "shell", "status"):
        code, _, err = run(command, name)
        assert code == 2
        assert f"{name} is not rehearsed. Rehearsed are: production, test." in err


def test_logs_outlive_the_rehearsal(run: Run) -> None:
    assert run("logs", "--environment", "production") == (0, "etcd\n", "")
    assert run("logs", "etcd", "--environment", "production") == (0, "first\nlast\n", "")
    code, _, err = run("logs", "../../secret", "--environment", "production")
    assert code == 2
    assert "There are: etcd." in err


def test_a_shell_needs_back_ends(run: Run) -> None:
    code, _, err = run("shell", "production")
    assert (code, err) == (2, "production does not run. Start it by `kade rehearse up production`.\n")


def test_down_says_where_the_logs_are_and_what_went_wrong(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run("down", "production")
    assert (code, out) == (
        0,
        f"production: there was nothing to end; logs are in {root / 'production' / 'backends' / 'logs'}\n",
    )

    def down(_: Path) -> bool:
        msg = "The supervisor does not end."
        raise BackendsError(msg)

    monkeypatch.setattr(control, "down", down)
    code, _, err = run("down", "production")
    assert (code, err) == (4, "The supervisor does not end.\n")
