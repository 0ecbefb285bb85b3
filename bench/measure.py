"""Timing whole processes: wall-clock seconds and the memory of the process itself, in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Timed:
    """Several runs of one command."""

    name: str
    seconds: list[float] = field(default_factory=list[float])
    megabytes: list[float] = field(default_factory=list[float])

    @property
    def median(self) -> float:
        """Median of the seconds: one slow run on a shared machine does not decide."""
        return statistics.median(self.seconds)

    @property
    def row(self) -> str:
        """A line of a Markdown table."""
        seconds = f"{min(self.seconds):.2f} / {self.median:.2f} / {max(self.seconds):.2f}"
        return f"| {self.name} | {seconds} | {max(self.megabytes):.0f} |"


@dataclass(frozen=True)
class Command:
    """One command to time."""

    name: str
    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    codes: tuple[int, ...] = (0,)
    """Exit codes that mean that it did its work."""


def in_turns(commands: Sequence[Command], runs: int) -> list[Timed]:
    """Run the commands in turns, so that a slow minute of the machine meets all of them.

    Raises:
        RuntimeError: a command did not do its work; what it said is in the text.

    """
    found = [Timed(command.name) for command in commands]
    for _ in range(runs):
        for command, timed in zip(commands, found, strict=True):
            seconds, megabytes = _once(command)
            timed.seconds.append(seconds)
            timed.megabytes.append(megabytes)
    return found


def _once(command: Command) -> tuple[float, float]:
    began = time.monotonic()
    process = subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    # wait4 alone tells the memory of this process; `getrusage` adds up all children so far.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.codes:
        msg = f"{command.name} ended with {process.returncode}:\n{said.decode(errors='replace')[-2000:]}"
        raise RuntimeError(msg)
    return time.monotonic() - began, usage.ru_maxrss / 1024
