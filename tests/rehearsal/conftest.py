"""A rehearsal in a folder of its own, on the real engine that set-up has found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal import run
from rehearsal.run import Completed, Update
from rehearsal.workspace import Workspace, open_workspace

STACK = "dev"


class Rehearsal:
    """One small program, its workspace, and what the tests ask of them."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self.folder = folder
        self.workspace = workspace

    def program(self, text: str) -> None:
        (self.workspace.program / "__main__.py").write_text(HEAD + textwrap.dedent(text))

    def up(self) -> Update:
        return run.up(self.workspace, STACK, capture=True)

    def preview(self) -> Update:
        return run.preview(self.workspace, STACK, capture=True)

    def pulumi(self, *arguments: str) -> Completed:
        return run.run_pulumi(self.workspace, [*arguments, "--stack", STACK], capture=True)

    def outputs(self) -> dict[str, Any]:
        done = subprocess.run(
            [str(self.workspace.cli), "stack", "output", "--json", "--show-secrets", "--stack", STACK],
            cwd=self.workspace.project, env=self.workspace.environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    def state(self) -> dict[str, Any]:
        file = self.workspace.backend / ".pulumi" / "stacks" / "kade" / f"{STACK}.json"
        return json.loads(file.read_text())["checkpoint"]["latest"]

    def resources(self, type_: str) -> list[dict[str, Any]]:
        return [r for r in self.state()["resources"] if r["type"] == type_]

    def objects(self, provider: str) -> list[dict[str, Any]]:
        """What exists for the stand-in, whatever the engine believes."""
        folder = self.workspace.folder / "objects" / STACK / provider
        return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]

    def manifests(self) -> list[str]:
        folder = self.workspace.out / STACK / "manifests"
        return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.yaml"))

    def manifest(self, name: str) -> str:
        return (self.workspace.out / STACK / "manifests" / name).read_text()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command without waiting for it."""
        self.workspace.ensure_stack(STACK)
        return subprocess.Popen(
            [str(self.workspace.cli), *arguments, "--stack", STACK],
            cwd=self.workspace.project, env=self.workspace.environment() | environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def processes(self) -> list[str]:
        """Command lines of everything that works for this rehearsal."""
        found: list[str] = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.workspace.folder).encode() in environment and line and entry.name != str(os.getpid()):
                found.append(line)
        return found

    @staticmethod
    def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for something that happens in another process."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s: {what}"
            time.sleep(0.05)

    @staticmethod
    def kill(process: subprocess.Popen[str]) -> None:
        """End an engine as a crash does."""
        process.send_signal(signal.SIGKILL)
        process.communicate()


HEAD = '''
import os

import pulumi


def opts(provider, **more):
    """Options of a resource that an explicit provider makes."""
    return pulumi.ResourceOptions(provider=provider, **more)


def ask(provider):
    """Options of a function."""
    return pulumi.InvokeOptions(provider=provider)

'''


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    """A rehearsal in `tmp_path`; fails with set-up's own message where there is no CLI."""
    program = tmp_path / "program"
    program.mkdir()
    # The folder that a pack would lie in is missing, so none is enforced unless a test writes one.
    pack = tmp_path / "pack"
    folder = tmp_path / ".kade" / "rehearsal"
    workspace = open_workspace(folder=folder, program=program, out=tmp_path / "out", pack=pack)
    return Rehearsal(tmp_path, workspace)
