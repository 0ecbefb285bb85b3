"""Lock the Python dependencies again: `python -m rehearsal.lock` writes requirements.lock from pyproject.toml.

A lock file that names hosts would send every organisation to the host of whoever wrote it, so none may stand in it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from rehearsal.toolchain.progress import Progress, ToolchainError
from rehearsal.toolchain.python_env import installer

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Resolve all dependencies, those of development included, with the hashes of every file."""
    progress = Progress()
    command = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--all-extras"]
    command += ["--python-version", "3.11", "--no-emit-index-url", "pyproject.toml"]
    try:
        uv = installer(progress)
    except ToolchainError as error:
        progress.say(str(error))
        return 1
    with progress.step("Resolving the Python dependencies"):
        done = subprocess.run([uv, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        progress.say(f"The dependencies cannot be resolved; requirements.lock stays as it is.\n{done.stderr.strip()}")
        return 1
    if re.search(r"https?://", done.stdout):
        progress.say("The resolver wrote the address of a host; requirements.lock stays as it is.")
        return 1
    (ROOT / "requirements.lock").write_text(done.stdout, encoding="utf-8")
    progress.say("requirements.lock is written. Run `make setup`, then the tests.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
