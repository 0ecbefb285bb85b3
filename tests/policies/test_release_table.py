"""The table of Kubernetes versions, brought up to date from what upstream publishes."""

from __future__ import annotations

import io
import json
import urllib.request
from datetime import date
from pathlib import Path

import pytest

from inputs.faults import FaultsError
from policies import release_table
from policies.rules.haven import kubernetesversion

DAY = date(2027, 1, 10)
TABLE = """\
# A comment that stays.
checked: 2026-11-21  # looked at by hand
releases:
  "1.36": 2026-04-22
  "1.37": 2026-08-26
"""
AFTER = """\
# A comment that stays.
checked: 2027-01-10
releases:
  "1.36": 2026-04-22
  "1.37": 2026-08-26
  "1.38": 2026-12-16
"""
# In the layout of the Kubernetes project: numbers without quotes, a wrong `releaseDate`, a version that is to come.
SCHEDULE = """\
schedules:
- release: 1.39
  releaseDate: 2027-04-21
  next: {release: 1.39.0, targetDate: 2027-04-21}
- release: 1.38
  releaseDate: 2027-12-16
  next: {release: 1.38.2, cherryPickDeadline: 2027-02-05, targetDate: 2027-02-10}
  previousPatches:
  - {release: 1.38.1, cherryPickDeadline: 2027-01-02, targetDate: 2027-01-06}
  - {release: 1.38.0, cherryPickDeadline: "", targetDate: 2026-12-16}
- release: 1.37
  releaseDate: 2026-08-26
  endOfLifeDate: 2027-10-28
  next: {release: 1.37.6, targetDate: 2027-02-10}
"""
CYCLES = [
    {"cycle": "1.38", "releaseDate": "2026-12-16", "eol": "2028-02-28", "latestReleaseDate": "2027-01-06"},
    {"cycle": "1.37", "releaseDate": "2026-08-26", "eol": False, "latestReleaseDate": "2027-01-06"},
]
PRODUCT = {
    "schema_version": "1.2.0",
    "result": {
        "name": "kubernetes",
        "releases": [
            {"name": "1.38", "releaseDate": "2026-12-16", "latest": {"name": "1.38.1", "date": "2027-01-06"}},
            {"name": "1.37", "releaseDate": "2026-08-26", "latest": None},
        ],
    },
}
FORMATS = {"schedule.yaml": SCHEDULE, "kubernetes.json": json.dumps(CYCLES), "v1.json": json.dumps(PRODUCT)}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "kubernetes_releases.yaml"
    path.write_text(TABLE)
    return path


def written(folder: Path, text: str) -> str:
    path = folder / "source"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", FORMATS)
def test_what_came_out_is_added_from_every_format_and_comments_stay(table: Path, name: str) -> None:
    found = release_table.change(table, written(table.parent, FORMATS[name]), DAY)
    assert found.after == AFTER
    assert found.before == TABLE == table.read_text()
    assert found.added == {38: date(2026, 12, 16)}
    assert found.differing == ()


def test_nothing_new_only_moves_the_day(table: Path) -> None:
    source = written(table.parent, json.dumps(CYCLES[1:]))
    found = release_table.change(table, source, DAY)
    assert not found.added
    assert found.after == TABLE.replace("2026-11-21  # looked at by hand", "2027-01-10")


def test_ten_minors_later_is_not_read_as_one(table: Path) -> None:
    """`1.40` without quotes is the number 1.4; the names of its patches are text."""
    text = SCHEDULE.replace("1.38", "1.40").replace("1.39", "1.41") + SCHEDULE.removeprefix("schedules:\n")
    text = text.replace("releaseDate: 2027-04-21", "previousPatches: [{release: 1.39.0, targetDate: 2026-12-20}]", 2)
    found = release_table.read(written(table.parent, text), DAY)
    assert found.releases[40] == date(2026, 12, 16)
    assert 4 not in found.releases


def test_a_day_that_differs_is_told_and_stays(table: Path) -> None:
    moved = [CYCLES[0], {**CYCLES[1], "releaseDate": "2026-08-27"}]
    found = release_table.change(table, written(table.parent, json.dumps(moved)), DAY)
    assert found.differing == ("1.37: 2026-08-26 in the table, 2026-08-27 in the source. The table's day stays.",)
    assert '"1.37": 2026-08-26' in found.after


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps([{**CYCLES[1], "cycle": "1.36"}]), r"it ends with 1\.36, and the table knows 1\.37"),
        (json.dumps([{**CYCLES[0], "cycle": "1.39"}, CYCLES[1]]), r"1\.38 is missing in it, before 1\.39"),
        (json.dumps([{**CYCLES[1], "latestReleaseDate": "2026-11-01"}]), "70 days ago: it is an old copy"),
        ("{}", r"no version of Kubernetes is found in it"),
        ("", r"no version of Kubernetes is found in it"),
        ("<!doctype html><html>", r"no version of Kubernetes is found in it"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_source_that_cannot_be_relied_on_is_refused(table: Path, text: str, message: str) -> None:
    with pytest.raises(FaultsError, match=message):
        release_table.change(table, written(table.parent, text), DAY)


def test_a_table_that_was_laid_out_otherwise_is_not_touched(table: Path) -> None:
    table.write_text('releases: {"1.36": 2026-04-22, "1.37": 2026-08-26}\nchecked: 2026-11-21\n')
    with pytest.raises(FaultsError, match=r"laid out|not valid YAML|wrong value"):
        release_table.change(table, written(table.parent, json.dumps(CYCLES)), DAY)


def test_the_table_that_ships_can_be_brought_up_to_date(tmp_path: Path) -> None:
    latest = max(int(name.partition(".")[2]) for name in kubernetesversion.release_table().releases)
    newer = [
        {"cycle": f"1.{latest + 1}", "releaseDate": "2027-01-05"},
        {"cycle": f"1.{latest}", "releaseDate": "2027-01-01"},
    ]
    found = release_table.change(release_table.TABLE, written(tmp_path, json.dumps(newer)), date(2027, 1, 10))
    assert found.after.startswith("# yaml-language-server")
    assert found.after.endswith(f'  "1.{latest + 1}": 2027-01-05\n')


@pytest.mark.parametrize("address", ["http://example.org/x", "file:///etc/hostname", "https://127.0.0.1:1/x"])
def test_an_address_that_cannot_be_asked_is_an_error_with_a_way_out(table: Path, address: str) -> None:
    with pytest.raises(FaultsError, match="kade releases --from FILE"):
        release_table.change(table, address, DAY)


def test_an_address_is_read(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        asked.append(request.full_url)
        return io.BytesIO(SCHEDULE.encode())

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    assert release_table.change(table, release_table.UPSTREAM, DAY).after == AFTER
    assert asked == [release_table.UPSTREAM]
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b" " * 5_000_001))
    with pytest.raises(FaultsError, match="larger than 5 MB"):
        release_table.change(table, release_table.UPSTREAM, DAY)
