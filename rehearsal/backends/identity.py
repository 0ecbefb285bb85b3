"""Which process is meant by a number: the system gives the number of one that ended to another."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def started(process: int) -> str:
    """Return what tells a process from every other that had its number; empty where it does not run."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    # A process that ended and that nobody has asked about keeps its number, but does nothing any more.
    return "" if fields[0] == "Z" else f"{boot} {fields[19]}"


def same(process: int, when: str) -> bool:
    """Say whether the process that was noted still runs."""
    return bool(when) and started(process) == when


def send(process: int, when: str, number: signal.Signals) -> bool:
    """Send a signal to the process that was noted, to no other; say whether it was there.

    The number is held by a handle before it is compared, so it cannot change hands in between.
    """
    try:
        handle = os.pidfd_open(process)
    except (ProcessLookupError, OSError):
        return False
    try:
        if not same(process, when):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True
