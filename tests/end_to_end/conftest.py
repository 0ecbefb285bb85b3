"""The whole thing as a user runs it: the command, the organisation's files, the real engine, the real pack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inputs.yaml import dump, load

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Kade:
    """One user's machine: an organisation of their own, a rehearsal of their own."""

    folder: Path

    @property
    def organisation(self) -> Path:
        return self.folder / "organisation"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KADE_HOME": str(self.organisation),
            "KADE_OUT": str(self.out),
            "KADE_WORKSPACE": str(self.folder / "kade" / "rehearsal"),
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `kade` and return what it said."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "kade"), *arguments],
            cwd=PROJECT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def edit(self, file: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a file of the organisation as data."""
        path = self.organisation / file
        data = load(path).data
        change(data)
        path.write_text(dump(data), encoding="utf-8")

    def verdict(self, stack: str) -> dict[str, Any]:
        return json.loads((self.out / stack / "verdict.json").read_text(encoding="utf-8"))

    def finding(self, stack: str, rule: str) -> dict[str, Any]:
        (finding,) = [found for found in self.verdict(stack)["findings"] if found["rule"] == rule]
        return finding

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """What the state says exists."""
        backend = self.folder / "kade" / "rehearsal" / "backend"
        file = backend / ".pulumi" / "stacks" / "kade" / f"{stack}.json"
        latest = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]["latest"] or {}
        return latest.get("resources") or []

    def manifests(self, stack: str) -> list[Path]:
        return sorted((self.out / stack / "manifests").rglob("*.yaml"))


@pytest.fixture
def kade(tmp_path: Path) -> Kade:
    shutil.copytree(PROJECT / "stacks" / "organisation", tmp_path / "organisation")
    return Kade(tmp_path)
