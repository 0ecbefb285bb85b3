"""One verdict over an environment, from the verdicts of its stacks.

Each stack judges what it holds, so that a check mostly has one stack that can answer it. Statuses are merged, not
facts: the facts that a run writes down leave out what ties them together (URNs) and what may be secret, so that rules
could not judge them again. A fail in any stack fails; an open question stays open, unless it was left to a layer whose
own stack answered it; what no stack judged is undetermined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inputs.faults import Fault, FaultsError, shown
from policies.kernel.registry import Registry
from policies.kernel.words import Decidable, Status
from policies.model.values import Data, dig, items, mapping
from policies.reports.document import SCHEMA

_LEFT_TO = re.compile(r"the (\w+) layer's stack\Z")
_RANK = (Status.FAIL, Status.ERROR, Status.UNDETERMINED, Status.PASS)


@dataclass(frozen=True, kw_only=True)
class StackVerdict:
    """The verdict of one stack, as far as merging needs it."""

    name: str
    time: datetime
    commit: str | None
    moment: str
    stand_ins: bool
    layers: frozenset[str]
    findings: tuple[Data, ...]
    """Those of the official checks."""

    def age(self, now: datetime) -> str:
        """Return how long ago it was written, in the largest unit."""
        seconds = max(0, int((now - self.time).total_seconds()))
        for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
            if seconds >= size:
                return f"{seconds // size} {unit}{'s' * (seconds // size > 1)}"
        return "less than a minute"


@dataclass(frozen=True, kw_only=True)
class MergedCheck:
    """A check over all stacks."""

    check: str
    label: str
    status: Status
    sentence: str
    stack: str = ""
    """The stack that decides; empty where none does."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The verdict over an environment."""

    environment: str
    stacks: tuple[StackVerdict, ...]
    missing: tuple[str, ...]
    """Stacks of the environment that have no verdict."""
    checks: tuple[MergedCheck, ...]
    """The required checks, in the official order."""

    def count(self, *statuses: Status) -> int:
        """Return how many checks have one of these statuses."""
        return sum(check.status in statuses for check in self.checks)

    @property
    def line(self) -> str:
        """The verdict in one line. An error of a rule counts as undetermined."""
        open_end = self.count(Status.UNDETERMINED, Status.ERROR)
        passed, failed = self.count(Status.PASS), self.count(Status.FAIL)
        return f"haven: {passed} pass, {failed} fail, {open_end} undetermined of {len(self.checks)}"

    @property
    def cautions(self) -> tuple[str, ...]:
        """Sentences on how far the verdicts belong together."""
        found: list[str] = []
        if self.missing:
            found.append(f"No verdict: {', '.join(self.missing)}.")
        commits = {stack.commit for stack in self.stacks if stack.commit}
        if len(commits) > 1:
            found.append(f"The stacks were judged at {len(commits)} different commits.")
        if any(stack.stand_ins for stack in self.stacks):
            found.append("Some were judged on stand-ins: nothing here says what a real cluster does.")
        return tuple(found)


def merge(environment: str, stacks: Iterable[str], out: Path, registry: Registry) -> Merged:
    """Return the verdict over an environment from what lies in `out/<stack>/verdict.json`.

    Raises:
        FaultsError: a verdict cannot be read.

    """
    found: list[StackVerdict] = []
    missing: list[str] = []
    faults: list[Fault] = []
    for stack in stacks:
        path = out / stack / "verdict.json"
        try:
            found.append(_read(stack, path))
        except FileNotFoundError:
            missing.append(stack)
        except (OSError, ValueError, RecursionError):
            what = f"this is no verdict of the layout `{SCHEMA}`"
            faults.append(Fault(shown(path), 0, "", what, f"Write it anew with `kade preview {stack}`."))
    if faults:
        raise FaultsError(faults)
    official = sorted((rule for rule in registry if rule.required), key=lambda rule: rule.position)
    absent = tuple(sorted(missing))
    checks = tuple(
        _check(
            rule.id, rule.official or "", rule.title, set(rule.decidable.values()) == {Decidable.TOOL}, found, absent
        )
        for rule in official
    )
    return Merged(
        environment=environment,
        stacks=tuple(sorted(found, key=lambda stack: stack.name)),
        missing=absent,
        checks=checks,
    )


def _read(stack: str, path: Path) -> StackVerdict:
    data: Any = json.loads(path.read_text(encoding="utf-8"))
    if dig(data, "schema") != SCHEMA:
        raise ValueError(path.name)
    time = datetime.fromisoformat(str(dig(data, "run", "time")))
    commit = dig(data, "run", "commit")
    return StackVerdict(
        name=stack,
        time=time if time.tzinfo else time.replace(tzinfo=UTC),
        commit=commit if isinstance(commit, str) else None,
        moment=str(dig(data, "stack", "moment")),
        stand_ins=dig(data, "stack", "standIns") is True,
        layers=frozenset(str(layer) for layer in items(dig(data, "stack", "layers"))),
        findings=tuple(mapping(finding) for finding in items(dig(data, "findings")) if dig(finding, "check")),
    )


def _check(
    rule: str, check: str, label: str, tool: bool, stacks: list[StackVerdict], missing: tuple[str, ...]
) -> MergedCheck:
    said = [
        (_RANK.index(status), stack, finding)
        for stack in stacks
        for finding in stack.findings
        if finding.get("rule") == rule and (status := Status(str(finding.get("status")))) in _RANK
    ]
    said = [item for item in said if not _answered_elsewhere(item, said)]
    if said:
        rank, stack, finding = min(said, key=lambda item: (item[0], item[1].name))
        sentence = str(finding.get("sentence"))
        return MergedCheck(check=check, label=label, status=_RANK[rank], sentence=sentence, stack=stack.name)
    if tool:
        sentence = "Only the official checker, on the running cluster, can say."
    elif missing:
        sentence = f"No stack judged it; {', '.join(missing)} has no verdict."
    else:
        sentence = "No stack of the environment holds what it looks at."
    return MergedCheck(check=check, label=label, status=Status.UNDETERMINED, sentence=sentence)


def _answered_elsewhere(item: tuple[int, StackVerdict, Data], said: list[tuple[int, StackVerdict, Data]]) -> bool:
    """Whether an open question was left to a layer whose own stack has answered it."""
    rank, own, finding = item
    left = _LEFT_TO.match(str(finding.get("delegate") or ""))
    if _RANK[rank] is not Status.UNDETERMINED or left is None or items(finding.get("unknown")):
        return False
    return any(left[1] in stack.layers and stack is not own for _, stack, _ in said)
