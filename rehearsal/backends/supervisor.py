"""One process that owns all servers of a rehearsal: starts them in order, watches them, takes orders, ends them all.

It is the only one that signals them, and always through the handle of its own child. They end with it, however it
ends, because each has asked the kernel for that (see `launch.py`).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

from rehearsal.backends.layout import Layout
from rehearsal.backends.process import Running, Server, ServerError, died, last_words, launch

TICK = 0.1
"""Seconds between two looks at the servers."""


class State(StrEnum):
    """What a server is doing."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    STOPPED = "stopped"
    ENDED = "ended"


@dataclass
class Post:
    """One server's place: what it is, and the process that is it now."""

    server: Server
    running: Running | None = None
    state: State = State.WAITING
    code: int | None = None
    """Exit code, where it ended by itself."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One order at a time."""


class Supervisor:
    """The servers of one rehearsal."""

    def __init__(self, layout: Layout, servers: Iterable[Server]) -> None:
        """Take the servers; none is started yet."""
        self.layout = layout
        self.posts = {server.name: Post(server) for server in servers}

    async def start_all(self) -> None:
        """Start every server as soon as those that it needs are ready.

        Raises:
            ServerError: one does not become ready. The others are left as they are: who asked ends them.

        """
        tasks = [asyncio.create_task(self._start_in_turn(post)) for post in self.posts.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_in_turn(self, post: Post) -> None:
        for need in post.server.needs:
            if need in self.posts:
                await self.posts[need].ready.wait()
        async with post.turn:
            await self._start(post)

    async def start(self, name: str) -> None:
        """Start a server that does not run, on the data and the port that it had.

        Raises:
            ServerError: there is no such server, or it does not become ready.

        """
        post = self._post(name)
        async with post.turn:
            if post.running is None or not post.running.alive():
                await self._start(post)

    async def stop(self, name: str) -> None:
        """Stop one server; those that need it stay, and find it gone.

        Raises:
            ServerError: there is no such server.

        """
        post = self._post(name)
        async with post.turn:
            await self._end(post)

    async def replace(self, server: Server) -> None:
        """Stop a server and start another one in its place."""
        post = self._post(server.name)
        async with post.turn:
            await self._end(post)
            post.server = server
            await self._start(post)

    def pause(self, name: str) -> None:
        """Let a server hang: it keeps its port and answers nothing.

        Raises:
            ServerError: there is no such server, or it does not run.

        """
        post = self._post(name)
        if post.running is None or not post.running.alive():
            msg = f"{name} does not run."
            raise ServerError(msg)
        post.running.signal(SIGSTOP)
        post.state = State.PAUSED

    def resume(self, name: str) -> None:
        """Let a paused server go on.

        Raises:
            ServerError: there is no such server.

        """
        post = self._post(name)
        if post.running is not None and post.state is State.PAUSED:
            post.running.signal(SIGCONT)
            post.state = State.READY

    def watch(self) -> None:
        """Notice the servers that ended by themselves. They stay ended: a rehearsal hides no crash."""
        for post in self.posts.values():
            if post.running is not None and post.state in (State.READY, State.PAUSED) and not post.running.alive():
                post.state, post.code = State.ENDED, post.running.process.returncode
                post.ready.clear()
                say(str(died(post.running, self.layout)))

    async def end_all(self) -> None:
        """Stop all: first those that nobody needs."""
        left = dict(self.posts)
        while left:
            needed = {need for post in left.values() for need in post.server.needs}
            wave = [name for name in left if name not in needed] or list(left)
            await asyncio.gather(*(self._end(left.pop(name)) for name in wave))

    def status(self) -> list[dict[str, Any]]:
        """Return what every server is doing; nothing in it is secret."""
        return [_row(post) for post in self.posts.values()]

    def _post(self, name: str) -> Post:
        if name not in self.posts:
            msg = f"There is no server {name!r} in this rehearsal. There are: {', '.join(self.posts)}."
            raise ServerError(msg)
        return self.posts[name]

    async def _start(self, post: Post) -> None:
        server = post.server
        post.state, post.code = State.STARTING, None
        began = time.monotonic()
        await asyncio.to_thread(server.before)
        # Here, in the main thread: the kernel ends a server with the thread that started it.
        running = post.running = launch(server, self.layout)
        while not await asyncio.to_thread(_asked, server):
            if not running.alive():
                post.state, post.code = State.ENDED, running.process.returncode
                raise died(running, self.layout)
            if time.monotonic() - began > server.limit:
                msg = (
                    f"{server.name} does not answer after {server.limit:.0f} s. Its log {self.layout.log(server.name)} "
                    f"ends with:\n{last_words(self.layout.log(server.name))}"
                )
                raise ServerError(msg)
            # Each question costs the one who is busy starting something: the longer it takes, the fewer we ask.
            await asyncio.sleep(min(1.0, TICK + (time.monotonic() - began) / 20))
        await asyncio.to_thread(server.after)
        post.state = State.READY
        post.ready.set()
        say(f"{server.name} is ready after {time.monotonic() - began:.1f} s")

    async def _end(self, post: Post) -> None:
        running = post.running
        post.ready.clear()
        if running is not None and running.alive():
            running.signal(SIGCONT)  # a paused one would not hear the other
            running.signal(post.server.stop)
            until = time.monotonic() + post.server.patience
            while running.alive() and time.monotonic() < until:
                await asyncio.sleep(TICK / 2)
            running.signal(SIGKILL)
            while running.alive():
                await asyncio.sleep(TICK / 2)
        post.running = None
        post.state = State.STOPPED


def say(text: str) -> None:
    """Write a line of the supervisor's own log."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _asked(server: Server) -> bool:
    try:
        return server.ready()
    except OSError:
        return False


def _row(post: Post) -> dict[str, Any]:
    running = post.running
    alive = running is not None and running.alive()
    return {
        "name": post.server.name,
        "state": str(post.state),
        "pid": running.process.pid if running is not None and alive else None,
        "address": post.server.address,
        "memory": running.memory if running is not None and alive else 0,
        "since": running.since if running is not None and alive else None,
        "code": post.code,
    }
