"""The project's virtual environment `.venv`, exactly as requirements.lock says."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from rehearsal.toolchain.cache import cache_folder, digest, locked
from rehearsal.toolchain.progress import Progress, ToolchainError

UV = "uv>=0.9,<1"
"""What is installed where no uv is on PATH. Any of these reads the lock file's hashes; the lock decides the rest."""


def environment_python(root: Path) -> Path:
    """Return the interpreter of `.venv`."""
    return root / ".venv" / "bin" / "python"


def ready(root: Path) -> bool:
    """Say whether `.venv` is what the lock file and the project file say now."""
    stamp = _stamp(root)
    return stamp.is_file() and stamp.read_text() == _inputs(root) and environment_python(root).exists()


def _stamp(root: Path) -> Path:
    # Inside the environment: whoever removes that removes this.
    return root / ".venv" / "kade-inputs"


def _inputs(root: Path) -> str:
    return digest(root / "requirements.lock", root / "pyproject.toml", Path(__file__), sys.version)


def make(root: Path, progress: Progress) -> None:
    """Make `.venv`, or bring it up to date.

    Raises:
        ToolchainError: a step failed; says which and what it said.

    """
    uv = installer(progress)
    variables = {**os.environ, "UV_CACHE_DIR": str(cache_folder() / "uv"), "UV_NO_PROGRESS": "1"}
    variables.pop("VIRTUAL_ENV", None)
    folder = root / ".venv"
    inputs = _inputs(root)
    _stamp(root).unlink(missing_ok=True)  # an interrupted run leaves an environment that is not trusted
    (cache_folder() / "uv").mkdir(parents=True, exist_ok=True)
    if (cache_folder() / "uv").stat().st_dev != root.stat().st_dev:
        variables["UV_LINK_MODE"] = "copy"  # hard links do not cross file systems; uv would warn of each
    python = str(environment_python(root))

    def run(*arguments: str, what: str) -> None:
        done = subprocess.run([uv, *arguments], cwd=root, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            msg = (
                f"{what} failed. Tried: `uv {' '.join(arguments[:2])} …` with {uv}. It said:\n"
                f"{(done.stderr or done.stdout).strip()}\nCheck that Python packages can be downloaded and that the "
                "disk is not full, then run the same command again."
            )
            raise ToolchainError(msg)

    with progress.step("Python environment .venv", "exactly what requirements.lock says, checked by hash") as step:
        run("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder), what="Making .venv")
        step.detail = "installing packages"
        # Bytecode once, here: without it every run compiles the SDKs again and takes twice as long.
        run(
            "pip", "sync", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode", "requirements.lock",
            what="Installing the Python packages",
        )  # fmt: skip
        step.detail = "installing Kade itself"
        run(
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--no-deps",
            "--editable",
            ".",
            what="Installing Kade into .venv",
        )
        _stamp(root).write_text(inputs)  # fmt: skip


def installer(progress: Progress) -> str:
    """Return a uv: the one on PATH, else one of our own in the cache."""
    found = shutil.which("uv")
    if found is not None:
        return found
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache_folder() / "installer" / f"python-{version}"
    with locked(folder.parent / "lock", progress, "the Python installer"):
        # A virtual environment holds its own path, so this is made in place; the mark says that it is whole.
        if not (folder / "whole").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            _need_venv(progress)
            with progress.step("uv, the Python installer", "there is none on PATH"):
                _quiet([sys.executable, "-m", "venv", str(folder)], "Making an environment for uv")
                pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
                _quiet([*pip, "--disable-pip-version-check", UV], "Installing uv from PyPI")
                (folder / "whole").touch()
    return str(folder / "bin" / "uv")


def _need_venv(progress: Progress) -> None:
    """Make sure that Python can make environments; Debian ships that as a package of its own."""
    if importlib.util.find_spec("ensurepip") is not None:
        return
    command = ["apt-get", "install", "-y", "python3-venv"]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        msg = (
            f"{sys.executable} cannot make virtual environments: its module ensurepip is missing. On Debian or Ubuntu "
            "run `sudo apt-get install -y python3-venv`; or put `uv` on PATH. Then run the same command again."
        )
        raise ToolchainError(msg)
    with progress.step("Debian package python3-venv", "Python's module ensurepip is missing"):
        _quiet(command, "Installing python3-venv")


def _quiet(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"{what} failed. Tried: `{' '.join(command)}`. It said:\n{(done.stderr or done.stdout).strip()}"
        raise ToolchainError(msg)
