"""What a drill came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One drill, or one point of one."""

    drill: str
    point: str
    """What was broken, where and when."""
    tried: int = 1
    converged: int = 0
    """How many came to 0 changes with everything in place afterwards."""
    lost: int = 0
    doubled: int = 0
    seen: str = ""
    """What was seen, for people."""

    @property
    def held(self) -> bool:
        """Say whether nothing was lost, nothing was doubled, and every point converged."""
        return self.converged == self.tried and not self.lost and not self.doubled
