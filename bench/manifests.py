"""`kade check` over manifests against Checkov's Kubernetes rules, and how it grows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.measure import Command, Timed, in_turns
from bench.objects import stream
from rehearsal.toolchain.cache import cache_folder
from rehearsal.toolchain.progress import Progress
from rehearsal.toolchain.python_env import installer

CHECKOV = "3.3.30"
BIN = Path(sys.executable).parent


def kade(name: str, file: Path, folder: Path) -> Command:
    """Return the whole check of one file; findings are expected, so exit code 1 is fine."""
    out = folder / "findings.json"
    arguments = [
        str(BIN / "kade"),
        "check",
        "--source",
        "manifests",
        str(file),
        "--format",
        "json",
        "--output",
        str(out),
    ]
    return Command(name, arguments, folder, os.environ, codes=(0, 1))


def checkov(file: Path, folder: Path) -> Command:
    """Return Checkov with its Kubernetes rules on the same file."""
    program = _checkov()
    arguments = [str(program), "-f", str(file), "--framework", "kubernetes", "-o", "json", "--quiet", "--compact"]
    environment = {**os.environ, "LOG_LEVEL": "ERROR", "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    return Command(f"Checkov {CHECKOV}, its Kubernetes rules", arguments, folder, environment, codes=(0, 1))


def _checkov() -> Path:
    """Install Checkov into an environment of its own, once."""
    home = cache_folder() / "bench" / f"checkov-{CHECKOV}"
    program = home / "bin" / "checkov"
    if not program.exists():
        uv = installer(Progress())
        subprocess.run([uv, "venv", "-q", "--clear", str(home)], check=True)
        python = str(home / "bin" / "python")
        command = [uv, "pip", "install", "-q", "--python", python, "--compile-bytecode", f"checkov=={CHECKOV}"]
        subprocess.run(command, check=True)
    return program


def run(folder: Path, runs: int) -> tuple[list[Timed], list[Timed]]:
    """Time both on 1,000 Deployments, then `kade check` on 1,000 and 10,000."""
    small, large = stream(folder / "1000.yaml", 1_000), stream(folder / "10000.yaml", 10_000)
    against = in_turns([kade("kade check, all rules", small, folder), checkov(small, folder)], runs)
    growth = in_turns([kade("1,000 Deployments", small, folder), kade("10,000 Deployments", large, folder)], runs)
    return against, growth
