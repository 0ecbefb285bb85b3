"""How a control of the Pod Security Standards becomes a rule: which pods it is for, and what is said of them.

A rule of the restricted level says only what the baseline rules leave open, so nothing is reported twice: what
restricted forbids is what either rule finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from policies.kernel.finding import Fix, Outcome, Scalar
from policies.kernel.registry import RULES
from policies.kernel.rule import Control, Parameters, Rule, weakens
from policies.kernel.words import Severity
from policies.model.fences import Fence
from policies.model.model import Model
from policies.model.namespaces import TEAM_LABELS
from policies.model.pods import Pod
from policies.model.values import Data, Unknown, dig
from policies.rules.haven.shared import DECIDED, bio2_controls
from policies.rules.outcomes import fails, not_here, passes, undetermined

VERSION = "1.37"
"""Version of Kubernetes whose policy code the controls were taken from."""


class Level(StrEnum):
    """The levels of the standards."""

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


LevelName = Literal["privileged", "baseline", "restricted"]
"""A level as the settings write it."""
_RANK = {level: rank for rank, level in enumerate(Level)}
ENFORCE = "pod-security.kubernetes.io/enforce"


class Levels(Parameters):
    """Which level holds where."""

    teams: Annotated[LevelName, weakens("any")] = "restricted"
    """Level in the namespaces of teams. Default: restricted, because an application needs no more."""
    others: Annotated[LevelName, weakens("any")] = "baseline"
    """Level in all other namespaces. Default: baseline, because some parts of a platform reach for the node."""
    privileged: Annotated[tuple[str, ...], weakens("any")] = ("kube-system", "kube-public", "kube-node-lease")
    """Namespaces, by name or pattern, in which everything is allowed. Default: those of Kubernetes itself."""
    team_labels: Annotated[tuple[str, ...], weakens("any")] = TEAM_LABELS
    """Labels that make a namespace a team's. Default: those that Kade writes, and the plain word."""

    def required(self, fence: Fence | None, name: str) -> Level | Unknown:
        """Return the level that a namespace needs.

        Its own label may ask for more; for less only where it is no team's, since a team must not lower its fence.
        """
        if any(fnmatchcase(name, pattern) for pattern in self.privileged):
            return Level.PRIVILEGED
        if fence is None:
            return Level(self.others)
        team, own = fence.team(self.team_labels), fence.label(ENFORCE)
        if isinstance(team, Unknown):
            return team
        asked = Level(own) if isinstance(own, str) and own in _RANK else None
        if team is None:
            if isinstance(own, Unknown):
                return own
            return Level.PRIVILEGED if asked is Level.PRIVILEGED else _higher(Level(self.others), asked)
        return _higher(Level(self.teams), asked)


def _higher(level: Level, asked: Level | None) -> Level:
    return asked if asked is not None and _RANK[asked] > _RANK[level] else level


def at_least(level: Level, minimum: Level) -> bool:
    """Whether a level demands what `minimum` demands."""
    return _RANK[level] >= _RANK[minimum]


@dataclass(frozen=True, slots=True)
class Bad:
    """Something that a control forbids."""

    sentence: str
    path: str
    expected: Scalar
    actual: Scalar
    value: Scalar = None
    """What to write there; `None` where it must go."""


Look = Callable[[Pod], Iterator[Bad | Unknown]]


