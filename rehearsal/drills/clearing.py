"""Take a stack down before a drill, as somebody would who means it: what production protects is released first."""

from __future__ import annotations

from rehearsal import run
from rehearsal.run import Update
from rehearsal.workspace import Workspace


class DrillError(Exception):
    """A drill cannot begin: it would try nothing. The text says why."""


def destroy(workspace: Workspace, stack: str) -> Update:
    """Release and destroy everything of a stack, and return how it ended."""
    run.run_pulumi(workspace, ["state", "unprotect", "--all", "--yes", "--stack", stack], capture=True, pack=False)
    return run.destroy(workspace, stack, capture=True)


def clear(workspace: Workspace, stack: str) -> None:
    """Take a stack down, so that the next `up` has everything to do.

    Raises:
        DrillError: something of it is still there.

    """
    done = destroy(workspace, stack)
    if done.code:
        msg = f"{stack} cannot be taken down before the drill: {first_error(done.output)}"
        raise DrillError(msg)


def first_error(output: str) -> str:
    """Return the first error that the engine named."""
    return next(iter(run.errors(output)), "without a word")[:300]
