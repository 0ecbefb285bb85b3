"""Free ports on 127.0.0.1: no two rehearsals meet, and no port is fixed."""

from __future__ import annotations

import random
import socket

ADDRESS = "127.0.0.1"
"""The only address on which anything of a rehearsal listens."""
FIRST, LAST = 15_000, 32_000
"""Below the ports that Linux gives to outgoing connections: one of those could take a port while its server restarts.
"""


class NoPortError(Exception):
    """There is no free port; the text says what to do."""


def free(number: int) -> list[int]:
    """Return that many ports that nobody listens on.

    All are held until the last is found, so they differ. Somebody else may take one before its server does; who starts
    the servers tries again then.

    Raises:
        NoPortError: there are not that many.

    """
    candidates = random.SystemRandom().sample(range(FIRST, LAST), LAST - FIRST)
    held: list[socket.socket] = []
    try:
        for port in candidates:
            if len(held) == number:
                break
            held_one = _hold(port)
            if held_one is not None:
                held.append(held_one)
        if len(held) < number:
            msg = f"No {number} free ports between {FIRST} and {LAST} on {ADDRESS}. End other programs, then try again."
            raise NoPortError(msg)
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def _hold(port: int) -> socket.socket | None:
    held = socket.socket()
    try:
        held.bind((ADDRESS, port))
        held.listen()  # two sockets may be bound to one port, but only one may listen
    except OSError:
        held.close()
        return None
    return held


def answers(port: int) -> bool:
    """Say whether somebody listens on a port."""
    with socket.socket() as asking:
        asking.settimeout(0.5)
        return asking.connect_ex((ADDRESS, port)) == 0
