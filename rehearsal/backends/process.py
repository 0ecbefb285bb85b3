"""What a back end is to the supervisor: a program to start, a question whether it is ready, a way to stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.backends.layout import Layout

LAUNCH = Path(__file__).with_name("launch.py")
CLASH = ("address already in use", "Address already in use", "bind: address in use")
"""What servers write when somebody else has taken their port."""

_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "USER", "LOGNAME")
"""Variables that a server gets from us; credentials and proxies of whoever started the rehearsal are none of them."""


class ServerError(Exception):
    """A back end does not work; the text says which, and what it said last."""

    def __init__(self, text: str, *, clash: bool = False) -> None:
        """Remember whether it was only that somebody else had the port."""
        super().__init__(text)
        self.clash = clash


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of the system that a server runs as, where it refuses to run as root."""

    user: int
    group: int


@dataclass(frozen=True, kw_only=True)
class Server:
    """One program that serves something on 127.0.0.1."""

    name: str
    command: tuple[str, ...]
    """The program's path and its arguments. Every user of the machine can read those: no secret may stand in them."""
    address: str
    """Where it listens, for people."""
    ready: Callable[[], bool]
    """Whether it answers. Asked again and again after the start; an `OSError` counts as no."""
    needs: tuple[str, ...] = ()
    """Servers that must be ready before this one is started."""
    before: Callable[[], None] = nothing
    """Is run before every start; must leave alone what an earlier start has made."""
    after: Callable[[], None] = nothing
    """Is run each time the server is ready; must leave alone what an earlier start has made."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop: signal.Signals = signal.SIGTERM
    """What asks it to end."""
    patience: float = 5.0
    """Seconds between asking and killing."""
    limit: float = 180.0
    """Seconds within which it must be ready."""
    account: Account | None = None


@dataclass
class Running:
    """A server's process."""

    server: Server
    process: subprocess.Popen[bytes]
    since: float
    """When it was started, in seconds since 1970."""
    paused: bool = False

    @property
    def memory(self) -> int:
        """Resident memory in bytes, of its children too; 0 where it is gone."""
        return _resident(self.process.pid)

    def alive(self) -> bool:
        """Say whether it runs."""
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; to nobody where it has ended, because another process may have its number now."""
        if self.alive():
            self.process.send_signal(number)


def launch(server: Server, layout: Layout) -> Running:
    """Start a server's program. Must be called from the thread that lives longest: with it ends the program.

    Raises:
        ServerError: the program cannot be started.

    """
    log = layout.log(server.name)
    account = (str(server.account.user), str(server.account.group)) if server.account else ("-", "-")
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with log.open("ab") as out:
        out.write(f"--- started {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
        out.flush()
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *account, *server.command],
                cwd=layout.folder if server.account is None else "/",
                env={**kept, "TMPDIR": str(layout.temporary), **server.environment},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,  # an interrupt at the terminal is for the supervisor, which stops them in order
            )  # fmt: skip
        except OSError as error:
            msg = f"{server.name} cannot be started: {error}"
            raise ServerError(msg) from None
    return Running(server, process, time.time())


def last_words(log: Path, lines: int = 12) -> str:
    """Return the end of a server's log, since its last start."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    since = text.rsplit("--- started ", 1)[-1].splitlines()[1:]
    return "\n".join(line[:400] for line in since[-lines:])


def died(running: Running, layout: Layout) -> ServerError:
    """Return what to say about a server that ended by itself."""
    log = layout.log(running.server.name)
    words = last_words(log)
    clash = any(text in words for text in CLASH)
    why = "its port was taken meanwhile" if clash else f"exit code {running.process.returncode}"
    return ServerError(f"{running.server.name} ended: {why}. Its log {log} ends with:\n{words}", clash=clash)


def _resident(process: int) -> int:
    total = 0
    try:
        total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in (thread / "children").read_text().split():
                total += _resident(int(child))
    except OSError:
        pass
    return total
