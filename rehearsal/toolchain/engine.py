"""The Pulumi CLI: one on PATH, else the official download, else built from its Go module."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from rehearsal.toolchain.cache import cache_folder, entry, locked
from rehearsal.toolchain.progress import Progress, ToolchainError

VERSION = "3.246.0"
"""Version that is downloaded or built; a CLI on PATH may be newer. Must equal the one in engine/go.mod."""


@dataclass(frozen=True)
class Engine:
    """A Pulumi CLI that can be used."""

    path: Path
    version: str
    source: str
    """`path`, `download` or `build`."""


def stamp_file(root: Path) -> Path:
    """Return the file that says what set-up has found for a clone."""
    return root / ".kade" / "toolchain.json"


def write_stamp(root: Path, engine: Engine, inputs: str, on_path: str) -> None:
    """Remember the result of a set-up and what it depends on."""
    file = stamp_file(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    data = {"inputs": inputs, "on_path": on_path, "engine": {**asdict(engine), "path": str(engine.path)}}
    temporary.write_text(json.dumps(data, indent=1), encoding="utf-8")
    temporary.replace(file)


def read_stamp(root: Path) -> tuple[Engine, str, str] | None:
    """Return engine, digest of inputs and state of PATH of the last set-up; `None` where there is none that holds."""
    try:
        data = json.loads(stamp_file(root).read_text(encoding="utf-8"))
        known: dict[str, str] = data["engine"]
        engine = Engine(Path(known["path"]), known["version"], known["source"])
        return (engine, data["inputs"], data["on_path"]) if engine.path.is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def installed(root: Path) -> Engine:
    """Return the CLI that set-up has found.

    Raises:
        ToolchainError: set-up has not run, or its result is gone.

    """
    stamp = read_stamp(root)
    if stamp is None:
        msg = "There is no Pulumi CLI set up for this clone. Run `make setup`."
        raise ToolchainError(msg)
    return stamp[0]


def search_path(root: Path) -> str:
    """Return PATH without this clone's own commands, which would find themselves."""
    own = (root / ".kade" / "bin").resolve()
    parts = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(part for part in parts if part and Path(part).resolve() != own)


def on_path(root: Path) -> str:
    """Return what identifies the `pulumi` on PATH, so that a stamp can tell when it changes; empty where none is."""
    found = shutil.which("pulumi", path=search_path(root))
    if found is None:
        return ""
    state = Path(found).stat()
    return f"{found} {state.st_size} {state.st_mtime_ns}"


def new_enough(version: str) -> bool:
    """Say whether a version such as `v3.250.1` is at least the one that Kade needs."""
    numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version.strip())
    return numbers is not None and tuple(map(int, numbers.groups())) >= tuple(map(int, VERSION.split(".")))


def find(root: Path, progress: Progress) -> Engine:
    """Return a CLI that can be used; downloads or builds one where there is none.

    Raises:
        ToolchainError: no way worked; says what was tried.

    """
    # Imported late: a second run of set-up needs neither, and imports of the network cost most of its time.
    from rehearsal.toolchain import build, download

    found = _from_path(root, progress)
    if found is not None:
        return found
    folder = cache_folder() / "engine"
    with locked(folder / "lock", progress, "the Pulumi CLI"):
        official = folder / f"official-{VERSION}-{download.platform()}"
        key = build.key(root)
        built = folder / f"built-{VERSION}-{key}"
        if not official.is_dir() and not built.is_dir():
            refused = download.attempt(official, progress)
            if refused is not None:
                progress.say(
                    f"Official Pulumi CLI {VERSION}: tried, {refused}. It is built from its Go module instead."
                )
                entry(built, lambda target: build.build(root, target, progress))
        if official.is_dir():
            return Engine(official / "pulumi" / "pulumi", VERSION, "download")
        return Engine(built / "pulumi", VERSION, "build")


def _from_path(root: Path, progress: Progress) -> Engine | None:
    path = search_path(root)
    command = shutil.which("pulumi", path=path)
    if command is None:
        return None
    asked = subprocess.run([command, "version"], capture_output=True, text=True, check=False, timeout=30)
    version = asked.stdout.strip().removeprefix("v")
    if asked.returncode or not new_enough(version):
        progress.say(f"{command} is version {version or 'unknown'}, older than {VERSION}: not used.")
        return None
    return Engine(Path(command), version, "path")
