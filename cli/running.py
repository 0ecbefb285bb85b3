"""Running `pulumi` for people and CI: files first, the pack always, and the verdict at the end."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from cli import files, real, verdicts
from cli.exits import Exit
from inputs.faults import FaultsError
from rehearsal import joining
from rehearsal import run as rehearsing
from rehearsal.run import Update
from rehearsal.workspace import Workspace, open_workspace
from stacks.loading import organisation
from stacks.names import parse_stack
from stacks.program import FAULTS_VARIABLE

WORKSPACE_VARIABLE = "KADE_WORKSPACE"
"""Folder of the rehearsal, where it is not `.kade/rehearsal` below the project's root."""

OPERATIONS = {"up": rehearsing.up, "preview": rehearsing.preview, "destroy": rehearsing.destroy}


def workspace(folder: Path | None = None, out: Path | None = None) -> Workspace:
    """Return the rehearsal's place, made or brought up to date."""
    chosen = os.environ.get(WORKSPACE_VARIABLE)
    return open_workspace(folder=folder or (Path(chosen) if chosen else None), out=out)


def run(stack: str, operation: str, *, rehearse: bool, yes: bool = True) -> Exit:
    """Run one operation on one stack and show what came of it.

    Raises:
        FaultsError: every fault in the files that the stack reads; no engine was started.

    """
    console = Console(soft_wrap=True, highlight=False)
    try:
        files.read_for(stack, organisation())
    except FaultsError:
        verdicts.discard(stack)  # an older verdict would speak of files that no longer say so
        raise
    before = verdicts.run_id(stack)
    with tempfile.TemporaryDirectory(prefix="kade-") as folder:
        told = Path(folder) / "faults"
        os.environ[FAULTS_VARIABLE] = str(told)
        try:
            update = _start(stack, operation, console, rehearse=rehearse, yes=yes)
        finally:
            del os.environ[FAULTS_VARIABLE]
        if told.exists():  # the engine has shown them already
            return Exit.BAD_INPUT
    if operation == "destroy":
        if update.code == 0:
            verdicts.discard(stack)
        return Exit.CLEAN if update.code == 0 else Exit.INTERNAL
    if update.code == 0:
        counted = "would change" if operation == "preview" else "changed"
        changed = f"{update.changed} {counted}" if update.changed else "0 changes"
        console.print(f"{update.resources} resources, {changed}, {update.seconds:.0f} s.")
    return _outcome(stack, update, before, console)


def _start(stack: str, operation: str, console: Console, *, rehearse: bool, yes: bool) -> Update:
    if not rehearse:
        return real.run(stack, operation, yes=yes)
    place = workspace()
    console.print(f"Rehearsal of {stack}: stand-ins under {place.cli}; nothing real is made.", style="dim")
    with joining.joined(place, organisation(), parse_stack(stack, organisation()).cluster) as joint:
        update = OPERATIONS[operation](place, stack)
        if joint and operation == "up" and update.code == 0:
            joint.hand_over(stack)
    return update


def _outcome(stack: str, update: Update, before: str, console: Console) -> Exit:
    """Show this run's verdict, and turn it with the engine's exit code into ours."""
    verdict = verdicts.load(stack)
    if verdict is None or verdict["run"]["id"] == before:
        sys.stdout.flush()
        console.print("\nThere is no verdict of this run: it ended before the policy pack had seen every resource.")
        if verdict is not None:
            console.print(f"The verdict in {verdicts.folder(stack)} is that of an earlier run.")
        if update.code < 0:
            console.print("The engine was killed. Run the same command again: it clears what was left behind first.")
        return Exit.INTERNAL
    verdicts.show(stack, verdict, console)
    if verdict["summary"]["blocking"] and update.code:
        applied = "part of it was applied" if update.applied else "nothing was applied"
        console.print(f"A mandatory rule fails, so {applied}.")
        return Exit.FINDINGS
    return Exit.CLEAN if update.code == 0 else Exit.INTERNAL
