"""A prediction beside what the official checker said: check by check, where both agree and where not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from inputs.faults import Fault, FaultsError, shown
from policies.kernel.words import Status
from policies.model.values import Data, dig, items, mapping
from policies.reports.document import SCHEMA

ANSWERS = {"YES": Status.PASS, "NO": Status.FAIL, "SKIPPED": Status.NOT_APPLICABLE, "UNKNOWN": Status.UNDETERMINED}
"""What the official checker writes, in our words."""


class Relation(StrEnum):
    """How a prediction and an official answer stand to each other."""

    AGREES = "agrees"
    DIFFERS = "differs"
    """One says pass, the other fail: a fault in a rule, or in what it was told."""
    OPEN = "we leave it open"
    SKIPPED = "the checker gives no answer"
    NOT_PREDICTED = "not predicted"
    """The checker knows a check that this version does not, or the other way round."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One check."""

    check: str
    predicted: Status | None
    official: str
    """In the checker's own words; empty where it does not know the check."""
    relation: Relation


@dataclass(frozen=True, kw_only=True)
class Parity:
    """The comparison."""

    version: str
    """What the official report calls itself."""
    checks: tuple[Compared, ...]

    def count(self, relation: Relation) -> int:
        """Return how many checks stand so."""
        return sum(check.relation is relation for check in self.checks)

    @property
    def line(self) -> str:
        """The comparison in one line."""
        parts = (f"{self.count(relation)} {relation}" for relation in Relation if self.count(relation))
        return f"parity with {self.version}: {', '.join(parts)}, of {len(self.checks)} checks"


def compare(verdict: Path, official: Path) -> Parity:
    """Compare `verdict.json` with the JSON report of the official checker.

    Raises:
        FaultsError: one of the two is missing, or is not what it should be.

    """
    predicted = _predicted(verdict)
    report = _json(official, "Write it with `haven check --output=json`.")
    answers = _answers(official, report)
    names = list(dict.fromkeys([*answers, *predicted]))
    return Parity(
        version=str(dig(report, "Version") or "the official checker"),
        checks=tuple(_compared(name, predicted.get(name), answers.get(name, "")) for name in names),
    )


def _compared(check: str, predicted: Status | None, answer: str) -> Compared:
    said = ANSWERS.get(answer)
    if predicted is None or not answer:
        relation = Relation.NOT_PREDICTED
    elif said not in (Status.PASS, Status.FAIL):
        relation = Relation.SKIPPED
    elif predicted not in (Status.PASS, Status.FAIL):
        relation = Relation.OPEN
    else:
        relation = Relation.AGREES if predicted is said else Relation.DIFFERS
    return Compared(check=check, predicted=predicted, official=answer, relation=relation)


def _json(path: Path, remedy: str) -> Data:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FaultsError([Fault(shown(path), 0, "", "the file does not exist", remedy)]) from None
    except json.JSONDecodeError as error:
        raise FaultsError([Fault(shown(path), error.lineno, "", f"not valid JSON: {error.msg}", remedy)]) from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        what = f"it cannot be read ({type(error).__name__})"
        raise FaultsError([Fault(shown(path), 0, "", what, remedy)]) from None
    return mapping(data)


def _predicted(path: Path) -> dict[str, Status]:
    remedy = "Name the verdict.json of a stack, as `kade preview` writes it."
    data = _json(path, remedy)
    if data.get("schema") != SCHEMA:
        raise FaultsError([Fault(shown(path), 0, "schema", f"this is no verdict of the layout `{SCHEMA}`", remedy)])
    return {str(dig(check, "check")): Status(str(dig(check, "status"))) for check in items(data.get("checks"))}


def _answers(path: Path, report: Data) -> dict[str, str]:
    found = dict(_results(report))
    if not found:
        what = "it is no report of the official checker: it has no results"
        raise FaultsError(
            [Fault(shown(path), 0, "CompliancyChecks.Results", what, "Write it with `haven check --output=json`.")]
        )
    version = str(dig(report, "Version") or "")
    if version.startswith("Kade"):
        what = "this is a prediction of ours, and not what the official checker said"
        raise FaultsError([Fault(shown(path), 0, "Version", what, "Name the report of the official checker.")])
    return found


def _results(report: Data) -> Iterator[tuple[str, str]]:
    for part in ("CompliancyChecks", "SuggestedChecks"):
        for result in items(dig(report, part, "Results")):
            name, answer = dig(result, "Name"), dig(result, "Result")
            if isinstance(name, str) and isinstance(answer, str):
                yield name, answer
