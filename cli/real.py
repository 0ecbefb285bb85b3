"""Running the official CLI on a real target: the organisation's own project file and backend, the pack enforced."""

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
from stacks import credentials
from stacks.loading import PROJECT, organisation
from stacks.names import parse_stack

PACK = PROJECT / "policies"


def project() -> Path:
    """Return the folder of the project file: the organisation's, where it has one (`kade init`), else Kade's."""
    own = organisation().root
    return own if (own / "Pulumi.yaml").exists() else PROJECT


def run(stack: str, operation: str, *, yes: bool) -> Update:
    """Run one operation; before `up` and `destroy`, clear what a killed run has left, and say so.

    A lock is never broken from here: on a shared backend nobody can tell from outside whether the run that holds it
    lives. The engine names the lock and `pulumi cancel` breaks it.

    Raises:
        FaultsError: there is no Pulumi CLI on PATH, a secret of the stack is missing, or what a killed run has left
            cannot be cleared.

    """
    cli = shutil.which("pulumi")
    if cli is None:
        remedy = "Install the official CLI and log in to a backend, or add `--rehearse` to try it on this machine."
        raise FaultsError([Fault("pulumi", 0, "", "there is no Pulumi CLI on PATH", remedy)])
    _require_secrets(cli, stack)
    recovered = operation != "preview" and _clear_pending(cli, stack)
    arguments = [cli, operation, "--stack", stack]
    if yes and operation != "preview":
        arguments.append("--yes")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.jsonl"
        # The engine has the flag for its log of events only with this variable.
        environment = {**os.environ, "PULUMI_DEBUG_COMMANDS": "true", "PULUMI_OPTION_POLICY_PACK": str(PACK)}
        if operation == "destroy":
            environment.pop("PULUMI_OPTION_POLICY_PACK")
        done = subprocess.run([*arguments, "--event-log", str(log)], cwd=project(), env=environment, check=False)
        found = list(summaries(log))
    changes: dict[str, int] = dict(found[-1].get("resourceChanges") or {}) if found else {}
    applied = bool(found) and not found[-1].get("isPreview", False)
    return Update(done.returncode, time.monotonic() - began, "", changes, applied, recovered)


def _ask(cli: str, *arguments: str) -> dict[str, Any] | None:
    """Return what the CLI answers as JSON, or `None` where it does not: the operation itself says why, and better."""
    asked = subprocess.run([cli, *arguments], cwd=project(), capture_output=True, text=True, check=False)
    return json.loads(asked.stdout) if asked.returncode == 0 else None


def _require_secrets(cli: str, stack: str) -> None:
    """Refuse to start without the secrets that the layer declares; only their names are asked for."""
    config = _ask(cli, "config", "--json", "--stack", stack)
    if config is None:
        return
    declared = credentials.SECRETS[parse_stack(stack, organisation()).layer]
    missing = [secret for secret in declared if f"{credentials.NAMESPACE}:{secret.name}" not in config]
    if missing:
        raise FaultsError([credentials.missing(secret, stack) for secret in missing])


def _clear_pending(cli: str, stack: str) -> bool:
    """Clear operations of which nobody knows how they ended, and read what is there instead."""
    exported = _ask(cli, "stack", "export", "--stack", stack)
    deployment = cast("dict[str, Any]", (exported or {}).get("deployment") or {})
    pending = cast("list[Any]", deployment.get("pending_operations") or [])
    if not pending:
        return False
    print(
        f"A run of {stack} was killed in the middle of {len(pending)} operations: clearing them, reading what exists.",
        file=sys.stderr,
        flush=True,
    )
    arguments = ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", stack]
    if subprocess.run([cli, *arguments], cwd=project(), check=False).returncode:
        what = "what a killed run has left could not be cleared; the engine has said why"
        raise FaultsError([Fault(f"stack {stack}", 0, "", what, f"Mend that, or run `pulumi {' '.join(arguments)}`.")])
    return True
