"""The processes of a run of the engine: which is which, and killing one."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("rehearsal.runner", "pulumi-language-python-exec")
"""What runs the program: our language host's runner, or the official one's."""


@dataclass(frozen=True)
class Process:
    """One process of a run."""

    number: int
    command: tuple[str, ...]


def below(process: int) -> list[Process]:
    """Return the descendants of a process, nearest first."""
    found: list[Process] = []
    waiting = [process]
    while waiting:
        for child in _children(waiting.pop(0)):
            found.append(Process(child, _command(child)))
            waiting.append(child)
    return found


def victims(engine: int, kind: str) -> list[int]:
    """Return the processes of a run that are of a kind: `engine`, `program`, or the name of a plugin."""
    if kind == "engine":
        return [engine]
    sought = _runs if kind == "program" else _serves
    return [one.number for one in below(engine) if sought(one.command, kind)]


def _runs(command: tuple[str, ...], _: str) -> bool:
    """Say whether a command runs the program."""
    return any(name in part for part in command for name in PROGRAMS)


def _serves(command: tuple[str, ...], plugin: str) -> bool:
    """Say whether a command serves a plugin: `python -P -m rehearsal.plugins NAME VERSION`, or the official one."""
    own = any(command[i : i + 2] == ("rehearsal.plugins", plugin) for i in range(len(command)))
    return own or (bool(command) and Path(command[0]).name == f"pulumi-resource-{plugin}")


def kill(process: int) -> bool:
    """Kill a process at once; say whether it was there."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _children(process: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{process}/task").iterdir():
            found += [int(number) for number in (thread / "children").read_text().split()]
    except OSError:
        pass  # it has ended meanwhile
    return found


def _command(process: int) -> tuple[str, ...]:
    try:
        return tuple(Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1])
    except OSError:
        return ()
