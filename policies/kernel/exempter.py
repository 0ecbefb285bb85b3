"""What exemptions do in one run: which finding each lifts, and what is to be said of each at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from policies.kernel.exemption import Exemption, Selector
from policies.kernel.finding import Finding, Subject
from policies.kernel.registry import Registry
from policies.kernel.words import Status


@dataclass(frozen=True)
class Exempted:
    """What an exemption did in one run."""

    exemption: Exemption
    left: int
    """Days until its last day; below 0 where it has expired."""
    begun: bool
    """Whether the day on which it was approved has come."""
    used: int
    """Number of findings it fits that would stop or have stopped the run. 0: it can go, if all below allows it."""
    objects: int
    """Number of objects behind these findings."""
    open: int
    """Number of findings it fits that are undetermined: whether it is needed is then not known."""
    meant: bool
    """Whether its selector can fit this stack at all."""
    judged: bool
    """Whether its rule looked at anything here."""

    @property
    def expired(self) -> bool:
        """Whether its last day is past."""
        return self.left < 0


@dataclass
class _Count:
    used: int = 0
    open: int = 0
    objects: set[Subject] = field(default_factory=set[Subject])


class Exempter:
    """Finds the exemption of a finding. One for a run: it counts."""

    def __init__(self, exemptions: Iterable[Exemption], registry: Registry, stack: str, day: date) -> None:
        """Prepare for one stack on one day."""
        self._day = day
        self._stack = stack
        self._all = tuple(sorted(exemptions, key=lambda exemption: exemption.id))
        self._counts = {exemption.id: _Count() for exemption in self._all}
        self._judged: set[str] = set()
        self._rules = {e.id: rule.id for e in self._all if (rule := registry.find(e.rule))}
        self._of: dict[str, list[Exemption]] = defaultdict(list)
        for exemption in self._all:
            if exemption.id in self._rules:
                self._of[self._rules[exemption.id]].append(exemption)

    def find(self, finding: Finding, *, bad: bool) -> Exemption | None:
        """Return the exemption that holds for a finding, and count what fits.

        `bad` says whether the finding could stop the run; else it is only remembered, as it may turn bad.
        """
        if finding.status is not Status.NOT_APPLICABLE:
            self._judged.add(finding.rule)
        found: Exemption | None = None
        for exemption in self._of.get(finding.rule, ()):
            if finding.status in (Status.PASS, Status.NOT_APPLICABLE) or not self._fits(exemption.selector, finding):
                continue
            count = self._counts[exemption.id]
            if not bad:
                count.open += 1
                continue
            count.used += 1
            if finding.outcome.subject is not None:
                count.objects.add(finding.outcome.subject)
            if found is None and exemption.created <= self._day <= exemption.expires:
                found = exemption
        return found

    def _fits(self, selector: Selector, finding: Finding) -> bool:
        subject = finding.outcome.subject
        pairs = (
            (selector.stack, self._stack),
            (selector.kind, subject.kind if subject else ""),
            (selector.namespace, subject.namespace if subject else ""),
            (selector.name, subject.name if subject else ""),
        )
        if not all(wanted is None or fnmatchcase(actual, wanted) for wanted, actual in pairs):
            return False
        return selector.fingerprint is None or fnmatchcase(finding.fingerprint, selector.fingerprint)

    def report(self) -> tuple[Exempted, ...]:
        """Return what each exemption did."""
        return tuple(
            Exempted(
                exemption,
                left=(exemption.expires - self._day).days,
                begun=exemption.created <= self._day,
                used=count.used,
                objects=len(count.objects),
                open=count.open,
                meant=exemption.selector.stack is None or fnmatchcase(self._stack, exemption.selector.stack),
                judged=self._rules.get(exemption.id) in self._judged,
            )
            for exemption in self._all
            for count in (self._counts[exemption.id],)
        )
