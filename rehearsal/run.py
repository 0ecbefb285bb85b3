"""Run `pulumi` on a rehearsal, and say what came of it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.install import PROJECT
from rehearsal.workspace import Workspace

_TELL_NOTHING = ("error: update failed", "error: preview failed", "errors occurred:", "error occurred:")
"""How the lines of the engine end that announce an error, or count them."""
FAILED = "failed"
"""Key in the mark of a run that ended with an error."""


@dataclass(frozen=True)
class Completed:
    """How a command ended."""

    code: int
    """Exit code; 0 is success."""
    seconds: float
    output: str
    """What it wrote, where it was captured; else empty, because it was shown."""


@dataclass(frozen=True)
class Update:
    """How an `up`, `preview` or `destroy` ended."""

    code: int
    seconds: float
    output: str
    changes: dict[str, int] = field(default_factory=dict[str, int])
    """Resources by operation: `same`, `create`, `update`, `replace`, `delete`. Provider resources and the stack count,
    components too. Empty where it ended before it came that far."""
    applied: bool = False
    """Whether anything was done, as opposed to a preview that was all."""
    recovered: bool = False
    """Whether a killed run had to be cleaned up first."""

    @property
    def resources(self) -> int:
        """Resources that exist afterwards (or would, after a preview)."""
        return sum(number for operation, number in self.changes.items() if operation not in ("delete", "discard"))

    @property
    def changed(self) -> int:
        """Resources that were made, changed, replaced or removed."""
        return sum(number for operation, number in self.changes.items() if operation not in ("same", "read"))


def run_pulumi(
    workspace: Workspace,
    arguments: Sequence[str],
    *,
    capture: bool = False,
    pack: bool = True,
    started: Callable[[int], None] | None = None,
) -> Completed:
    """Run a command in the generated project.

    Args:
        workspace: where.
        arguments: as for `pulumi`.
        capture: return what it writes instead of showing it.
        pack: enforce the policy pack, where the project has one.
        started: is told the number of the engine's process.

    """
    began = time.monotonic()
    with subprocess.Popen(
        [str(workspace.cli), *arguments],
        cwd=workspace.project,
        env={**workspace.environment(pack=pack), **workspace.given(_stack_in(arguments))},
        text=True,
        stdin=subprocess.DEVNULL if capture else None,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
    ) as process:
        if started is not None:
            started(process.pid)
        output, _ = process.communicate()
    return Completed(process.returncode, time.monotonic() - began, output or "")


def _stack_in(arguments: Sequence[str]) -> str:
    """Return the stack that a command is about; empty where it names none."""
    return next((after for option, after in itertools.pairwise(arguments) if option == "--stack"), "")


def up(
    workspace: Workspace,
    stack: str,
    *,
    capture: bool = False,
    pack: bool = True,
    started: Callable[[int], None] | None = None,
) -> Update:
    """Apply a stack, its preview included; first clean up what a killed run has left, and say so.

    `started` is told the number of the engine's process.
    """
    workspace.ensure_stack(stack)
    recovered = recover(workspace, stack)
    # The preview is part of it: stack rules that are mandatory must block before anything is applied.
    return _update(
        workspace, ["up", "--yes", "--stack", stack], capture, pack, recovered, _mark(workspace, stack), started
    )


def preview(workspace: Workspace, stack: str, *, capture: bool = False, pack: bool = True) -> Update:
    """Say what `up` would do."""
    workspace.ensure_stack(stack)
    return _update(workspace, ["preview", "--stack", stack], capture, pack, recovered=False)


def destroy(workspace: Workspace, stack: str, *, capture: bool = False) -> Update:
    """Remove everything of a stack; what is protected is refused by the engine."""
    workspace.ensure_stack(stack)
    recovered = recover(workspace, stack)
    return _update(
        workspace, ["destroy", "--yes", "--stack", stack], capture, False, recovered, _mark(workspace, stack)
    )


def recover(workspace: Workspace, stack: str) -> bool:
    """Clean up after a run that was killed: its lock, and operations of which nobody knows how they ended.

    A lock whose process still lives is left alone: that run is at work, and the engine will say so. What the killed run
    has made is then adopted by the stand-ins, so nothing is made twice.
    """
    stale = _unlock(workspace, stack)
    if stale:
        _say(f"A run of {stack} was killed: its lock is removed.")
    pending = _pending_operations(workspace, stack)
    if pending:
        _say(f"A run of {stack} was killed in {pending} operation(s): clearing them and reading what is there.")
        run_pulumi(
            workspace,
            ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", stack, "--non-interactive"],
            capture=True,
            pack=False,
        )
    return stale or pending > 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _unlock(workspace: Workspace, stack: str) -> bool:
    """Remove the lock of a run that was killed; say whether there was one."""
    if workspace.state is None:
        stale = _stale_locks(workspace, stack)
        for lock in stale:
            lock.unlink(missing_ok=True)
        return bool(stale)
    mark = _mark(workspace, stack)
    if not mark.exists() or _alive(_lock_process(mark)):
        return False
    # Only the engine reaches its locks there, and it cannot tell a killed run from one that is at work: the mark can.
    done = run_pulumi(workspace, ["cancel", "--yes", "--stack", stack], capture=True, pack=False)
    killed = FAILED not in mark.read_text(encoding="utf-8")
    if done.code == 0:
        mark.unlink(missing_ok=True)
    return killed


def _mark(workspace: Workspace, stack: str) -> Path:
    """Return the file that names the engine's process while it changes a stack."""
    return workspace.folder / "running" / f"{stack}.json"


