"""Start, ask and end the back ends of a rehearsal: what everybody uses who is not the supervisor itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rehearsal.backends import build, endpoints, identity
from rehearsal.backends import site as sites
from rehearsal.backends.assemble import PARTS
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.layout import SCHEMA, Layout
from rehearsal.backends.process import last_words
from rehearsal.backends.service import BUSY, BusyError, at, hold
from rehearsal.backends.site import Site
from rehearsal.backends.supervisor import State
from rehearsal.toolchain.progress import Progress

LIFE = 240.0
"""Minutes that a rehearsal lives when nobody says otherwise."""
VERBS = ("start", "stop", "pause", "resume", "seal", "unseal")
"""Orders for one server; those for OpenBao's seal need no name."""
FORGETFUL = ("vcenter",)
"""Servers that keep everything in memory: what they knew ends with them."""
_START = 600.0
_END = 45.0
_ORDER = 150.0
"""Seconds to wait: for all servers, for the end of all, for an order."""
_ROOM = 1 << 30
"""Bytes that must be free; servers whose disk is full fail in many ways and name it in none."""

_STARTED: list[subprocess.Popen[bytes]] = []
"""Supervisors that this process has started. They outlive it; Python warns of one that is forgotten while it runs."""


class BackendsError(Exception):
    """The back ends cannot do what was asked; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One server, for people."""

    name: str
    state: str
    pid: int | None
    address: str
    memory: int
    """Bytes, resident."""
    since: float | None
    code: int | None
    """Exit code, where it ended by itself."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the back ends of a rehearsal are doing."""

    running: bool
    """Whether their supervisor lives."""
    ready: bool = False
    until: float = 0.0
    """When it ends by itself, in seconds since 1970."""
    killed: bool = False
    """Whether it was killed and left its files; the next start begins anew."""
    servers: tuple[Row, ...] = ()

    @property
    def ended(self) -> tuple[Row, ...]:
        """The servers that ended by themselves: the rehearsal is not whole without them."""
        return tuple(row for row in self.servers if row.state == State.ENDED)


def start(
    folder: Path,
    site: Site,
    progress: Progress,
    life: float = LIFE,
    parts: Collection[str] = tuple(PARTS),
) -> Endpoints:
    """Start the back ends of a rehearsal, or find that they run, and return where they listen.

    Call this before anything else is put into the folder: what a killed rehearsal has left there is removed, all of it
    but the logs, because its back ends have forgotten what its state remembers.

    Args:
        folder: the rehearsal's folder.
        site: what surrounds the cluster. Other people than before go into the directory; for anything else that has
            changed, the rehearsal must end first.
        progress: says what takes long.
        life: minutes after which all ends by itself.
        parts: which back ends, of `PARTS`.

    Raises:
        BackendsError: they do not start, or run already for another site.
        ToolchainError: a program cannot be had.

    """
    layout = Layout(folder.resolve())
    if _running(layout):
        return _join(layout, site, life, progress)
    _leftover(layout, progress)
    _check_room(layout)
    tools = build.prepare(progress, parts)
    layout.make()
    layout.site.write_text(site.dump(), encoding="utf-8")
    tools.link(layout)
    with progress.step("Back ends", "each on a free port of this machine") as step:
        process = _spawn(layout, life, parts)
        until = time.monotonic() + _START
        while True:
            found = status(folder)
            if found.ready:
                break
            if process.poll() == BUSY:
                return _join(layout, site, life, progress)  # somebody else was faster
            if process.poll() is not None:
                raise _failed(layout)
            if time.monotonic() > until:
                down(folder)
                msg = f"The back ends are not ready after {_START:.0f} s. See the logs in {layout.logs}."
                raise BackendsError(msg)
            step.detail = "waiting for " + ", ".join(row.name for row in found.servers if row.state != "ready")
            time.sleep(0.1)
    return _endpoints(layout)


