"""One folder for all that set-up downloads or builds, shared by every clone; entries are whole or absent."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from rehearsal.toolchain.progress import Progress, ToolchainError

UNUSED_DAYS = 60
"""Days without use after which an entry goes when one beside it is made. Another clone may still be at an earlier
version; the worst that can happen is that it is built again."""


def cache_folder() -> Path:
    """Return `$XDG_CACHE_HOME/kade`, by default `~/.cache/kade`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "kade"


def digest(*parts: bytes | str | Path) -> str:
    """Return a short digest of texts and of files' contents; a missing file counts as empty."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            part = part.read_bytes() if part.is_file() else b""
        elif isinstance(part, str):
            part = part.encode()
        total.update(len(part).to_bytes(8))
        total.update(part)
    return total.hexdigest()[:20]


@contextmanager
def locked(path: Path, progress: Progress, what: str) -> Generator[None]:
    """Hold a lock file, so that two set-ups do not do the same work or meet half-way.

    The system drops the lock when its holder ends, however it ends.
    """
    _made(path.parent)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step(f"Waiting for another set-up that is at work on {what}", f"lock {path}"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def entry(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return a cache entry; `make` fills a folder beside it, which then takes its name in one step.

    Raises:
        ToolchainError: the folder cannot be written, for example because the disk is full.

    """
    if folder.is_dir():
        touch(folder)
        return folder
    _made(folder.parent)
    _sweep(folder.parent)
    _prune(folder.parent)
    temporary = Path(tempfile.mkdtemp(prefix=f".making-{os.getpid()}-", dir=folder.parent))
    try:
        make(temporary)
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was faster, with the same content
                raise
    except OSError as error:
        raise _unwritable(folder.parent, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def touch(folder: Path) -> None:
    """Note that an entry is in use."""
    with suppress(OSError):  # a cache that somebody else owns
        os.utime(folder)


def _sweep(folder: Path) -> None:
    """Remove what runs have left that were killed; a process that still lives keeps its folder."""
    for left in folder.glob(".making-*"):
        process = left.name.split("-")[1]
        if process.isdigit() and not Path(f"/proc/{process}").exists() and not _alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def _prune(folder: Path) -> None:
    """Remove the entries beside a new one that no set-up has asked for in a long time: those of earlier versions."""
    oldest = time.time() - UNUSED_DAYS * 86400
    for old in folder.iterdir():
        if old.is_dir() and not old.name.startswith(".") and old.stat().st_mtime < oldest:
            shutil.rmtree(old, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> ToolchainError:
    return ToolchainError(
        f"Cannot write to {folder}: {error.strerror or error}. Make room, or choose another cache by XDG_CACHE_HOME."
    )
