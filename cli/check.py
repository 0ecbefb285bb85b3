"""`kade check`: what is asked on the command line, as a request; the work is in `policies.checking`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cli.exits import Exit
from inputs.faults import Fault, FaultsError
from policies import checking
from policies.kernel.words import Format
from policies.rules import load

STANDARD_INPUT = Path("-")


@dataclass(frozen=True, kw_only=True)
class Written:
    """Where the result goes."""

    format: Format
    output: Path | None
    """Default: standard output."""


def run(request: checking.Request, written: Written) -> Exit:
    """Judge, write the report, say on standard error what could not be read, and return the exit code.

    Raises:
        FaultsError: every fault in the request, the settings and the exemptions; nothing was judged.

    """
    document = checking.check(request, load(), os.environ)
    text = checking.render(document, written.format)
    if written.output is None:
        sys.stdout.write(text)
    else:
        checking.write(text, written.output)
        print(document.summary.haven.line, file=sys.stderr)
    if written.format is not Format.CONSOLE or written.output is not None:
        for fault in document.faults:  # the console's own text names them
            print(Fault(fault.file, fault.line, fault.key, fault.what, fault.remedy), file=sys.stderr)
    return Exit(checking.outcome(document))


def day(text: str | None) -> date | None:
    """Return a day that was given as text.

    Raises:
        FaultsError: it is no day.

    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise FaultsError([Fault("--as-of", 0, "", "it is no day", "Write it as 2026-11-21.")]) from None


def listed(text: str | None) -> tuple[str, ...]:
    """Return what is separated by commas."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def paths(given: list[Path] | None) -> tuple[Path | None, ...]:
    """Return the paths, with standard input for `-`.

    Raises:
        FaultsError: every path that does not exist.

    """
    found = given or []
    missing = [path for path in found if path != STANDARD_INPUT and not path.exists()]
    if missing:
        raise FaultsError(
            Fault(str(path), 0, "", "there is no such file or folder", "Check the path.") for path in missing
        )
    return tuple(None if path == STANDARD_INPUT else path for path in found)
