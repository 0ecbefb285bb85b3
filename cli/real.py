"""Running the official CLI on a real target: the tracked project file, the chosen backend, the pack enforced."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from inputs.faults import Fault, FaultsError
from rehearsal.run import Update, summaries
from stacks.loading import PROJECT

PACK = PROJECT / "policies"


def run(stack: str, operation: str, *, yes: bool) -> Update:
    """Run one operation; before `up` and `destroy`, clear what a killed run has left, and say so.

    A lock is never broken from here: on a shared backend nobody can tell from outside whether the run that holds it
    lives. The engine names the lock and `pulumi cancel` breaks it.

    Raises:
        FaultsError: there is no Pulumi CLI on PATH.

    """
    cli = shutil.which("pulumi")
    if cli is None:
        remedy = "Install the official CLI and log in to a backend, or add `--rehearse` to try it on this machine."
        raise FaultsError([Fault("pulumi", 0, "", "there is no Pulumi CLI on PATH", remedy)])
    recovered = operation != "preview" and _clear_pending(cli, stack)
    arguments = [cli, operation, "--stack", stack]
    if yes and operation != "preview":
        arguments.append("--yes")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.jsonl"
        environment = {**os.environ, "PULUMI_OPTION_POLICY_PACK": str(PACK)}
        if operation == "destroy":
            environment.pop("PULUMI_OPTION_POLICY_PACK")
        done = subprocess.run([*arguments, "--event-log", str(log)], cwd=PROJECT, env=environment, check=False)
        found = list(summaries(log))
    changes: dict[str, int] = dict(found[-1].get("resourceChanges") or {}) if found else {}
    applied = bool(found) and not found[-1].get("isPreview", False)
    return Update(done.returncode, time.monotonic() - began, "", changes, applied, recovered)


def _clear_pending(cli: str, stack: str) -> bool:
    """Clear operations of which nobody knows how they ended, and read what is there instead."""
    exported = subprocess.run(
        [cli, "stack", "export", "--stack", stack], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if exported.returncode:
        return False  # no such stack yet, or no backend: the operation itself says so better
    deployment = cast("dict[str, Any]", json.loads(exported.stdout).get("deployment") or {})
    pending = cast("list[Any]", deployment.get("pending_operations") or [])
    if not pending:
        return False
    print(
        f"A run of {stack} was killed in the middle of {len(pending)} operations: clearing them, reading what exists.",
        file=sys.stderr,
        flush=True,
    )
    arguments = ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", stack]
    subprocess.run([cli, *arguments], cwd=PROJECT, check=True)
    return True
