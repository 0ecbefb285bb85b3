"""A real PostgreSQL for Pulumi's state."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rehearsal.backends import endpoints
from rehearsal.backends.ground import Ground
from rehearsal.backends.layout import write_secret
from rehearsal.backends.ports import ADDRESS
from rehearsal.backends.process import LAUNCH, Account, Server, ServerError

NAME = "postgres"
USER = "pulumi"
DATABASE = "pulumi"

_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=50",
    "unix_socket_directories=",
    "dynamic_shared_memory_type=mmap",
)
"""It is thrown away with the rehearsal; it listens nowhere but on its port; and what it shares lies with its data.

Elsewhere, in /dev/shm, that would stay in memory for ever when the server is killed.
"""

UNPRIVILEGED = ("postgres", "nobody")
"""Accounts of the system that can run it where we are root, best first."""


@dataclass(frozen=True)
class Database:
    """The server; its programs refuse to run as root, so then it gets an account without rights."""

    ground: Ground
    source: Path
    """Folder of `initdb` and `postgres`."""
    home: Path
    """Where its data lies: a folder that its account can reach."""
    account: Account | None

    @property
    def binaries(self) -> Path:
        """Folder of the programs that are run: copied beside the data where the account cannot reach their own."""
        if self.account is None or _reaches(self.account, self.source):
            return self.source
        return self.home / "programs" / self.source.name

    @property
    def _passfile(self) -> Path:
        return self.ground.layout.secret("pgpass")

    def server(self) -> Server:
        """Return what to start."""
        settings = (*_SETTINGS, f"listen_addresses={ADDRESS}", f"port={self.ground.ports[NAME]}")
        return Server(
            name=NAME,
            address=self.ground.address(NAME),
            command=(
                str(self.binaries / "postgres"), "-D", str(self.home / "data"),
                *(part for setting in settings for part in ("-c", setting)),
            ),
            account=self.account,
            environment={"LC_ALL": "C.UTF-8"},
            before=self._initialise,
            ready=self._ready,
            after=self._create,
            # TERM waits for every client to leave; INT throws them out.
            stop=signal.SIGINT,
        )  # fmt: skip

    def endpoint(self) -> endpoints.State:
        """Return how the engine finds its state there."""
        return endpoints.State(
            url=f"postgres://{USER}@{self.ground.address(NAME)}/{DATABASE}?sslmode=disable",
            environment={
                "PGPASSFILE": str(self._passfile),
                # The engine opens two connections a core and asks for one more per stack when it lists them: on two
                # cores `pulumi stack ls` waits for itself for ever as soon as there are five stacks.
                "GOMAXPROCS": "16",
            },
        )

    def _initialise(self) -> None:
        data = self.home / "data"
        if self._passfile.exists() and (data / "PG_VERSION").exists():
            return
        # Outside the rehearsal's folder there may be data of an earlier one, whose password went with its folder.
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(mode=0o700)
        if not self.binaries.is_relative_to(self.source):
            shutil.copytree(self.source.parent, self.binaries.parent, symlinks=True)
            self.binaries.parent.chmod(0o755)
        password = secrets.token_urlsafe(18)
        given = self.home / "password"
        write_secret(given, password)
        if self.account is not None:
            for path in (self.home, given):
                os.chown(path, self.account.user, self.account.group)
        self._run("initdb", "-D", str(data), "-A", "scram-sha-256", "-U", USER, f"--pwfile={given}", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        given.unlink()
        write_secret(self._passfile, f"{ADDRESS}:*:*:{USER}:{password}\n")

    def _ready(self) -> bool:
        asking = [str(self.binaries / "pg_isready"), "-q", "-h", ADDRESS, "-p", str(self.ground.ports[NAME])]
        return subprocess.run(asking, env={"LC_ALL": "C.UTF-8"}, timeout=10, check=False).returncode == 0

    def _create(self) -> None:
        psql = [str(self.binaries / "psql"), "-h", ADDRESS, "-p", str(self.ground.ports[NAME]), "-U", USER, "-w",
                "-d", "postgres", "-Atc"]  # fmt: skip
        environment = {"PGPASSFILE": str(self._passfile), "LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "")}
        known = f"SELECT 1 FROM pg_database WHERE datname='{DATABASE}'"
        found = subprocess.run([*psql, known], env=environment, capture_output=True, text=True, check=False)
        if found.returncode == 0 and not found.stdout.strip():
            found = subprocess.run(
                [*psql, f"CREATE DATABASE {DATABASE}"], env=environment, capture_output=True, text=True, check=False
            )
        if found.returncode:
            msg = f"PostgreSQL does not make a database: {found.stderr.strip()}"
            raise ServerError(msg)

    def _run(self, name: str, *arguments: str) -> None:
        account = (str(self.account.user), str(self.account.group)) if self.account else ("-", "-")
        command = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *account]
        done = subprocess.run(
            [*command, str(self.binaries / name), *arguments],
            cwd="/", env={"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "")},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"`{name}` fails: {(done.stderr or done.stdout).strip()[-2000:]}"
            raise ServerError(msg)


def settle(ground: Ground, binaries: Path) -> Database:
    """Return the server with an account that may run it and a folder that this account can reach.

    Raises:
        ServerError: we are root, and the system has no account without rights.

    """
    home = ground.layout.data(NAME)
    if os.geteuid() != 0:
        return Database(ground, binaries, home, None)
    account = _unprivileged()
    if not _reaches(account, home.parent):
        home = ground.layout.elsewhere
    return Database(ground, binaries, home, account)


def _unprivileged() -> Account:
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(user=found.pw_uid, group=found.pw_gid)
    msg = f"PostgreSQL refuses to run as root, and there is none of the accounts {' and '.join(UNPRIVILEGED)}."
    raise ServerError(msg)


def _reaches(account: Account, folder: Path) -> bool:
    """Say whether an account may enter a folder, which needs the right to pass through all above it."""
    for path in (folder.resolve(), *folder.resolve().parents):
        state = path.stat()
        shift = 6 if state.st_uid == account.user else 3 if state.st_gid == account.group else 0
        if not state.st_mode >> shift & 0o001:
            return False
    return True
