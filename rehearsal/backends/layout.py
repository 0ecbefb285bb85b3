"""Where the back ends of one rehearsal keep their things: `backends/` in the rehearsal's folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SCHEMA = "kade.backends/1"
"""Version of this layout and of what the servers keep in it; a folder of another version is begun anew."""
ELSEWHERE = str(Path(tempfile.gettempdir()) / "kade-rehearsal-")
"""How the path begins of a folder outside the rehearsal's own, for an account that cannot reach that."""


@dataclass(frozen=True)
class Layout:
    """The paths of one rehearsal's back ends. Making one changes nothing on disk."""

    rehearsal: Path
    """The rehearsal's folder."""

    @property
    def folder(self) -> Path:
        """Everything of the back ends."""
        return self.rehearsal / "backends"

    @property
    def logs(self) -> Path:
        """One file a server; the only thing that outlives the rehearsal."""
        return self.folder / "logs"

    @property
    def pki(self) -> Path:
        """Certificates and their keys."""
        return self.folder / "pki"

    @property
    def secrets(self) -> Path:
        """Passwords and tokens, one file each, readable by their owner alone."""
        return self.folder / "secrets"

    @property
    def tools(self) -> Path:
        """Folder of links to the programs, under the names that people call them by."""
        return self.folder / "tools"

    @property
    def site(self) -> Path:
        """What surrounds the cluster (see `site.py`)."""
        return self.folder / "site.json"

    @property
    def version(self) -> Path:
        """`SCHEMA`, of who made the folder."""
        return self.folder / "version"

    @property
    def lock(self) -> Path:
        """Held by the supervisor for as long as it lives, however it ends."""
        return self.folder / "lock"

    @property
    def run(self) -> Path:
        """Which process the supervisor is, and until when it lives."""
        return self.folder / "run.json"

    @property
    def socket(self) -> Path:
        """Where the supervisor takes orders."""
        return self.folder / "control"

    @property
    def failure(self) -> Path:
        """Why the supervisor gave up, in words for people."""
        return self.folder / "failure.txt"

    @property
    def elsewhere(self) -> Path:
        """A folder outside that belongs to this rehearsal; its name says whose, also when the rehearsal's is gone."""
        name = hashlib.sha256(os.fsencode(self.rehearsal.resolve())).hexdigest()
        return Path(f"{ELSEWHERE}{name[:24]}")

    @property
    def temporary(self) -> Path:
        """Temporary files of the servers: those of a killed one are removed with the rest."""
        return self.folder / "tmp"

    def data(self, server: str) -> Path:
        """Return the folder of one server's data."""
        return self.folder / "data" / server

    def log(self, server: str) -> Path:
        """Return the file of one server's log."""
        return self.logs / f"{server}.log"

    def secret(self, name: str) -> Path:
        """Return the file of one password or token."""
        return self.secrets / name

    def make(self) -> None:
        """Make the folders that every server expects; what is there stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.pki, self.secrets, self.temporary):
            folder.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.logs, self.folder / "data"):
            folder.mkdir(exist_ok=True)
        self.version.write_text(SCHEMA, encoding="utf-8")

    def clean(self) -> None:
        """Remove everything of the rehearsal but the logs; of its back ends' state nothing is worth keeping."""
        # What stands there and is no folder is not ours. This leaves it, and does not follow a link.
        shutil.rmtree(self.elsewhere, ignore_errors=True)
        if not self.rehearsal.is_dir():
            return
        for path in list(self.rehearsal.iterdir()):
            if path != self.folder:
                _remove(path)
        if not self.folder.is_dir():
            return
        kept = {self.logs, self.lock}  # whoever holds or waits for the lock would not see a new file of that name
        for path in list(self.folder.iterdir()):
            if path not in kept:
                _remove(path)


def write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        temporary.unlink()
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
