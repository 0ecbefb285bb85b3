"""Say what a long step does, why, and how long it takes. Several steps may run at the same time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO


class ToolchainError(Exception):
    """Set-up cannot go on. The text says what was tried and what to do; it is shown without a traceback."""


class Step:
    """One step that runs; `detail` says what it is at."""

    def __init__(self, name: str) -> None:
        """Start the clock."""
        self.name = name
        self.detail = ""
        self.result = "done"
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.began


class Progress:
    """Writes the lines. On a terminal the running steps share one line that is written over; else each has its own."""

    def __init__(self, out: TextIO | None = None, every: float | None = None) -> None:
        """Write to standard error by default; `every` is the time between two signs of life, in seconds.

        Default: half a second on a terminal, 10 s elsewhere, because a log keeps every line.
        """
        self._out = out or sys.stderr
        self._terminal = self._out.isatty()
        self._every = every if every is not None else 0.5 if self._terminal else 10.0
        self._steps: list[Step] = []
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None

    def say(self, text: str) -> None:
        """Write one line."""
        with self._lock:
            self._write(text)

    @contextmanager
    def step(self, name: str, why: str = "") -> Generator[Step]:
        """Run a step: a line when it begins, signs of life, a line when it ends."""
        step = Step(name)
        self.say(f"{name}{f' ({why})' if why else ''} …")
        with self._lock:
            self._steps.append(step)
            if self._ticker is None or not self._ticker.is_alive():
                self._ticker = threading.Thread(target=self._tick, daemon=True)
                self._ticker.start()
        try:
            yield step
        except BaseException:
            self._end(step, "failed")
            raise
        self._end(step, step.result)

    def _end(self, step: Step, word: str) -> None:
        with self._lock:
            self._steps.remove(step)
            self._write(f"{step.name}: {word} after {step.seconds:.1f} s")

    def _tick(self) -> None:
        while True:
            time.sleep(self._every)
            with self._lock:
                if not self._steps:
                    return
                texts = [f"{s.name}: {s.seconds:.0f} s{f', {s.detail}' if s.detail else ''}" for s in self._steps]
                if self._terminal:
                    self._out.write(f"\r\033[K{' | '.join(texts)[:160]}")
                    self._out.flush()
                else:
                    for text in texts:
                        self._write(text)

    def _write(self, text: str) -> None:
        self._out.write(f"\r\033[K{text}\n" if self._terminal else f"{text}\n")
        self._out.flush()
