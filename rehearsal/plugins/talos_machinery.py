"""Talos' own machinery library, behind a small program of ours: it generates, patches and checks configurations."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any, cast

from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.values import Props

_VALUE = re.compile(r"^(\s*(?:- )*[\w./-]+:)[ \t]+\S.*$", re.MULTILINE)
UNKNOWN_KEYS = "unknown keys found during decoding:"


class MachineryError(StandInError):
    """Talos refuses; the text is its own, without values that it only repeats."""


class Machinery:
    """The program, started at the first question. It ends with this process, whose pipe it reads."""

    def __init__(self, tools: Path) -> None:
        self._path = tools / "talos-machinery"
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def ask(self, do: str, **asked: Any) -> Props:
        """Ask one thing. Questions and answers hold secrets and go through pipes only.

        Raises:
            MachineryError: Talos refuses.
            StandInError: the program is missing or has ended.

        """
        with self._lock:
            process = self._running()
            assert process.stdin is not None, "started with pipes"
            assert process.stdout is not None, "as above"
            try:
                process.stdin.write(json.dumps({"do": do, **asked}) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                line = ""
            if not line:
                self._process = None
        if not line:
            msg = "The rehearsal's Talos machinery has ended without an answer. Run the same command again."
            raise StandInError(msg)
        answer = cast("Props", json.loads(line))
        if "error" in answer:
            raise MachineryError(_without_values(str(answer["error"])).strip())
        return cast("Props", answer["result"])

    def close(self) -> None:
        """End the program."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            with process:  # closes its pipes; it ends with its input
                pass

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            try:
                self._process = subprocess.Popen(
                    [str(self._path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={}
                )
            except OSError as error:
                msg = (
                    f"The rehearsal's Talos machinery cannot be started: {error.strerror}: {self._path}. Run `kade "
                    "rehearse down`, then `kade rehearse up`."
                )
                raise StandInError(msg) from None
        return self._process


def _without_values(text: str) -> str:
    """Keep the keys that Talos does not know, not what stands behind them: that may be a secret."""
    head, found, rest = text.partition(UNKNOWN_KEYS)
    return head + found + _VALUE.sub(r"\1 …", rest).rstrip() if found else text