def status(folder: Path) -> Status:
    """Return what the back ends of a rehearsal are doing."""
    layout = Layout(folder.resolve())
    if not _running(layout):
        return Status(running=False, killed=layout.run.exists())
    try:
        answer = _ask(layout, {"verb": "status"}, 10.0)
    except (OSError, ValueError):
        return Status(running=True)  # it is about to listen, or about to end
    found: dict[str, Any] = answer["answer"]
    rows = tuple(Row(**row) for row in found["servers"])
    return Status(running=True, ready=found["ready"], until=found["until"], servers=rows)


def down(folder: Path) -> bool:
    """End all back ends and remove everything but the logs; say whether there was anything.

    Raises:
        BackendsError: the supervisor does not end.

    """
    layout = Layout(folder.resolve())
    was = _running(layout)
    if was and not _end(layout):
        msg = f"The supervisor of {layout.rehearsal} does not end; its process stands in {layout.run}."
        raise BackendsError(msg)
    left = layout.rehearsal.is_dir() and any(path != layout.folder for path in layout.rehearsal.iterdir())
    left = left or layout.run.exists() or layout.version.exists()
    layout.clean()
    layout.lock.unlink(missing_ok=True)
    return was or left


def control(folder: Path, verb: str, name: str = "") -> None:
    """Give an order for one server: `stop`, `start`, `pause`, `resume`, or `seal` and `unseal` for OpenBao.

    Raises:
        BackendsError: the rehearsal does not run, or the order cannot be followed.

    """
    if verb not in VERBS:
        msg = f"{verb!r} is no order. There are: {', '.join(VERBS)}."
        raise BackendsError(msg)
    _order(Layout(folder.resolve()), verb, name)


def _join(layout: Layout, site: Site, life: float, progress: Progress) -> Endpoints:
    """Go on with a rehearsal that runs."""
    if _version(layout) != SCHEMA:
        msg = f"The rehearsal in {layout.rehearsal} is one of another version of Kade. {_begin_anew(layout)}"
        raise BackendsError(msg)
    until = time.monotonic() + _START
    while not status(layout.rehearsal).ready:  # somebody else is starting it
        if not _running(layout):
            raise _failed(layout)
        if time.monotonic() > until:
            msg = f"The back ends in {layout.rehearsal} are not ready after {_START:.0f} s. {_begin_anew(layout)}"
            raise BackendsError(msg)
        time.sleep(0.2)
    old = sites.load(layout.site)
    if replace(old, people=site.people) != site:
        changed = [name for name in vars(site) if name != "people" and vars(site)[name] != vars(old)[name]]
        msg = (
            f"The rehearsal in {layout.rehearsal} runs for other surroundings: {', '.join(changed)} changed in the "
            f"organisation's files. {_begin_anew(layout)}"
        )
        raise BackendsError(msg)
    if old.people != site.people:
        layout.site.write_text(site.dump(), encoding="utf-8")
        _order(layout, "people")
    _revive(layout, progress)
    _order(layout, "extend", str(life * 60))
    return _endpoints(layout)


def _begin_anew(layout: Layout) -> str:
    return f"Run `kade rehearse down {layout.rehearsal.name}`, then start again."


def _revive(layout: Layout, progress: Progress) -> None:
    """Start what has ended, and let go on what was stopped: by a crash, or by a drill that was interrupted.

    Raises:
        BackendsError: what has ended remembers nothing, or does not start.

    """
    rows = status(layout.rehearsal).servers
    for row in rows:
        if row.name in FORGETFUL and row.state in (State.ENDED, State.STOPPED):
            msg = (
                f"{row.name} has ended, and it keeps everything in memory (its log: {layout.log(row.name)}). "
                f"{_begin_anew(layout)}"
            )
            raise BackendsError(msg)
    for row in rows:
        if row.state == State.PAUSED:
            _order(layout, "resume", row.name)
        elif row.state in (State.ENDED, State.STOPPED):
            with progress.step(f"{row.name}, which had {row.state}", "started again on the data that it has"):
                _order(layout, "start", row.name)
    if any(row.name == "openbao" for row in rows):
        _order(layout, "unseal")