def _stale_locks(workspace: Workspace, stack: str) -> list[Path]:
    folder = workspace.backend / ".pulumi" / "locks" / "organization" / PROJECT / stack
    return [lock for lock in folder.glob("*.json") if not _alive(_lock_process(lock))]


def _lock_process(lock: Path) -> int | None:
    try:
        return int(json.loads(lock.read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _alive(process: int | None) -> bool:
    """Say whether a process lives; one that cannot be told apart counts as living, so that its lock stays."""
    if process is None:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A killed child that nobody has waited for still has its number; it does nothing any more.
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True


def _pending_operations(workspace: Workspace, stack: str) -> int:
    if workspace.state is not None:
        return _exported_pending_operations(workspace, stack)
    state = workspace.backend / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"
    try:
        checkpoint = json.loads(state.read_text(encoding="utf-8"))["checkpoint"]
    except (OSError, ValueError, KeyError):
        return 0
    latest: dict[str, Any] = checkpoint.get("latest") or {}
    pending: list[Any] = latest.get("pending_operations") or []
    return len(pending)


def _exported_pending_operations(workspace: Workspace, stack: str) -> int:
    done = run_pulumi(workspace, ["stack", "export", "--stack", stack], capture=True, pack=False)
    try:
        exported: dict[str, Any] = json.loads(done.output)
    except ValueError:
        return 0  # the command that follows says what is wrong with the state
    deployment: dict[str, Any] = exported.get("deployment") or {}
    pending: list[Any] = deployment.get("pending_operations") or []
    return len(pending)


def _update(
    workspace: Workspace,
    arguments: list[str],
    capture: bool,
    pack: bool,
    recovered: bool,
    mark: Path | None = None,
    started: Callable[[int], None] | None = None,
) -> Update:
    def note(process: int) -> None:
        if started is not None:
            started(process)
        # Where another run is at work, the mark is that one's, and the engine will refuse this one.
        if mark is not None and not (mark.exists() and _alive(_lock_process(mark))):
            mark.parent.mkdir(exist_ok=True)
            mark.write_text(json.dumps({"pid": process}), encoding="utf-8")

    with _event_log(workspace) as log:
        done = run_pulumi(workspace, [*arguments, "--event-log", str(log)], capture=capture, pack=pack, started=note)
        found = list(summaries(log))
    if mark is not None and done.code >= 0:
        _unmark(mark, failed=done.code > 0)
    changes: dict[str, int] = dict(found[-1].get("resourceChanges") or {}) if found else {}
    applied = bool(found) and not found[-1].get("isPreview", False)
    return Update(done.code, done.seconds, done.output, changes, applied, recovered)


def _unmark(mark: Path, *, failed: bool) -> None:
    """Remove the mark of a run that ended by itself; that of a run beside it, which still lives, stays.

    One that failed may have left its lock: it cannot remove it where the state itself was out of reach.
    """
    process = _lock_process(mark)
    if process is not None and _alive(process):
        return
    if failed and process is not None:
        mark.write_text(json.dumps({"pid": process, FAILED: True}), encoding="utf-8")
    else:
        mark.unlink(missing_ok=True)


@contextmanager
def _event_log(workspace: Workspace) -> Generator[Path]:
    with tempfile.TemporaryDirectory(dir=workspace.folder, prefix="events-") as folder:
        yield Path(folder) / "events.jsonl"


def errors(output: str) -> list[str]:
    """Return what the engine named as errors, each once; where it named none, its last lines."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if "error:" in line or line.startswith("* ")]
    telling = [line for line in named if not line.endswith(_TELL_NOTHING)]
    return list(dict.fromkeys(telling or named)) or lines[-10:]


def summaries(log: Path) -> Iterator[dict[str, Any]]:
    """Yield the engine's summary of each phase of a command, from the file of its events."""
    if not log.exists():
        return
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if '"summaryEvent"' in line:
                yield json.loads(line)["summaryEvent"]
