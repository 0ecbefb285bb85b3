"""Lock the Python dependencies again: `python -m rehearsal.lock` writes requirements.lock from pyproject.toml.

A lock file that names hosts would send every organisation to the host of whoever wrote it, so none may stand in it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rehearsal.toolchain.progress import Progress, ToolchainError
from rehearsal.toolchain.python_env import installer

ROOT = Path(__file__).resolve().parent.parent


LOCK = ROOT / "requirements.lock"


def main() -> int:
    """Resolve all dependencies, those of development included, with the hashes of every file.

    What is locked stays as it is where it still fits; with `--upgrade` everything is resolved to its newest version.
    """
    progress = Progress()
    if sys.argv[1:] not in ([], ["--upgrade"]):
        progress.say("usage: python -m rehearsal.lock [--upgrade]")
        return 2
    command = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--all-extras"]
    command += ["--python-version", "3.11", "--no-emit-index-url", *sys.argv[1:], "pyproject.toml"]
    try:
        uv = installer(progress)
    except ToolchainError as error:
        progress.say(str(error))
        return 1
    with tempfile.TemporaryDirectory() as folder, progress.step("Resolving the Python dependencies"):
        made = Path(folder) / LOCK.name
        if LOCK.exists():
            shutil.copyfile(LOCK, made)  # the resolver keeps what it finds here
        command += ["--output-file", str(made)]
        done = subprocess.run([uv, *command], cwd=ROOT, capture_output=True, text=True, check=False)
        text = made.read_text(encoding="utf-8") if made.exists() else ""
    if done.returncode:
        progress.say(f"The dependencies cannot be resolved; {LOCK.name} stays as it is.\n{done.stderr.strip()}")
        return 1
    if re.search(r"https?://", text):
        progress.say(f"The resolver wrote the address of a host; {LOCK.name} stays as it is.")
        return 1
    LOCK.write_text(text, encoding="utf-8")
    progress.say(f"{LOCK.name} is written. Run `make setup`, then the tests.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
