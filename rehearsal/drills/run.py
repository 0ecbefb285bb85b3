"""The drills by name, and running them one after another on one rehearsal."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

from rehearsal import inventory
from rehearsal.drills import killing, losses, moves, outages, repairs
from rehearsal.drills.outcome import Outcome
from rehearsal.rehearse import Rehearsal

Drill = Callable[[Rehearsal], Outcome]

SINGLE: dict[str, Drill] = {
    "api-server-gone": outages.api_server_gone,
    "openbao-sealed": outages.openbao_sealed,
    "vcenter-hangs": outages.vcenter_hangs,
    "state-gone": outages.state_gone,
    "two-at-once": outages.two_at_once,
    "drift": repairs.drift,
    "node-lost": losses.node_lost,
    "zone-lost": losses.zone_lost,
    "secrets-provider": moves.secrets_provider,
    "object-store": moves.object_store,
}
"""Drills that leave everything as it was, in the order in which they run."""
KILL, DESTROY = "kill", "destroy"
NAMES = (KILL, *SINGLE, DESTROY)
"""All drills; the last one takes the environment down."""
POINTS = 20
"""Points of an `up` at which something is killed, in the long run."""
SHORT = (KILL, "drift", "two-at-once")
"""The drills of the short run, which every test run does."""


def seed() -> int:
    """Return a seed for the random points; it is printed, so that a run can be repeated."""
    return random.SystemRandom().randrange(1_000_000)


def drills(
    place: Rehearsal, names: Iterable[str], *, points: int, chance: int, empty: inventory.Inventory
) -> Iterator[Outcome]:
    """Run drills and yield what each came to.

    Args:
        place: a rehearsal, everything up.
        names: of `NAMES`.
        points: points of the drill `kill`.
        chance: seed of its random choice.
        empty: what was there before any stack was up.

    """
    for name in names:
        if name == KILL:
            yield from _kill(place, points, chance)
        elif name == DESTROY:
            yield repairs.destroyed(place, empty)
        else:
            yield SINGLE[name](place)


def victims(place: Rehearsal) -> list[tuple[str, tuple[str, ...]]]:
    """Return the stacks that things are killed in, with what can be killed in each: the two ends of the layers."""
    first, last = place.stacks[0], place.stacks[-1]
    if first == last:
        return [(first, ("engine", "program", "kubernetes", "vsphere", "vault", "talos"))]
    return [(last, ("engine", "program", "kubernetes", "vault")), (first, ("vsphere", "engine", "talos", "program"))]


def _kill(place: Rehearsal, number: int, chance: int) -> Iterator[Outcome]:
    before = inventory.take(place.endpoints)

    def difference(_: str) -> inventory.Difference:
        return inventory.take(place.endpoints).against(before)

    for point in killing.points(place.workspace, victims(place), number, chance, place.carry_on, difference):
        what = "killed" if point.hit else "it had ended before"
        yield Outcome(
            drill=KILL, point=f"{point.stack}: {point.victim} after {point.after:.1f} s",
            tried=int(point.hit), converged=int(point.hit and point.rounds > 0), lost=point.lost, doubled=point.doubled,
            seen="; ".join(filter(None, (what, f"{point.rounds} `up` afterwards" if point.rounds else "", point.note))),
        )  # fmt: skip
