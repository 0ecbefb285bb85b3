"""`kade releases`: what is written, what is shown, with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.exits import Exit
from cli.main import app
from inputs.faults import FaultsError
from policies import release_table

TABLE = 'checked: 2026-11-21\nreleases:\n  "1.37": 2026-08-26\n'
NEWER = [{"cycle": "1.38", "releaseDate": "2026-12-16"}, {"cycle": "1.37", "releaseDate": "2026-08-26"}]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "table.yaml"
    path.write_text(TABLE)
    (tmp_path / "newer.json").write_text(json.dumps(NEWER))
    (tmp_path / "same.json").write_text(json.dumps([{**NEWER[1], "latestReleaseDate": "2026-12-20"}]))
    monkeypatch.setattr(release_table, "TABLE", path)
    monkeypatch.setenv("KADE_AS_OF", "2026-12-31")
    return path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["releases", *arguments])
    if isinstance(result.exception, FaultsError):
        raise result.exception
    return result.exit_code, result.output


def test_what_is_new_is_shown_and_written(table: Path) -> None:
    code, output = run("--from", str(table.parent / "newer.json"))
    assert code == Exit.CLEAN
    assert "-checked: 2026-11-21" in output
    assert '+  "1.38": 2026-12-16' in output
    assert table.read_text() == TABLE.replace("2026-11-21", "2026-12-31") + '  "1.38": 2026-12-16\n'
    code, output = run("--from", str(table.parent / "newer.json"))
    assert (code, "nothing is new" in output) == (Exit.CLEAN, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--offline",), Exit.CLEAN),
        (("--offline", "--days", "39"), Exit.FINDINGS),
        (("--from", "same.json"), Exit.CLEAN),
        (("--from", "same.json", "--days", "39"), Exit.FINDINGS),
        (("--from", "newer.json"), Exit.FINDINGS),
    ],
)
def test_a_check_changes_nothing_and_says_by_its_exit_code_whether_it_is_time(
    table: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: Exit
) -> None:
    monkeypatch.chdir(table.parent)
    found, output = run("--check", *arguments)
    assert found == code
    assert "last checked 40 days ago" in output
    assert ("run `kade releases`" in output) == (code is Exit.FINDINGS)
    assert table.read_text() == TABLE


def test_a_source_that_is_not_there_changes_nothing(table: Path) -> None:
    with pytest.raises(FaultsError, match="does not exist"):
        run("--from", str(table.parent / "none.json"))
    assert table.read_text() == TABLE
