"""Running `pulumi` for people and CI: files first, the pack always, and the verdict at the end."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from cli import files, real, verdicts
from cli.exits import Exit
from inputs.faults import FaultsError
from rehearsal import run as rehearsing
from rehearsal.workspace import Workspace, open_workspace
from stacks.loading import organisation

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
    if rehearse:
        place = workspace()
        console.print(f"Rehearsal of {stack}: stand-in plugins under {place.cli}; nothing real is made.", style="dim")
        update = OPERATIONS[operation](place, stack)
    else:
        update = real.run(stack, operation, yes=yes)
    if operation == "destroy":
        verdicts.discard(stack)
        return Exit.CLEAN if update.code == 0 else Exit.INTERNAL
    if update.code == 0:
        counted = "would change" if operation == "preview" else "changed"
        changed = f"{update.changed} {counted}" if update.changed else "0 changes"
        console.print(f"{update.resources} resources, {changed}, {update.seconds:.0f} s.")
    return _outcome(stack, update.code, console)


def _outcome(stack: str, code: int, console: Console) -> Exit:
    """Show the verdict, and turn it with the engine's exit code into ours."""
    verdict = verdicts.load(stack)
    if verdict is None:
        console.print("There is no verdict: the run ended before the policy pack had seen every resource.")
        return Exit.INTERNAL
    verdicts.show(stack, verdict, console)
    if verdict["summary"]["blocking"] and code:
        console.print("A mandatory rule fails, so nothing was applied.")
        return Exit.FINDINGS
    return Exit.CLEAN if code == 0 else Exit.INTERNAL
