"""Rehearsing a whole environment, and drilling it: what `kade rehearse up` and `kade rehearse drill` do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from cli import files
from cli.exits import Exit
from inputs.faults import Fault, FaultsError, nearest, shown
from stacks.loading import PROJECT, organisation

WIDTH = 160
"""Columns of a table in a log."""

if TYPE_CHECKING:
    from collections.abc import Generator

    from rehearsal.drills.outcome import Outcome
    from rehearsal.rehearse import Rehearsal


def up(environment: str, *, life: int, state: str | None, plugins: str | None) -> Exit:
    """Bring a whole environment up on the back ends of this machine, and judge it.

    Raises:
        FaultsError: every fault in the organisation's files; nothing was started.

    """
    from rehearsal import report
    from rehearsal.backends import control
    from rehearsal.workspace import PLUGINS, STATES

    faults = [
        *_unknown("--state", state, STATES, f"there is no place `{state}` for the state"),
        *_unknown("--plugins", plugins, PLUGINS, f"there are no plugins `{plugins}`"),
    ]
    if faults:
        raise FaultsError(faults)
    out = console()
    with _rehearsal(environment, life, state, plugins) as place:
        report.clear(place.workspace.out)  # what an earlier run has shown is not what this one shows
        place.predict()
        result = place.judge(place.bring_up())
    report.show(result, out)
    page = report.write(result, place.workspace.out)
    for phase, seconds in place.phases.items():
        out.print(f"  {seconds:6.1f} s  {phase}", style="dim")
    out.print(f"report: {shown(page, PROJECT)}")
    if control.status(place.workspace.folder).running:
        out.print(f"It goes on running: `kade rehearse shell {environment}`, `kade rehearse down {environment}`.")
    if not result.complete:
        return Exit.INTERNAL
    return Exit.CLEAN if result.holds else Exit.FINDINGS


def drill(names: Sequence[str], environment: str, *, points: int | None, seed: int | None, life: int) -> Exit:
    """Run drills on an environment's rehearsal, and print the table.

    Raises:
        FaultsError: there is no such drill, or the organisation's files have faults.

    """
    from rehearsal import inventory
    from rehearsal.drills import run

    chosen = _chosen(names, run.NAMES)
    chance = run.seed() if seed is None else seed
    out = console()
    found: list[Outcome] = []
    with _rehearsal(environment, life, None, None) as place:
        fresh = not place.known()
        empty = inventory.take(place.endpoints)
        if run.DESTROY in chosen and not fresh:
            remedy = (
                f"Run `kade rehearse down {environment}` first: what is there before the first `up` is what counts."
            )
            raise FaultsError([Fault("kade rehearse drill", 0, run.DESTROY, "this rehearsal is up already", remedy)])
        if any(layer.failed for layer in place.bring_up()):
            return Exit.INTERNAL
        for outcome in run.drills(place, chosen, points=points or run.POINTS, chance=chance, empty=empty):
            found.append(outcome)
            out.print(f"  {'held  ' if outcome.held else 'FAILED'} {outcome.drill}, {outcome.point}: {outcome.seen}")
    out.print(_table(found))
    out.print(f"Seed of the random points: {chance} (`--seed {chance}` tries the same ones).", style="dim")
    return Exit.CLEAN if all(outcome.held for outcome in found) else Exit.FINDINGS


def _unknown(option: str, value: str | None, known: Sequence[str], what: str) -> list[Fault]:
    if value is None or value in known:
        return []
    return [
        Fault("kade rehearse up", 0, option, what, f"{nearest(value, known)} There are: {', '.join(known)}.".strip())
    ]


def console() -> Console:
    """Return where results go; what is no terminal has no width of its own, and tables need some."""
    found = Console(soft_wrap=True, highlight=False)
    return found if found.is_terminal else Console(soft_wrap=True, highlight=False, width=WIDTH)


def _chosen(names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    if list(names) in ([], ["all"]):
        return tuple(known)
    faults = [
        Fault(
            "kade rehearse drill",
            0,
            name,
            "there is no such drill",
            nearest(name, known) or f"Drills: {', '.join(known)}.",
        )
        for name in names
        if name not in known
    ]
    if faults:
        raise FaultsError(faults)
    return tuple(name for name in known if name in names)


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("drill", "points tried", "converged", "lost", "doubled", box=None, pad_edge=False)
    for name in dict.fromkeys(outcome.drill for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.drill == name]
        sums = (sum(one.tried for one in own), sum(one.converged for one in own))
        table.add_row(
            name, *map(str, sums), str(sum(one.lost for one in own)), str(sum(one.doubled for one in own)),
            style=None if all(one.held for one in own) else "red",
        )  # fmt: skip
    return table


@contextmanager
def _rehearsal(environment: str, life: int, state: str | None, plugins: str | None) -> Generator[Rehearsal]:
    """Begin a rehearsal, once the files have no faults."""
    from rehearsal import rehearse
    from rehearsal.toolchain.progress import Progress
    from stacks.names import stacks_of

    known = organisation().environment_names()
    if environment not in known:
        remedy = nearest(environment, known) or f"Environments: {', '.join(known)}."
        raise FaultsError([Fault("kade rehearse", 0, environment, "there is no such environment", remedy)])
    for stack in stacks_of(environment, organisation()):
        files.read_for(stack, organisation())
    os.environ.pop("KADE_OUT", None)  # a rehearsal's results have a place of their own
    with rehearse.alone(environment):
        yield rehearse.begin(environment, Progress(), life=life, state=state, plugins=plugins)
