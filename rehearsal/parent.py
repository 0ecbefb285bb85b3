"""End this process when the one that started it is gone.

An engine that is killed cannot tell its plugins; without this they go on and finish what they were doing, behind the
back of the next run.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

INTERVAL = 0.2
"""Seconds between two looks. Short, because a stray plugin goes on creating; a look costs microseconds."""


def end_with_parent(before: Callable[[], None] | None = None) -> None:
    """Start a daemon thread that ends this process at once when its parent changes.

    `before` runs first, to end children of this process. The exit is hard: nothing that is under way may be finished.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(INTERVAL)
        if before is not None:
            before()
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
