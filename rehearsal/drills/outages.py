"""A back end goes away during or before an `up`; it comes back, and `up` must converge."""

from __future__ import annotations

import threading
import time

from rehearsal import inventory, run
from rehearsal.backends import control
from rehearsal.drills.clearing import clear, first_error
from rehearsal.drills.outcome import Outcome
from rehearsal.rehearse import Rehearsal
from rehearsal.run import Update

STRIKE_SECONDS = 4.0
"""Seconds into an `up` at which its back end goes: the preview is over then, and the first objects are being made."""


def api_server_gone(place: Rehearsal) -> Outcome:
    """Stop the API server in the middle of an `up` of a team's stack."""
    return _during(place, "api-server-gone", place.stacks[-1], ("stop", "start"), "kube-apiserver")


def state_gone(place: Rehearsal) -> Outcome:
    """Stop the server that holds the state in the middle of an `up`."""
    server = "object-store" if place.workspace.chosen_state == "object_store" else "postgres"
    return _during(place, "state-gone", place.stacks[-1], ("stop", "start"), server)


def vcenter_hangs(place: Rehearsal) -> Outcome:
    """Let the vCenter answer nothing any more in the middle of an `up` of the machines."""
    return _during(place, "vcenter-hangs", place.stacks[0], ("pause", "resume"), "vcenter")


def openbao_sealed(place: Rehearsal) -> Outcome:
    """Seal OpenBao before an `up` of a team's stack."""
    stack = place.stacks[-1]
    before = inventory.take(place.endpoints)
    clear(place.workspace, stack)
    control.control(place.workspace.folder, "seal", "openbao")
    try:
        failed = run.up(place.workspace, stack, capture=True)
    finally:
        control.control(place.workspace.folder, "unseal", "openbao")
    return _after(place, "openbao-sealed", f"{stack}: OpenBao sealed before `up`", stack, failed, before)


def _during(place: Rehearsal, drill: str, stack: str, orders: tuple[str, str], server: str) -> Outcome:
    before = inventory.take(place.endpoints)
    clear(place.workspace, stack)
    away, back = orders

    def strike(_: int) -> None:
        time.sleep(STRIKE_SECONDS)
        control.control(place.workspace.folder, away, server)

    striking: list[threading.Thread] = []

    def begin(engine: int) -> None:
        striking.append(threading.Thread(target=strike, args=(engine,)))
        striking[0].start()

    failed = run.up(place.workspace, stack, capture=True, started=begin)
    striking[0].join()
    control.control(place.workspace.folder, back, server)
    return _after(place, drill, f"{stack}: {server} {away} after {STRIKE_SECONDS:.0f} s", stack, failed, before)


def _after(
    place: Rehearsal, drill: str, point: str, stack: str, failed: Update, before: inventory.Inventory
) -> Outcome:
    """Run `up` until it changes nothing, and count."""
    rounds = settle(place, stack)
    found = inventory.take(place.endpoints).against(before)
    said = (
        "the run went through, so nothing was tried"
        if failed.code == 0
        else f"the run failed: {first_error(failed.output)}"
    )
    return Outcome(
        drill=drill, point=point, converged=int(rounds > 0 and failed.code != 0),
        lost=len(found.lost), doubled=len(found.doubled),
        seen="; ".join(filter(None, (said, f"{rounds} `up` afterwards" if rounds else "never converged", str(found)))),
    )  # fmt: skip


def settle(place: Rehearsal, stack: str, most: int = 3) -> int:
    """Run `up` until it changes nothing; return how many it took, 0 where it never came to that."""
    for count in range(1, most + 1):
        done = run.up(place.workspace, stack, capture=True)
        if done.code == 0 and done.changed == 0:
            place.carry_on(stack)  # what the destroyed stack took along
            return count
    return 0


def two_at_once(place: Rehearsal) -> Outcome:
    """Start a second `up` of a stack while one is at work: it must wait or be refused."""
    stack = place.stacks[-1]
    before = inventory.take(place.endpoints)
    clear(place.workspace, stack)
    second: list[Update] = []

    def another(_: int) -> None:
        time.sleep(STRIKE_SECONDS)
        second.append(run.up(place.workspace, stack, capture=True))

    beside: list[threading.Thread] = []

    def begin(engine: int) -> None:
        beside.append(threading.Thread(target=another, args=(engine,)))
        beside[0].start()

    first = run.up(place.workspace, stack, capture=True, started=begin)
    beside[0].join()
    rounds = settle(place, stack)
    found = inventory.take(place.endpoints).against(before)
    refused = second[0].code != 0
    how = (
        f"the second was refused: {first_error(second[0].output)}" if refused else "the second waited and went through"
    )
    return Outcome(
        drill="two-at-once", point=f"{stack}: a second `up` after {STRIKE_SECONDS:.0f} s",
        converged=int(rounds > 0 and first.code == 0), lost=len(found.lost), doubled=len(found.doubled),
        seen="; ".join(filter(None, (how, str(found)))),
    )  # fmt: skip
