"""Build a program from Go modules: explicit versions and checksums stand in its go.mod and go.sum."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal.toolchain.cache import digest
from rehearsal.toolchain.progress import Progress, Step, ToolchainError

_LAST_WORDS = 20
_ROOM = 2 << 30
"""Bytes that must be free before a build begins; with less it fails half-way, and says so less clearly."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program and how it is built."""

    title: str
    """For people, for example `Pulumi CLI 3.246.0`."""
    modules: Path
    """Folder of its go.mod."""
    package: str
    """What is built: a package's path, or a folder below go.mod that begins with `./`."""
    name: str
    """Name of the file."""
    link: str = "-s -w"
    """Flags of the linker; by default no symbol tables."""
    compile: tuple[str, ...] = ("all=-dwarf=false",)
    """Flags of the compiler, each for a pattern of packages; the last one that fits counts. Default: no debug data."""


def key(program: Program) -> str:
    """Return what the built program depends on: versions, checksums, own sources, flags and the compiler."""
    folder = program.modules
    ours = program.package.startswith("./")
    own = [program.package, *sorted((folder / program.package).glob("*.go"))] if ours else []
    flags = (program.link, *program.compile, go_version() or "no go")
    return digest(folder / "go.mod", folder / "go.sum", *own, *flags)


def go_version() -> str | None:
    """Return version and platform of the Go compiler on PATH; `None` where there is none."""
    go = shutil.which("go")
    if go is None:
        return None
    asked = subprocess.run(
        [go, "env", "GOVERSION", "GOOS", "GOARCH"],
        capture_output=True, text=True, check=False, env={**os.environ, "GOTOOLCHAIN": "local"},
    )  # fmt: skip
    return " ".join(asked.stdout.split()) or None


def check_go(modules: Path, absent: str, wanted_for: str, remedy: str) -> str:
    """Return the path of a Go compiler that is new enough for a go.mod.

    Args:
        modules: folder of go.mod.
        absent: what to say where there is no compiler at all.
        wanted_for: what is to be built.
        remedy: what to do; `{need}` in it becomes the version.

    Raises:
        ToolchainError: there is none.

    """
    wanted = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?", (modules / "go.mod").read_text(), re.MULTILINE)
    assert wanted is not None, f"{modules}/go.mod names no Go version"
    need = ".".join(part for part in wanted.groups() if part)
    remedy = remedy.format(need=need)
    version = go_version()
    if version is None:
        msg = f"{absent} {remedy}"
        raise ToolchainError(msg)
    numbers = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", version)
    have = tuple(int(part or 0) for part in numbers.groups()) if numbers else (0, 0, 0)
    if have < tuple(int(part or 0) for part in wanted.groups()):
        msg = f"The Go compiler on PATH is {version.split()[0]}; building {wanted_for} needs {need}. {remedy}"
        raise ToolchainError(msg)
    return str(shutil.which("go"))


def build(go: str, program: Program, target: Path, progress: Progress, why: str) -> None:
    """Build a program into a folder.

    Raises:
        ToolchainError: the compiler failed; shows its last words.

    """
    _check_room(target, program)
    with progress.step(f"Building {program.title} from its Go module", why) as step:
        command = [go, "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly"]
        command += [f"-gcflags={flags}" for flags in program.compile]
        command += ["-ldflags", program.link, "-o", str(target / program.name), program.package]
        code, last = _run(command, program.modules, step)
        if code:
            msg = (
                f"Building {program.title} failed (exit code {code}). Tried: `{' '.join(command[:2])} … "
                f"{program.package}` in {program.modules}. Its last words:\n  " + "\n  ".join(last) + "\nCheck that "
                "the Go module proxy can be reached (`go env GOPROXY`) and that the disk has 5 GB free, then run the "
                "same command again."
            )
            raise ToolchainError(msg)


def _run(command: list[str], folder: Path, step: Step) -> tuple[int, list[str]]:
    """Run the compiler; return its exit code and its last lines."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
    downloads = packages = 0
    last: list[str] = []
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            for line in process.stderr or ():
                last = [*last[1 - _LAST_WORDS :], line.rstrip()]
                if line.startswith("go: downloading"):
                    downloads += 1
                elif not line.startswith(("go:", "#", "\t")):
                    packages += 1
                step.detail = f"{downloads} modules downloaded, {packages} packages compiled"
            return process.wait(), last
        finally:
            if process.poll() is None:
                process.kill()


def _check_room(target: Path, program: Program) -> None:
    free = shutil.disk_usage(target).free
    if free < _ROOM:
        msg = (
            f"Building {program.title} needs room: {target.parent} has {free >> 20} MB free, and a build needs "
            f"{_ROOM >> 20} MB there, with 5 GB more for Go's own caches. Make room, or choose another cache by "
            "XDG_CACHE_HOME and GOCACHE."
        )
        raise ToolchainError(msg)