def _running(layout: Layout) -> bool:
    """Say whether a supervisor lives: it holds the lock, and the system takes that from a dead one."""
    if not layout.lock.exists():
        return False
    try:
        os.close(hold(layout))
    except BusyError:
        return True
    return False


def _leftover(layout: Layout, progress: Progress) -> None:
    if layout.failure.exists():
        progress.say(f"The last start in {layout.rehearsal} failed; it is begun anew.")
    elif layout.run.exists():
        progress.say(f"The rehearsal in {layout.rehearsal} was killed. What it left is removed; it begins anew.")
    elif layout.version.exists() and _version(layout) != SCHEMA:
        progress.say(f"{layout.rehearsal} is of another version of Kade. It is removed; the rehearsal begins anew.")
    else:
        return
    layout.clean()


def _check_room(layout: Layout) -> None:
    there = next(path for path in (layout.rehearsal, *layout.rehearsal.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < _ROOM:
        msg = (
            f"The back ends need {_ROOM >> 20} MB for their data, and {there} has {free >> 20} MB free. Make room, "
            "then run the same command again."
        )
        raise BackendsError(msg)


def _version(layout: Layout) -> str:
    try:
        return layout.version.read_text(encoding="utf-8")
    except OSError:
        return ""


def _spawn(layout: Layout, life: float, parts: Collection[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "rehearsal.backends", "run", str(layout.rehearsal)]
    command += ["--life", str(life), "--parts", ",".join(parts)]
    with layout.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # it outlives the command that starts it, and an interrupt at the terminal
        )  # fmt: skip
    _STARTED.append(process)
    return process


def _failed(layout: Layout) -> BackendsError:
    """Return why a start failed, and clear the place for the next."""
    try:
        why = layout.failure.read_text(encoding="utf-8")
    except OSError:
        why = f"The supervisor ended. Its log {layout.log('supervisor')} ends with:\n" + last_words(
            layout.log("supervisor")
        )
    layout.clean()
    return BackendsError(f"The back ends did not start. {why}")


def _end(layout: Layout) -> bool:
    """End the supervisor: by an order, else by a signal, else by force; say whether it is gone."""
    try:
        noted: dict[str, Any] = json.loads(layout.run.read_text(encoding="utf-8"))
        process, when = int(noted["pid"]), str(noted["started"])
    except (OSError, ValueError, KeyError, TypeError):
        process, when = 0, ""
    try:
        _ask(layout, {"verb": "down"}, 5.0)
    except (OSError, ValueError):
        identity.send(process, when, signal.SIGTERM)
    if _gone(layout, _END):
        return True
    identity.send(process, when, signal.SIGKILL)
    return _gone(layout, 5.0)


def _gone(layout: Layout, patience: float) -> bool:
    until = time.monotonic() + patience
    while _running(layout):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _order(layout: Layout, verb: str, name: str = "") -> None:
    try:
        answer = _ask(layout, {"verb": verb, "name": name}, _ORDER)
    except (OSError, ValueError):
        msg = f"The rehearsal in {layout.rehearsal} does not run. Start it by `kade rehearse up ENVIRONMENT`."
        raise BackendsError(msg) from None
    if "error" in answer:
        raise BackendsError(str(answer["error"]))


def _ask(layout: Layout, order: dict[str, str], patience: float) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as asking, at(layout.socket) as path:
        asking.settimeout(patience)
        asking.connect(path)
        asking.sendall(json.dumps(order).encode() + b"\n")
        text = b""
        while data := asking.recv(65_536):
            text += data
    return json.loads(text)


def _endpoints(layout: Layout) -> Endpoints:
    found = endpoints.load(layout.rehearsal)
    if found is None:
        msg = f"The rehearsal in {layout.rehearsal} has just ended. Start it again."
        raise BackendsError(msg)
    return found
