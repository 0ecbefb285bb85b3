"""One verdict over an environment, from what the runs of its stacks wrote down.

A check may need facts of two stacks: metrics-server is declared in one, the kubelets that it asks in another. So the
facts of all stacks (`evidence.json`) are put together and judged again, as if one program had declared them, with the
settings and on the day of now. What belongs to a stack that has no verdict is undetermined.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from inputs.faults import Fault, FaultsError, shown
from policies.kernel.finding import Finding
from policies.kernel.judge import judge
from policies.kernel.registry import Registry
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import CheckResult, Scope
from policies.kernel.words import Decidable, Layer, Stage, Status
from policies.model.facts import Facts, RememberedModel, together
from policies.model.values import dig, items
from policies.reports import evidence
from policies.reports.document import SCHEMA

STALE_DAYS = 7
"""Age from which a verdict is said to be old: by then somebody has mostly changed something."""


@dataclass(frozen=True, kw_only=True)
class StackVerdict:
    """What a stack's last run left behind, as far as merging needs it."""

    name: str
    time: datetime
    commit: str | None
    moment: str
    stand_ins: bool
    cluster: str
    stage: Stage | None
    layers: frozenset[Layer]
    said: frozenset[tuple[str, str]]
    """What it said of the official checks by itself: rule and status."""
    facts: Facts

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
    stacks: tuple[str, ...] = ()
    """The stacks whose facts decide; empty where none does."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The verdict over an environment."""

    environment: str
    stacks: tuple[StackVerdict, ...]
    missing: tuple[str, ...]
    """Stacks of the environment that have no verdict."""
    checks: tuple[MergedCheck, ...]
    """The required checks, in the official order."""
    day: date
    """The day that was judged on."""

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
        moments = sorted({stack.moment for stack in self.stacks})
        if len(moments) > 1:
            found.append(f"The stacks were judged at different moments: {' and '.join(moments)}.")
        old = [stack.name for stack in self.stacks if (self.day - stack.time.date()).days > STALE_DAYS]
        if old:
            found.append(f"More than {STALE_DAYS} days old, so what is there now may differ: {', '.join(old)}.")
        if any(stack.stand_ins for stack in self.stacks):
            found.append("Some were judged on stand-ins: nothing here says what a real cluster does.")
        return tuple(found)


def merge(
    environment: str, stacks: Iterable[str], out: Path, registry: Registry, settings: SettingsFile, day: date
) -> Merged:
    """Return the verdict over an environment from what lies in `out/<stack>/`.

    Raises:
        FaultsError: a verdict or its evidence cannot be read; each is named.

    """
    found: list[StackVerdict] = []
    missing: list[str] = []
    faults: list[Fault] = []
    for stack in stacks:
        try:
            found.append(_read(stack, out / stack))
        except FileNotFoundError:
            missing.append(stack)
        except FaultsError as error:
            faults += error.faults
    if faults:
        raise FaultsError(faults)
    absent = tuple(sorted(missing))
    checks = _judged(found, absent, registry, settings, day)
    ordered = tuple(sorted(found, key=lambda stack: stack.name))
    return Merged(environment=environment, stacks=ordered, missing=absent, checks=checks, day=day)


def _read(stack: str, folder: Path) -> StackVerdict:
    path, remedy = folder / "verdict.json", f"Write it anew with `kade preview {stack}`."
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if dig(data, "schema") != SCHEMA:
            raise ValueError(path.name)
        time = datetime.fromisoformat(str(dig(data, "run", "time")))
        layers = frozenset(Layer(layer) for layer in items(dig(data, "stack", "layers")))
        stage = dig(data, "stack", "stage")
        stage = Stage(stage) if stage is not None else None
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError):
        fault = Fault(shown(path), 0, "", f"this is no verdict of the layout `{SCHEMA}`", remedy)
        raise FaultsError([fault]) from None
    commit = dig(data, "run", "commit")
    return StackVerdict(
        name=stack,
        time=time if time.tzinfo else time.replace(tzinfo=UTC),
        commit=commit if isinstance(commit, str) else None,
        moment=str(dig(data, "stack", "moment")),
        stand_ins=dig(data, "stack", "standIns") is True,
        cluster=str(dig(data, "stack", "cluster") or ""),
        stage=stage,
        layers=layers,
        said=frozenset((str(dig(one, "rule")), str(dig(one, "status"))) for one in items(dig(data, "findings"))),
        facts=evidence.read(folder / "evidence.json", str(dig(data, "run", "id")), remedy),
    )


def _judged(
    stacks: list[StackVerdict], missing: tuple[str, ...], registry: Registry, settings: SettingsFile, day: date
) -> tuple[MergedCheck, ...]:
    """Return what the required checks say of the facts of all stacks."""
    official = registry.select(rule.id for rule in registry if rule.required)
    stages = [stack.stage for stack in stacks if stack.stage]
    scope = Scope(
        stack="",
        cluster=next((stack.cluster for stack in stacks if stack.cluster), ""),
        stage=max(stages, key=list(Stage).index, default=None),  # as the stacks of a shared cluster are judged
        layers=frozenset(layer for stack in stacks for layer in stack.layers),
        stand_ins=any(stack.stand_ins for stack in stacks),
    )
    model = RememberedModel(together(stack.facts for stack in stacks), scope, day)
    verdict = judge(model, scope, official, resolve(settings, registry, scope.stage, day))
    return tuple(_check(result, stacks, missing) for result in verdict.checks)


def _check(result: CheckResult, stacks: list[StackVerdict], missing: tuple[str, ...]) -> MergedCheck:
    rule, status = result.rule, result.status
    finding = next(finding for finding in result.findings if finding.status is status)
    if status is not Status.NOT_APPLICABLE:
        sentence, names = finding.outcome.sentence, _deciding(finding, stacks)
        return MergedCheck(check=rule.official or "", label=rule.title, status=status, sentence=sentence, stacks=names)
    if set(rule.decidable.values()) == {Decidable.TOOL}:
        sentence = "Only the official checker, on the running cluster, can say."
    elif missing:
        sentence = f"No stack judged it; {', '.join(missing)} has no verdict."
    else:
        sentence = "No stack of the environment holds what it looks at."
    return MergedCheck(check=rule.official or "", label=rule.title, status=Status.UNDETERMINED, sentence=sentence)


def _deciding(finding: Finding, stacks: list[StackVerdict]) -> tuple[str, ...]:
    """Return the stacks whose objects the finding names; where it names none, those that say the same by themselves."""
    outcome = finding.outcome
    named = {outcome.subject, *outcome.objects, *(gap.subject for gap in outcome.gaps)}
    holding = tuple(stack.name for stack in stacks if named & stack.facts.subjects)
    return holding or tuple(stack.name for stack in stacks if (finding.rule, finding.status.value) in stack.said)
