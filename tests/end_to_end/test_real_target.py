"""The way of a real target: an organisation of one's own, its own project file, a backend that is no rehearsal's.

The engine is the one that set-up has found, and the language host Kade's own where that came without one. There is no
vCenter here: what is tested is everything before a provider is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import starting
from rehearsal.toolchain.engine import installed
from tests.end_to_end.conftest import PROJECT

pytestmark = pytest.mark.engine
STACK = "production-machines"


class Target:
    """A machine with the CLI on PATH, logged in to a backend of the organisation's choice."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "gemeente"
        self.out = folder / "out"
        starting.start(self.home)
        commands = folder / "bin"
        commands.mkdir()
        (commands / "pulumi").symlink_to(installed(PROJECT).path)
        host = commands / "pulumi-language-python"
        host.write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT} exec {sys.executable} -P -m rehearsal.host "$@"\n')
        host.chmod(0o755)
        (folder / "backend").mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "KADE_"))},
            "KADE_HOME": str(self.home),
            "KADE_OUT": str(self.out),
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "pulumi"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def kade(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).parent / "kade"), *arguments)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path)


def test_missing_secrets_are_named_before_the_engine_starts_and_a_missing_plugin_is_no_stand_in(target: Target) -> None:
    tracked = subprocess.run(["git", "status", "--short"], cwd=PROJECT, capture_output=True, text=True, check=False)
    made = target.run("pulumi", "stack", "init", STACK)
    assert made.returncode == 0, made.stderr
    assert (target.home / "config" / f"Pulumi.{STACK}.yaml").exists(), "secrets are kept with the organisation"

    without = target.kade("preview", STACK)
    assert without.returncode == 2, without.stdout + without.stderr
    for name in ("vcenterUser", "vcenterPassword"):
        assert f"pulumi config set --stack {STACK} --secret kade:{name}" in without.stderr
        target.run("pulumi", "config", "set", "--stack", STACK, "--secret", f"kade:{name}", "an-account")

    preview = target.kade("preview", STACK)
    said = preview.stdout + preview.stderr
    assert preview.returncode == 4, said
    assert "unknown flag" not in said
    assert "resource plugin" in said, "the program must have come as far as asking for the official plugins"
    assert "There is no verdict of this run" in said
    assert not target.out.exists() or not list(target.out.rglob("verdict.json"))

    after = subprocess.run(["git", "status", "--short"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert after.stdout == tracked.stdout