def pod_security(
    slug: str,
    title: str,
    *,
    level: Level,
    control: str,
    severity: Severity,
    rationale: str,
    looks_at: str,
    fix: str,
    cis: tuple[str, ...] = (),
    linux_when_restricted: bool = False,
) -> Callable[[Look], Rule]:
    """Register a rule for a control; the decorated function yields what is wrong or unknown in one pod.

    `linux_when_restricted`: the restricted level replaces this baseline control by one that is not asked of Windows.
    Default: not.
    """

    def decorate(look: Look) -> Rule:
        def check(model: Model, parameters: Levels) -> Iterator[Outcome]:
            return _judge(model, parameters, level, look, linux_when_restricted)

        return RULES.add(
            Rule(
                id=f"pod_security-{slug}",
                title=title,
                rationale=rationale,
                looks_at=f"{looks_at} Every container counts: init containers and sidecars, and ephemeral ones.",
                severity=severity,
                category="Pod security",
                controls=(
                    Control("Pod Security Standards", VERSION, f"{level.value}: {control}"),
                    *(Control("CIS Kubernetes", "1.12", number) for number in cis),
                    *bio2_controls("8.03.01"),
                    Control("NIS2", "2022/2555", "21.2.e"),
                ),
                decidable=DECIDED,
                fix=fix,
                check=check,
                parameters=Levels,
            )
        )

    return decorate


def _judge(
    model: Model, parameters: Levels, minimum: Level, look: Look, linux_when_restricted: bool
) -> Iterator[Outcome]:
    """Judge every pod whose namespace needs the level; say once how many are as they should be."""
    fences = {fence.name: fence for fence in model.fences}
    levels: dict[str, Level | Unknown] = {}
    judged = clean = 0
    for pod in model.pods:
        name = pod.namespace
        if isinstance(name, Unknown):
            least = Level(parameters.others)
            level: Level | Unknown = least if at_least(least, minimum) else name
        else:
            if name not in levels:
                levels[name] = parameters.required(fences.get(name), name)
            level = levels[name]
        if not isinstance(level, Unknown) and not at_least(level, minimum):
            continue
        judged += 1
        bad = only_linux(pod, look(pod)) if linux_when_restricted and level is Level.RESTRICTED else look(pod)
        found = [*pod.open, *bad]
        if found:
            yield from _said(pod, level, found)
        else:
            clean += 1
    if not judged:
        yield not_here(model, f"No pods here that the level {minimum} is for.")
    elif clean == judged:
        yield passes(model.cluster, f"{judged} {'workload is' if judged == 1 else 'workloads are'} as it should be.")


def _said(pod: Pod, level: Level | Unknown, found: Iterable[Bad | Unknown]) -> Iterator[Outcome]:
    """Say what is wrong; where the level itself is not known, that is what would have to be."""
    gaps: list[Unknown] = []
    for one in found:
        if isinstance(one, Unknown):
            gaps.append(one.of(pod.subject))
        elif isinstance(level, Unknown):
            sentence = f"{one.sentence} Whether that is allowed is not known yet: the namespace's level is not."
            yield undetermined(
                pod.subject,
                sentence,
                [level.of(pod.subject)],
                path=one.path,
                expected=one.expected,
                actual=one.actual,
            )
        else:
            text = "Remove it." if one.value is None else f"Write {_written(one.value)}."
            fix = Fix(text=text, path=one.path, value=one.value)
            yield fails(pod.subject, one.sentence, path=one.path, expected=one.expected, actual=one.actual, fix=fix)
    if gaps:
        yield undetermined(pod.subject, "Not everything that decides is known.", gaps, path=gaps[0].path)


def _written(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def contexts(pod: Pod) -> Iterator[tuple[str, str, Data | Unknown]]:
    """Yield every securityContext as who has it, its path and its content: the pod's own, then each container's."""
    if pod.context:
        yield "The pod", f"{pod.path}.securityContext", pod.context
    for container in pod.containers:
        if container.context:
            yield f"Container {container.name}", f"{container.path}.securityContext", container.context


def read(context: Data | Unknown, *path: str) -> Any:
    """Return a value of a securityContext; `None` where it is missing, the unknown where it or its owner is one."""
    return dig(context, *path)


def shown(value: Any) -> Scalar:
    """Return a value as a finding may show it."""
    return value if isinstance(value, str | int | float | bool) else "set"


def only_linux(pod: Pod, bad: Iterable[Bad | Unknown]) -> Iterator[Bad | Unknown]:
    """Leave out what is no demand on Windows; where the system is not known, that decides."""
    if pod.windows is True:
        return
    for one in bad:
        yield pod.windows if isinstance(pod.windows, Unknown) else one
