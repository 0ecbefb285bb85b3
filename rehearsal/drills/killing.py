"""Kill the engine, the program or a plugin at random points of an `up`; then `up` again, and count."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal import run
from rehearsal.drills.clearing import clear, first_error
from rehearsal.drills.processes import kill, victims
from rehearsal.inventory import Difference
from rehearsal.workspace import Workspace

ROUNDS = 3
"""How often `up` may be needed afterwards: once to go on, once to see 0 changes, and one more for a slow back end."""
TRIES = 4
"""How often a point is tried until something is hit: what is to be killed may have ended before."""
SOONER = 0.6
"""Each further try strikes this much sooner."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point at which something was killed."""

    stack: str
    victim: str
    """`engine`, `program`, or the name of a plugin."""
    after: float
    """Seconds into the `up`."""
    hit: bool
    """Whether there was something to kill: a run may end before."""
    rounds: int
    """How many times `up` ran until it changed nothing; 0 where it never came to that."""
    lost: int
    """Objects that the state has and the back ends do not."""
    doubled: int
    """Objects that the back ends have and the state does not."""
    note: str = ""


def points(
    workspace: Workspace,
    stacks: Sequence[tuple[str, Sequence[str]]],
    number: int,
    seed: int,
    carry_on: Callable[[str], object],
    difference: Callable[[str], Difference],
) -> Iterator[Point]:
    """Kill at a number of random points, over stacks and their victims in turn, and yield what came of each.

    Args:
        workspace: the rehearsal, everything up.
        stacks: stacks with the names of what may be killed in them.
        number: points to try.
        seed: of the random choice; the same seed kills at the same times.
        carry_on: brings into line what builds on a stack that was made anew.
        difference: compares a stack's state with the back ends.

    """
    chance = random.Random(seed)
    choices = [(stack, victim) for stack, victims_ in stacks for victim in victims_]
    usual: dict[str, float] = {}
    for index in range(number):
        stack, victim = choices[index % len(choices)]
        if stack not in usual:
            usual[stack] = _measure(workspace, stack)
        after = chance.uniform(0.2, 0.95) * usual[stack]
        for left in reversed(range(TRIES)):
            clear(workspace, stack)
            point = _point(workspace, stack, victim, after, carry_on, difference)
            if point.hit or not left:
                yield point
                break
            after *= SOONER


def _measure(workspace: Workspace, stack: str) -> float:
    """Return how long an `up` from nothing takes."""
    clear(workspace, stack)
    return run.up(workspace, stack, capture=True).seconds


def _point(
    workspace: Workspace,
    stack: str,
    victim: str,
    after: float,
    carry_on: Callable[[str], object],
    difference: Callable[[str], Difference],
) -> Point:
    hit = killed_up(workspace, stack, victim, after)
    rounds, note = 0, ""
    for count in range(1, ROUNDS + 1):
        done = run.up(workspace, stack, capture=True)
        if done.code == 0 and done.changed == 0:
            rounds = count
            break
        note = "" if done.code == 0 else first_error(done.output)
    carry_on(stack)
    found = difference(stack)
    return Point(
        stack=stack, victim=victim, after=after, hit=hit, rounds=rounds,
        lost=len(found.lost), doubled=len(found.doubled), note="; ".join(filter(None, (note, str(found)))),
    )  # fmt: skip


def killed_up(workspace: Workspace, stack: str, victim: str, after: float) -> bool:
    """Run an `up` and kill something in it after some seconds; say whether it was there to be killed."""
    hit = threading.Event()

    def strike(engine: int) -> None:
        deadline = time.monotonic() + after
        time.sleep(after)
        # What is to be killed may not have started yet: a plugin starts when the program first names it.
        while time.monotonic() < deadline + 10:
            if any([kill(process) for process in victims(engine, victim)]):
                hit.set()
                return
            if not Path(f"/proc/{engine}").exists():
                return
            time.sleep(0.05)

    workspace.ensure_stack(stack)
    run.up(
        workspace, stack, capture=True,
        started=lambda engine: threading.Thread(target=strike, args=(engine,), daemon=True).start(),
    )  # fmt: skip
    return hit.is_set()
