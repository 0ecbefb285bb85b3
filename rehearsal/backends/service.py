"""The supervisor's life: from the lock on the folder to the last file removed, with the orders in between."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rehearsal.backends import identity
from rehearsal.backends import site as sites
from rehearsal.backends import tools as programs
from rehearsal.backends.assemble import PARTS, Assembly, assemble
from rehearsal.backends.directory import Directory
from rehearsal.backends.layout import Layout
from rehearsal.backends.ports import NoPortError
from rehearsal.backends.process import ServerError
from rehearsal.backends.supervisor import TICK, Supervisor, say
from rehearsal.backends.switchboard import Switchboard, routes

BUSY = 3
"""Exit code of a supervisor that found another one at work."""

GLANCE = 1.0
"""Seconds that a supervisor waits for the lock: who only looks whether one runs holds it for a moment."""

Order = Callable[[str], Awaitable[dict[str, Any] | None]]


class BusyError(Exception):
    """The rehearsal runs already."""


class Service:
    """One run of a rehearsal's back ends."""

    def __init__(self, layout: Layout, life: float, parts: Collection[str] = tuple(PARTS)) -> None:
        """Take what to run, and for how many seconds at most."""
        self.layout = layout
        self.parts = parts
        self.until = time.time() + life
        self.ready = False
        self.ending = asyncio.Event()
        self.supervisor = Supervisor(layout, ())
        self.switchboard: Switchboard | None = None
        self.assembly: Assembly | None = None
        self.lock = -1

    async def run(self) -> int:
        """Start all, serve until told to end or the time is over, end all; return the exit code."""
        self.lock = await asyncio.to_thread(hold, self.layout, GLANCE)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ending.set)
        self._note()
        server = await _listen(self.layout, self._connected)
        code = 0
        ended = asyncio.create_task(self.ending.wait())
        try:
            begun = asyncio.create_task(self._begin())
            await asyncio.wait((begun, ended), return_when=asyncio.FIRST_COMPLETED)
            if begun.done():
                begun.result()
                say("all is ready")
                await self._serve()
            else:
                begun.cancel()
                await asyncio.gather(begun, return_exceptions=True)
        except (ServerError, NoPortError, OSError) as error:
            say(f"giving up: {error}")
            self.layout.failure.write_text(str(error), encoding="utf-8")
            code = 1
        finally:
            ended.cancel()
            server.close()
            await self._end()
        return code

    async def _begin(self) -> None:
        """Start everything; once more on other ports where somebody was faster than us."""
        for attempt in (1, 2):
            assembly = await asyncio.to_thread(
                assemble, self.layout, sites.load(self.layout.site), programs.load(self.layout), self.parts
            )
            self.assembly = assembly
            self.supervisor = Supervisor(self.layout, assembly.servers)
            self.switchboard = Switchboard(
                routes(assembly.ground.site, assembly.ground.ports),
                assembly.ground.ports["switchboard"],
                outside=assembly.ground.site.outside,
            )
            try:
                await self.switchboard.start()
                await self.supervisor.start_all()
                break
            except (ServerError, OSError) as error:
                clash = error.clash if isinstance(error, ServerError) else error.errno == 98  # EADDRINUSE
                if not clash or attempt == 2:
                    raise
                say(f"{error}\nTrying again on other ports.")
                await self.supervisor.end_all()
                await self.switchboard.stop()
        self.assembly.endpoints.save(self.layout.rehearsal)
        self.ready = True

    async def _serve(self) -> None:
        while not self.ending.is_set():
            self.supervisor.watch()
            if time.time() > self.until:
                say("the time of this rehearsal is over")
                return
            if not self.layout.run.exists():
                say("the folder of this rehearsal is gone")
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), TICK * 2)

    async def _end(self) -> None:
        began = time.monotonic()
        await self.supervisor.end_all()
        if self.switchboard is not None:
            await self.switchboard.stop()
        # What a thread still writes for a server that was about to start must not come after the cleaning.
        await asyncio.get_running_loop().shutdown_default_executor()
        # Where it failed, what it said is still to be read; whoever does so removes the folder.
        if not self.layout.failure.exists() and self._ours():
            self.layout.clean()
            self.layout.lock.unlink(missing_ok=True)
        say(f"ended after {time.monotonic() - began:.1f} s")

    def _ours(self) -> bool:
        """Say whether the folder is still the one that this rehearsal began in, and not that of a later one."""
        try:
            return os.path.samestat(os.fstat(self.lock), self.layout.lock.stat())
        except FileNotFoundError:
            return not self.layout.folder.exists()

    def _note(self) -> None:
        self.layout.failure.unlink(missing_ok=True)
        noted = {"pid": os.getpid(), "started": identity.started(os.getpid()), "until": self.until}
        self.layout.run.write_text(json.dumps(noted), encoding="utf-8")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.LimitOverrunError):
            answer = await self._answer(await reader.readline())
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        orders: dict[str, Order] = {
            "status": self._status, "down": self._down, "extend": self._extend, "start": self._start,
            "stop": self._stop, "pause": self._pause, "resume": self._resume, "seal": self._seal,
            "unseal": self._unseal, "people": self._people,
        }  # fmt: skip
        try:
            asked = json.loads(line)
            order = orders[asked["verb"]]
        except (ValueError, KeyError, TypeError):
            return {"error": "That is no order."}
        if asked["verb"] != "status":
            say(f"order: {asked['verb']} {asked.get('name', '')}")
        try:
            return {"answer": await order(str(asked.get("name", "")))}
        except (ServerError, OSError, ValueError) as error:
            return {"error": str(error)}

    async def _status(self, _: str) -> dict[str, Any]:
        return {"ready": self.ready, "until": self.until, "servers": self.supervisor.status()}

    async def _down(self, _: str) -> None:
        self.ending.set()

    async def _extend(self, seconds: str) -> None:
        self.until = max(self.until, time.time() + float(seconds))

    async def _start(self, name: str) -> None:
        await self.supervisor.start(name)

    async def _stop(self, name: str) -> None:
        await self.supervisor.stop(name)

    async def _pause(self, name: str) -> None:
        self.supervisor.pause(name)

    async def _resume(self, name: str) -> None:
        self.supervisor.resume(name)

    async def _seal(self, _: str) -> None:
        await self._openbao("seal")

    async def _unseal(self, _: str) -> None:
        await self._openbao("unseal")

    async def _openbao(self, verb: str) -> None:
        if self.assembly is None or self.assembly.openbao is None:
            msg = "This rehearsal has no OpenBao."
            raise ServerError(msg)
        await asyncio.to_thread(getattr(self.assembly.openbao, verb))

    async def _people(self, _: str) -> None:
        """Fill the directory again, from a site that has changed."""
        if self.assembly is None or self.assembly.directory is None:
            return
        old = self.assembly.directory
        ground = replace(self.assembly.ground, site=sites.load(self.layout.site))
        new = Directory(ground, old.schema, old.modules)
        (self.layout.data("slapd") / "whole").unlink(missing_ok=True)
        await self.supervisor.replace(new.server())


