"""The verdict over one stack or environment, and how it is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from policies.kernel.exempter import Exempted
from policies.kernel.finding import Finding
from policies.kernel.rule import Rule
from policies.kernel.words import WHOLE_CLUSTER, Layer, Moment, Source, Stage, Status

_WORST = (Status.FAIL, Status.ERROR, Status.UNDETERMINED, Status.PASS, Status.NOT_APPLICABLE)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is judged."""

    stack: str
    project: str = ""
    cluster: str = ""
    environments: tuple[str, ...] = ()
    stage: Stage | None = None
    """Highest stage among the environments; `None` where the organisation's files do not know the stack."""
    layers: frozenset[Layer] | None = None
    """The layers that are judged here; `None` where that is not known (anyone's program, loose manifests)."""
    source: Source = Source.PREVIEW
    moment: Moment = Moment.PREVIEW
    stand_ins: bool = False
    """Whether the run uses stand-ins in place of the real providers."""

    @property
    def whole(self) -> bool:
        """Whether everything that the required Haven checks look at belongs to this scope."""
        return self.source is Source.LIVE or (self.layers is not None and self.layers >= WHOLE_CLUSTER)


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A check of the official checker, and the status of its rule."""

    rule: Rule
    status: Status
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The count. `passed`, `failed`, `undetermined` and `not_judged` together are `total`."""

    total: int
    """Number of required checks: 15."""
    passed: int
    failed: int
    """An exempted fail is still a fail."""
    undetermined: int
    """Undetermined, or the rule broke."""
    not_judged: int
    """Belongs to another stack. Always 0 where the scope is whole."""
    blocking: int
    """Findings that stop the run, of all rules."""
    exempted: int
    """Findings whose enforcement an exemption lifts."""
    statuses: Mapping[str, int] = field(default_factory=dict[str, int])
    """Findings of all rules by status."""

    @property
    def judged(self) -> int:
        """Number of required checks that the scope could judge."""
        return self.total - self.not_judged

    @property
    def line(self) -> str:
        """The verdict in one line."""
        if not self.total:
            return "haven: none of its checks was asked for"
        text = f"haven: {self.passed} pass, {self.failed} fail, {self.undetermined} undetermined of {self.total}"
        return f"{text} (this stack could judge {self.judged} of them)" if self.not_judged else text


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Everything that was found. Sorted, and without times."""

    scope: Scope
    findings: tuple[Finding, ...]
    """Of passes and what is not applicable only the first of each rule; `counts` has them all."""
    rules: tuple[Rule, ...]
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """Per rule the number of findings by status."""
    exemptions: tuple[Exempted, ...] = ()
    day: date | None = None
    """The day that was judged on."""
    weakened: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Per rule the parameters that make it weaker than by default."""
    lowered: Mapping[str, str] = field(default_factory=dict[str, str])
    """Per rule an enforcement that is weaker than what is built in."""
    upcoming: Mapping[str, date] = field(default_factory=dict[str, date])
    """Per rule the day from which a fail will stop the run."""
    disabled: tuple[str, ...] = ()
    """Rules whose findings the settings keep out of the console."""
    strict: bool = False
    unseen: tuple[str, ...] = ()
    """Sentences on what was not looked at: deleted, delegated, hidden."""

    @cached_property
    def _of(self) -> dict[str, list[Finding]]:
        """The findings by rule."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.rule, []).append(finding)
        return found

    @cached_property
    def checks(self) -> tuple[CheckResult, ...]:
        """The official checker's checks, in its own order."""
        official = sorted((rule for rule in self.rules if rule.official is not None), key=lambda rule: rule.position)
        return tuple(self._check(rule) for rule in official)

    def _check(self, rule: Rule) -> CheckResult:
        own = tuple(self._of.get(rule.id, ()))
        statuses = {finding.status for finding in own}
        worst = next((status for status in _WORST if status in statuses), Status.ERROR)
        return CheckResult(rule=rule, status=worst, findings=own)

    @cached_property
    def summary(self) -> Summary:
        """Count the required checks, and the findings."""
        required = [check.status for check in self.checks if check.rule.required]
        beside = required.count(Status.NOT_APPLICABLE)
        unknown = required.count(Status.UNDETERMINED) + required.count(Status.ERROR)
        return Summary(
            total=len(required),
            passed=required.count(Status.PASS),
            failed=required.count(Status.FAIL),
            undetermined=unknown + (beside if self.scope.whole else 0),
            not_judged=0 if self.scope.whole else beside,
            blocking=sum(finding.blocks for finding in self.findings),
            exempted=sum(finding.exemption is not None for finding in self.findings),
            statuses={s.value: sum(count.get(s.value, 0) for count in self.counts.values()) for s in Status},
        )
