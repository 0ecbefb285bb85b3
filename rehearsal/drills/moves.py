"""The state moves: to another secrets provider and back, to another backend and back. Nothing may change by it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rehearsal import run
from rehearsal.drills.clearing import first_error
from rehearsal.drills.outcome import Outcome
from rehearsal.rehearse import Rehearsal
from rehearsal.workspace import STATES


def secrets_provider(place: Rehearsal) -> Outcome:
    """Re-encrypt a stack's secrets with a passphrase, then with OpenBao's transit engine again."""
    stack = place.stacks[0]
    assert place.endpoints.secrets is not None
    seen: list[str] = []
    good = 0
    for provider in ("passphrase", place.endpoints.secrets.url):
        changed = run.run_pulumi(
            place.workspace, ["stack", "change-secrets-provider", provider, "--stack", stack, "--non-interactive"],
            capture=True, pack=False,
        )  # fmt: skip
        after = run.preview(place.workspace, stack, capture=True)
        fine = changed.code == 0 and after.code == 0 and after.changed == 0
        good += fine
        kind = provider.split(":")[0]
        seen.append(f"{kind}: 0 changes" if fine else f"{kind}: {first_error(changed.output + after.output)}")
    return Outcome(drill="secrets-provider", point=stack, tried=2, converged=good, seen="; ".join(seen))


def object_store(place: Rehearsal) -> Outcome:
    """Carry a stack's state to the other place for states, see 0 changes there, and go back."""
    stack, here = place.stacks[-1], place.workspace.chosen_state or STATES[0]
    there = next(state for state in STATES if state != here)
    with tempfile.TemporaryDirectory(prefix="kade-move-") as folder:
        file = Path(folder) / "state.json"  # secrets in it stay encrypted
        run.run_pulumi(
            place.workspace, ["stack", "export", "--stack", stack, "--file", str(file)], capture=True, pack=False
        )
        place.workspace.choose_state(there)
        try:
            made = run.run_pulumi(
                place.workspace, ["stack", "init", stack, "--non-interactive", "--secrets-provider", _provider(place)],
                capture=True, pack=False,
            )  # fmt: skip
            loaded = run.run_pulumi(
                place.workspace, ["stack", "import", "--stack", stack, "--file", str(file)], capture=True, pack=False
            )
            after = run.up(place.workspace, stack, capture=True)
            # What it describes stays; the drill can be run again.
            run.run_pulumi(
                place.workspace, ["stack", "rm", stack, "--force", "--yes", "--preserve-config"],
                capture=True, pack=False,
            )  # fmt: skip
        finally:
            place.workspace.choose_state(here)
    fine = made.code == 0 and loaded.code == 0 and after.code == 0 and after.changed == 0
    return Outcome(
        drill="object-store", point=f"{stack}: from {here} to {there}", converged=int(fine),
        seen="0 changes there" if fine else first_error(made.output + loaded.output + after.output),
    )  # fmt: skip


def _provider(place: Rehearsal) -> str:
    return place.endpoints.secrets.url if place.endpoints.secrets is not None else "passphrase"