def hold(layout: Layout, patience: float = 0.0) -> int:
    """Take the lock on a rehearsal's folder, and return the open file that holds it until it is closed.

    Args:
        layout: of the rehearsal.
        patience: seconds to wait for it. Default: none.

    Raises:
        BusyError: another supervisor holds it.

    """
    until = time.monotonic() + patience
    while True:
        layout.folder.mkdir(parents=True, exist_ok=True)
        held = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(held), layout.lock.stat()):
                return held
        except BlockingIOError:
            os.close(held)
            if time.monotonic() < until:
                time.sleep(0.02)
                continue
            msg = f"The rehearsal in {layout.rehearsal} runs already."
            raise BusyError(msg) from None
        except FileNotFoundError:
            pass
        os.close(held)  # whoever held it before has removed the file meanwhile; it guards nothing any more


async def _listen(
    layout: Layout, connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> asyncio.Server:
    layout.socket.unlink(missing_ok=True)
    with at(layout.socket) as path:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
    layout.socket.chmod(0o600)
    return await asyncio.start_unix_server(connected, sock=listening)


class at:  # noqa: N801  # reads as a word where it is used
    """A short path to a file: that of a socket may have about a hundred characters, and folders lie deep."""

    def __init__(self, path: Path) -> None:
        """Take the path; nothing is opened yet."""
        self.path = path
        self.folder = -1

    def __enter__(self) -> str:
        self.folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self.folder}/{self.path.name}"

    def __exit__(self, *_: object) -> None:
        os.close(self.folder)
