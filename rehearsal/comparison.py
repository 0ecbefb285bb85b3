"""The live verdict beside the prediction, check by check, with what a rehearsal can and cannot show."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "explanations.toml"
"""Written by hand: per check who plays, and why a live answer may differ from the prediction."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one verdict says of one check."""

    status: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One check in both verdicts."""

    check: str
    predicted: Said
    live: Said
    simulated: str
    """Who plays what the live answer rests on; empty where it rests on real parts alone."""
    explanation: str
    """Why the two differ; empty where they agree, and where nobody knows."""

    @property
    def differs(self) -> bool:
        """Say whether the two verdicts differ."""
        return self.predicted.status != self.live.status

    @property
    def unexplained(self) -> bool:
        """Say whether they differ without a reason that somebody wrote down."""
        return self.differs and not self.explanation


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the table says of one check."""

    simulated: str = ""
    differences: tuple[tuple[str, str, str], ...] = ()
    """Predicted status, live status, reason."""

    def reason(self, predicted: str, live: str) -> str:
        """Return why a prediction may come out like this; empty where the table knows no reason."""
        return next((why for before, after, why in self.differences if (before, after) == (predicted, live)), "")


def read_table(path: Path = TABLE) -> dict[str, Row]:
    """Return the table of explanations by check."""
    rows: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {check: _row(row) for check, row in rows.items()}


def _row(row: dict[str, Any]) -> Row:
    given: list[dict[str, str]] = row.get("difference", [])
    differences = tuple((one["predicted"], one["live"], one["why"]) for one in given)
    return Row(simulated=str(row.get("simulated", "")), differences=differences)


def compare(predicted: Mapping[str, Said], live: Mapping[str, Said], table: Mapping[str, Row]) -> tuple[Compared, ...]:
    """Return the checks in the order of the prediction; one that a verdict lacks is not judged there."""
    absent = Said(status="not judged", sentence="This verdict does not speak of the check.")
    found: list[Compared] = []
    for check in dict.fromkeys((*predicted, *live)):
        before, after = predicted.get(check, absent), live.get(check, absent)
        row = table.get(check, Row())
        explanation = row.reason(before.status, after.status) if before.status != after.status else ""
        found.append(
            Compared(check=check, predicted=before, live=after, simulated=row.simulated, explanation=explanation)
        )
    return tuple(found)
