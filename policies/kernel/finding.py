"""What a rule says (an outcome), and what becomes of it (a finding)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from policies.kernel.words import Enforcement, Evidence, Severity, Status

Scalar = str | int | float | bool | None
"""A value that may stand in a finding. Rules take it from fixed places only: other values may be secret."""


@dataclass(frozen=True, order=True)
class Subject:
    """The object a finding is about, named as people name it."""

    kind: str
    """Kubernetes kind (`Namespace`), Pulumi type token, or a word of the model (`Cluster`)."""
    name: str
    namespace: str = ""
    urn: str = field(default="", compare=False, repr=False)
    """Pulumi's name of it, to show the message in the right place. Never compared, never written to a report."""
    file: str = field(default="", compare=False, repr=False)
    """File that it stands in, as the reader knows it; empty where the source has no files."""
    line: int = field(default=0, compare=False, repr=False)
    """Line in the file on which it begins, counted from 1; 0 where that is not known."""
    named: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    """Places in it that have a number in a list and a name of their own: `containers[0]`, `containers[web]`."""

    def steady(self, path: str) -> str:
        """Return a path with the name of the place that it begins with, where it has one: numbers move."""
        for place, name in self.named:
            if path == place or path.startswith((f"{place}.", f"{place}[")):
                return f"{name}{path.removeprefix(place)}"
        return path

    def __str__(self) -> str:
        """Show as `kind namespace/name`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, order=True)
class Gap:
    """Something that is not known, where it stands and why."""

    path: str
    """Property path, for example `spec.replicas`."""
    why: str
    """Why it is not known, as the end of a sentence: `it is an output that is computed by apply`."""
    subject: Subject | None = None
    """The object that holds the property."""


@dataclass(frozen=True, kw_only=True)
class Fix:
    """What to change."""

    text: str
    """One sentence."""
    path: str = ""
    """The key to change, in the organisation's files or in the object."""
    value: Scalar = None
    """What to write there; `None` where the reader decides."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a rule says about one object; the kernel adds the rest."""

    status: Status
    sentence: str
    """What is so, in one sentence without secrets."""
    subject: Subject | None = None
    path: str = ""
    """Property path in the subject that decides."""
    expected: Scalar = None
    actual: Scalar = None
    fix: Fix | None = None
    """Default: the rule's own fix, because most rules have one remedy."""
    evidence: Evidence | None = None
    """Default: that of the source, because a rule rarely knows better."""
    objects: tuple[Subject, ...] = ()
    """The objects behind the decision."""
    gaps: tuple[Gap, ...] = ()
    """What is unknown; only for `undetermined`."""
    delegate: str = ""
    """Who decides instead, where the status is `undetermined` for that reason."""
    notes: tuple[str, ...] = ()
    """Sentences for the report: traps, forecasts, what remains to be seen live."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An outcome together with its rule, its enforcement and its exemption."""

    rule: str
    check: str | None
    """Id in the official checker, where the rule is one of its checks."""
    severity: Severity
    outcome: Outcome
    evidence: Evidence
    fix: Fix
    enforcement: Enforcement
    exemption: str | None = None
    """Id of the exemption that lifts the enforcement. The status stays what it is."""
    blocks: bool = False
    """Whether it stops the run."""

    @property
    def status(self) -> Status:
        """The outcome's status."""
        return self.outcome.status

    @cached_property
    def fingerprint(self) -> str:
        """Stable over runs, stacks' URNs, wording and the order of containers: rule, object and path."""
        subject, path = self.outcome.subject, self.outcome.path
        if subject is not None:
            parts = (self.rule, subject.kind, subject.namespace, subject.name, subject.steady(path))
        else:
            parts = (self.rule, path)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def order(self) -> tuple[str, ...]:
        """Sort key: by rule, object and path."""
        subject = self.outcome.subject
        where = (subject.kind, subject.namespace, subject.name) if subject else ("", "", "")
        return (self.rule, *where, self.outcome.path)
