"""`kade rehearse`: which rehearsal is meant, and what is said where there is none."""

from __future__ import annotations

import re
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
    assert "test: NOT whole, etcd ended (`kade rehearse logs`; `kade rehearse up test` starts again), 100 MB" in out
    assert "ends by itself in 3 h 01 min." in out
    assert "etcd" in out
    assert "ended (exit code -9)" in out


def test_status_is_not_cut_where_it_is_written_to_a_file(
    run: Run, running: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    _, out, _ = run("status")
    (row,) = [line for line in out.splitlines() if line.startswith("etcd")]
    assert re.search(r"ended \(exit code -9\) +127\.0\.0\.1:20000 +100 MB +\d\d:\d\d:\d\d$", row)


def test_the_only_one_that_runs_is_the_one_that_is_meant(run: Run, running: None, root: Path) -> None:
    assert rehearse._chosen(None) == root / "test"
    assert rehearse._chosen("production") == root / "production"


def test_a_name_is_asked_for_where_there_is_a_choice(run: Run) -> None:
    code, _, err = run("down")
    assert (code, err) == (2, "Say which environment is meant. Rehearsed are: production (ended), test (ended).\n")


COMMANDS = pytest.mark.parametrize("command", ["down", "shell", "status"])


@COMMANDS
def test_an_environment_that_is_not_rehearsed_is_refused(run: Run, running: None, command: str) -> None:
    code, _, err = run(command, "acceptance")
    assert code == 2
    assert "acceptance is not rehearsed. Rehearsed are: production (ended), test (runs). Start it by" in err


@COMMANDS
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("acceptence", "Did you mean `acceptance`?"),
        ("..", "Environments: acceptance, production, sandbox, test."),
        ("/", "Environments: acceptance, production, sandbox, test."),
        ("test/backends", "Environments: acceptance, production, sandbox, test."),
    ],
)
def test_what_is_no_environment_is_not_to_be_started(run: Run, command: str, name: str, hint: str) -> None:
    assert run(command, name) == (2, "", f"There is no environment {name!r}. {hint}\n")


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


def test_an_interrupt_says_what_goes_on_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.rehearsing.up", interrupted)
    code, _, said = run("up", "sandbox")
    assert code == 130
    assert "goes on running" in said
    assert "Interrupted. Run the same command again" in said
