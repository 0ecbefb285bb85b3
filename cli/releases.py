"""`kade releases`: bring the table of Kubernetes versions up to date, or say that it is time to."""

from __future__ import annotations

import difflib

from rich.console import Console

from cli.exits import Exit
from inputs.faults import shown
from policies import checking, release_table
from policies.pack import place


def update(source: str, console: Console) -> Exit:
    """Add what is new upstream, and note that somebody looked; show what changed.

    Raises:
        FaultsError: the source cannot be reached, read or relied on. The table stays as it was.

    """
    path = release_table.TABLE
    found = release_table.change(path, source or release_table.UPSTREAM, place.today())
    for sentence in found.differing:
        console.print(sentence, style="yellow")
    name = shown(path, place.ROOT)
    lines = difflib.unified_diff(found.before.splitlines(), found.after.splitlines(), name, name, lineterm="", n=1)
    for line in lines:
        console.print(line, markup=False)
    if found.before == found.after:
        console.print(f"{name}: nothing is new.")
        return Exit.CLEAN
    checking.write(found.after, path)
    console.print(f"{name}: {_new(found)}. Commit it: the rule haven-kubernetesversion decides by it.")
    return Exit.CLEAN


def check(source: str, days: int, console: Console, *, offline: bool) -> Exit:
    """Say whether the table is older than some days, or a newer minor version is out; change nothing.

    Raises:
        FaultsError: as for `update`; where nothing can be asked, `offline` looks at the age only.

    """
    path, day = release_table.TABLE, place.today()
    age = release_table.age(path, day)
    old = age > days
    name = shown(path, place.ROOT)
    console.print(f"{name}: last checked {age} days ago{f', more than {days}: run `kade releases`' if old else ''}.")
    if offline:
        return Exit.FINDINGS if old else Exit.CLEAN
    found = release_table.change(path, source or release_table.UPSTREAM, day)
    if found.added:
        console.print(f"{name}: {_new(found)}, and not in the table: run `kade releases`.")
    return Exit.FINDINGS if old or found.added else Exit.CLEAN


def _new(found: release_table.Change) -> str:
    if not found.added:
        return "no newer minor version is out"
    names = ", ".join(f"1.{minor} ({released})" for minor, released in found.added.items())
    return f"{names} came out"
