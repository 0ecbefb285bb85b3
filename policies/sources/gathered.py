"""What every source hands over: what it read, what it could not read, and what it cannot see."""

from __future__ import annotations

from dataclasses import dataclass

from inputs.faults import Fault
from policies.kernel.words import Source
from policies.model.resource import Inventory


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The raw material of one run, from one source."""

    inventory: Inventory
    source: Source
    faults: tuple[Fault, ...] = ()
    """What could not be read. The rest is judged all the same."""
    unseen: tuple[str, ...] = ()
    """Sentences on what this source cannot see, for the report."""
    stack: str = ""
    """Name of the stack, where the source tells it: an export does."""
    project: str = ""
    """Name of its project, likewise."""
