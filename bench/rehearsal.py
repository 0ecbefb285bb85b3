"""A rehearsal of production: time of each phase, memory of each server, against the same stacks on stand-ins alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal import joining, run
from rehearsal.backends import control
from rehearsal.rehearse import folder_of
from rehearsal.workspace import open_workspace
from stacks.loading import PROJECT, organisation
from stacks.names import stacks_of

ENVIRONMENT = "production"
RESULT = PROJECT / "docs" / "performance-rehearsal.md"
LIMIT = 90
"""Seconds that a rehearsal may take once the servers are built, on two cores."""


def measure(folder: Path) -> str:
    """Run it from nothing and again, and return the page."""
    control.down(folder_of(ENVIRONMENT))
    first = _up()
    memory = {row.name: row.memory >> 20 for row in control.status(folder_of(ENVIRONMENT)).servers}
    again = _up()
    control.down(folder_of(ENVIRONMENT))
    alternative = _on_stand_ins(folder)
    return _page(first, again, memory, alternative)


def _up() -> dict[str, Any]:
    began = time.monotonic()
    command = [str(Path(sys.executable).with_name("kade")), "rehearse", "up", ENVIRONMENT, "--life", "30"]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    seconds = time.monotonic() - began
    found = PROJECT / "out" / "rehearsals" / ENVIRONMENT / "rehearsal.json"
    return {**json.loads(found.read_text(encoding="utf-8")), "seconds": seconds}


def _on_stand_ins(folder: Path) -> float:
    """Return how long the same stacks take where no server runs."""
    files = organisation()
    workspace = open_workspace(folder=folder / "rehearsal", out=folder / "out")
    joint = joining.join(workspace, files, files.environment(ENVIRONMENT).cluster, always=True)
    assert joint is not None
    began = time.monotonic()
    with joint.in_force():
        for stack in stacks_of(ENVIRONMENT, files):
            done = run.up(workspace, stack, capture=True)
            if done.code:
                raise RuntimeError(done.output[-2000:])
            joint.hand_over(stack)
    return time.monotonic() - began


def _page(first: dict[str, Any], again: dict[str, Any], memory: dict[str, int], alternative: float) -> str:
    day = datetime.now(UTC).date().isoformat()
    seconds = [first["seconds"], again["seconds"]]
    phases: list[str] = list(dict.fromkeys((*first["phases"], *again["phases"])))

    def cell(result: dict[str, Any], phase: str) -> str:
        return f"{result['phases'][phase]:.1f}" if phase in result["phases"] else ""

    rows = [f"| {phase} | {cell(first, phase)} | {cell(again, phase)} |" for phase in phases]
    total = sum(memory.values())
    parts = [
        "# Performance of a rehearsal",
        f"Written by `make bench` on {day} ({os.cpu_count()} cores). `kade rehearse up {ENVIRONMENT}`, servers built "
        "before; one run from nothing, one again, whole processes.",
        "## Seconds by phase",
        "\n".join(["| phase | from nothing | again |", "|---|---|---|", *rows,
                   f"| **whole command** | **{seconds[0]:.0f}** | **{seconds[1]:.0f}** |"]),
        f"Promised: at most {LIMIT} s warm. The same stacks on stand-ins alone, without servers, prediction, delivery "
        f"and live check, take {alternative:.0f} s: a rehearsal from nothing costs "
        f"**{seconds[0] / alternative:.1f}** times that.",
        "## Memory of the servers",
        "\n".join(["| server | MB |", "|---|---|", *(f"| {name} | {size} |" for name, size in sorted(memory.items())),
                   f"| **together** | **{total}** |"]),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"
