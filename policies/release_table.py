"""Bring the table of Kubernetes versions up to date from what upstream publishes."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from inputs.faults import Fault, FaultsError, shown
from inputs.validate import parse
from inputs.yaml import documents
from policies.model.values import dig, items, mapping
from policies.rules.haven.kubernetesversion import ReleaseTable

UPSTREAM = "https://raw.githubusercontent.com/kubernetes/website/main/data/releases/schedule.yaml"
"""The Kubernetes project's own schedule, from which its page of releases is made."""
TABLE = Path(__file__).parent / "rules" / "haven" / "kubernetes_releases.yaml"
STALE_DAYS = 62
"""Age of the newest day in a source from which it is taken for an old copy: patches come out every month."""
_SECONDS = 20
_MOST = 5_000_000
_MINOR = re.compile(r"1\.(\d+)\Z")
_FORMATS = "the Kubernetes schedule (schedule.yaml) and the API of endoflife.date (kubernetes.json, or v1) are read"


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a source says."""

    releases: Mapping[int, date]
    """Day on which each minor version came out, those to come left out."""
    newest: date
    """Newest day that the source knows of, which says how old it can be at most."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of the table."""

    before: str
    after: str
    added: Mapping[int, date]
    differing: tuple[str, ...]
    """Sentences on days that differ from the table's. The table's stay: somebody looked at them."""


def change(path: Path, source: str, day: date) -> Change:
    """Return what the source makes of the table, on a day.

    Raises:
        FaultsError: table or source cannot be read, or the source cannot be relied on.

    """
    before = _text(path)
    table = _table(before, path)
    published = read(source, day)
    known = {minor: released for name, released in table.releases.items() if (minor := _minor(name)) is not None}
    added = {minor: released for minor, released in published.releases.items() if minor > max(known)}
    _check(source, known, published, day)
    differing = tuple(
        f"1.{minor}: {released} in the table, {published.releases[minor]} in the source. The table's day stays."
        for minor, released in sorted(known.items())
        if published.releases.get(minor, released) != released
    )
    after = _written(before, added, day)
    wanted = {**table.releases, **{f"1.{minor}": released for minor, released in added.items()}}
    if _table(after, path) != ReleaseTable(checked=day, releases=wanted):
        fault = Fault(shown(path), 0, "", "it is not laid out as it ships", "Add what is new by hand.")
        raise FaultsError([fault])
    return Change(before=before, after=after, added=dict(sorted(added.items())), differing=differing)


def age(path: Path, day: date) -> int:
    """Return for how many days nobody has looked whether the table is complete.

    Raises:
        FaultsError: the table cannot be read.

    """
    return (day - _table(_text(path), path).checked).days


def read(source: str, day: date) -> Published:
    """Return what a file or an address says, in any of the formats that upstream publishes.

    Raises:
        FaultsError: it cannot be reached or read, or is of another format.

    """
    text = _fetched(source) if "://" in source else _text(Path(source))
    name = source if "://" in source else shown(Path(source))
    data: Any = next((document.data for document in documents(text, name)), None)
    found = [*_schedule(data), *_cycles(data)]
    releases = {minor: released for minor, released, _ in found if released <= day}
    if not releases:
        raise FaultsError([Fault(name, 0, "", "no version of Kubernetes is found in it", f"Only {_FORMATS}.")])
    return Published(releases=releases, newest=max(newest for *_, newest in found))


def _schedule(data: Any) -> Iterator[tuple[int, date, date]]:
    """Yield minor version, its day and the newest day known, from the Kubernetes schedule."""
    for entry in items(dig(data, "schedules")):
        # The day of a minor version is that of its patch 0: the key `releaseDate` has been a year wrong before.
        patches = [mapping(item) for item in items(dig(entry, "previousPatches"))]
        first = next((patch for patch in patches if str(patch.get("release")).endswith(".0")), None)
        # Unquoted, `1.30` is the number 1.3: the name of a patch is always text.
        named = str(patches[0].get("release")).rpartition(".")[0] if patches else dig(entry, "release")
        released = _day(first.get("targetDate") if first else dig(entry, "releaseDate"))
        minor = _minor(named)
        days = [_day(dig(entry, "next", "targetDate")), *(_day(patch.get("targetDate")) for patch in patches)]
        if minor is not None and released is not None:
            yield minor, released, max(one for one in (*days, released) if one is not None)


def _cycles(data: Any) -> Iterator[tuple[int, date, date]]:
    """Yield the same from endoflife.date, of both versions of its API."""
    for entry in items(data) or items(dig(data, "result", "releases")):
        minor = _minor(dig(entry, "name") or dig(entry, "cycle"))
        released = _day(dig(entry, "releaseDate"))
        patched = _day(dig(entry, "latest", "date") or dig(entry, "latestReleaseDate"))
        if minor is not None and released is not None:
            yield minor, released, max(released, patched or released)


def _check(source: str, known: Mapping[int, date], published: Published, day: date) -> None:
    """Refuse a source that would leave the table wrong."""
    newest, latest = max(published.releases), max(known)
    silent = (day - published.newest).days
    missing = sorted(set(range(latest + 1, newest)) - published.releases.keys())
    what = ""
    if newest < latest:
        what = f"it ends with 1.{newest}, and the table knows 1.{latest}"
    elif missing:
        what = f"1.{missing[0]} is missing in it, before 1.{newest}"
    elif silent > STALE_DAYS:
        what = f"the newest day in it is {published.newest}, {silent} days ago: it is an old copy"
    if what:
        raise FaultsError([Fault(source, 0, "", what, "Give a newer one.")])


def _written(text: str, added: Mapping[int, date], day: date) -> str:
    """Return the table's text with what is new, its comments and order kept."""
    lines = re.sub(r"(?m)^checked:.*$", f"checked: {day}", text, count=1).rstrip("\n").splitlines()
    lines += [f'  "1.{minor}": {released}' for minor, released in sorted(added.items())]
    return "\n".join(lines) + "\n"


def _table(text: str, path: Path) -> ReleaseTable:
    document = next(iter(documents(text, shown(path))), None)
    if document is None:
        raise FaultsError([Fault(shown(path), 0, "", "the file is empty", "Take it from a release of Kade.")])
    return parse(ReleaseTable, document)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = "the file does not exist" if isinstance(error, FileNotFoundError) else "it cannot be read as text"
        raise FaultsError([Fault(shown(path), 0, "", what, "Check the path.")]) from None


def _fetched(address: str) -> str:
    """Return what is published at an address."""
    remedy = f"Fetch it on a machine that can, and give the file: `kade releases --from FILE`; {_FORMATS}."
    if not address.startswith("https://"):
        raise FaultsError([Fault(address, 0, "", "only https is followed", remedy)])
    request = urllib.request.Request(address, headers={"User-Agent": "kade", "Accept": "*/*"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            body: bytes = answer.read(_MOST + 1)
        if len(body) <= _MOST:
            return body.decode()
        what = "it is larger than 5 MB"
    except urllib.error.HTTPError as error:
        what = f"it answers with {error.code}"
    except (OSError, ValueError) as error:
        what = f"it cannot be reached ({type(error).__name__})"
    raise FaultsError([Fault(address, 0, "", what, remedy)])


def _minor(name: object) -> int | None:
    found = _MINOR.match(name) if isinstance(name, str) else None
    return int(found.group(1)) if found else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
