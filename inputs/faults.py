"""A fault in something that people wrote, and the error that carries every fault found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong in one place, with what to write instead."""

    file: str
    """The file as the reader knows it: relative to the project's root where it lies below it."""
    line: int
    """Line in the file, counted from 1; 0 where the whole file is meant."""
    key: str
    """Dotted path of the key, for example `controlPlane.count`; empty where the whole file is meant."""
    what: str
    """What is wrong, without a value that might be secret."""
    remedy: str
    """What to write instead."""

    def __str__(self) -> str:
        """Show the fault on one line: `file:line: key: what. Remedy.`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        return f"{place}:{key} {self.what.rstrip('.')}. {self.remedy}".rstrip()


class FaultsError(Exception):
    """Raised with every fault that was found, so that one run shows them all."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults sorted and without doubles."""
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def shown(path: Path, root: Path | None = None) -> str:
    """Return `path` as a message names it: relative to `root` where it lies below it."""
    base = (root or Path.cwd()).resolve()
    resolved = path.resolve()
    return str(resolved.relative_to(base)) if resolved.is_relative_to(base) else str(resolved)


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ` Did you mean …?` for the known names nearest to `name`, or an empty string."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(f'`{match}`' for match in close)}?" if close else ""
