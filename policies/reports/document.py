"""The verdict as a document: `verdict.json`, schema `kade.verdict/1`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from policies.kernel.finding import Scalar
from policies.kernel.words import Enforcement, Evidence, Layer, Moment, Severity, Source, Stage, Status

SCHEMA = "kade.verdict/1"


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True, alias_generator=_camel
    )


class RunPart(_Part):
    """What differs from run to run. Everything else is equal for equal input."""

    id: str
    """Random id of the run."""
    time: datetime
    """When the verdict was written."""
    commit: str | None
    """Commit of the working copy; null where there is none."""
    versions: dict[str, str]
    """Versions of Kade, of the SDKs, and of the tables that decide."""


class ObjectPart(_Part):
    """An object, as people name it."""

    kind: str
    namespace: str
    name: str


class GapPart(_Part):
    """Something that is not known."""

    path: str
    """Property path."""
    why: str
    """Why it is not known."""
    object: ObjectPart | None
    """The object that holds it."""


class PlacePart(_Part):
    """Where something stands in a file."""

    file: str
    """The file, as the reader knows it."""
    line: int
    """Line on which the object begins, counted from 1; 0 where that is not known."""


class FixPart(_Part):
    """What to change."""

    text: str
    path: str
    """The key to change; empty where there are several ways."""
    value: Scalar
    """What to write there; null where the reader decides."""


class FindingPart(_Part):
    """What one rule says about one object."""

    rule: str
    check: str | None
    """Id in the official checker."""
    status: Status
    severity: Severity
    evidence: Evidence
    enforcement: Enforcement
    blocks: bool
    """Whether it stops the run."""
    exemption: str | None
    """Id of the exemption that lifts the enforcement; the status stays."""
    sentence: str
    """What is so."""
    object: ObjectPart | None
    path: str
    """Property path that decides."""
    expected: Scalar
    actual: Scalar
    fix: FixPart
    unknown: tuple[GapPart, ...]
    """What is not known."""
    delegate: str
    """Who decides instead."""
    notes: tuple[str, ...]
    objects: tuple[ObjectPart, ...]
    """The objects behind the decision."""
    fingerprint: str
    """Stable over runs: rule, object and path."""
    place: PlacePart | None = None
    """Where the object stands, where the source has files."""
    change: Literal["new", "unchanged"] | None = None
    """Against the baseline, for what is not as it should be; null without a baseline."""


class CheckPart(_Part):
    """A check of the official checker."""

    check: str
    rule: str
    label: str
    category: str
    required: bool
    """Whether it counts."""
    status: Status


class ControlPart(_Part):
    """A demand of a framework."""

    framework: str
    version: str
    reference: str


class RulePart(_Part):
    """A rule that was run."""

    id: str
    title: str
    rationale: str
    category: str
    severity: Severity
    controls: tuple[ControlPart, ...]
    page: str
    """Its page, relative to the project's root."""
    decidable: dict[Moment, str]
    """What it can decide at each moment."""
    fix: str = ""
    """What to do about a fail."""
    counts: dict[str, int] = Field(default_factory=dict[str, int])
    """All its findings by status; of passes, `findings` has only the first."""


class HavenPart(_Part):
    """The count of the required checks: the four numbers add up to `of`."""

    passed: int
    failed: int
    """An exempted fail is still a fail."""
    undetermined: int
    not_judged: int
    """Belongs to another stack."""
    of: int
    line: str
    """The count in one line."""


class SummaryPart(_Part):
    """The counts."""

    haven: HavenPart
    statuses: dict[str, int]
    """Findings of all rules by status."""
    blocking: int
    exempted: int


class StackPart(_Part):
    """What was judged."""

    name: str
    project: str
    cluster: str
    environments: tuple[str, ...]
    stage: Stage | None
    layers: tuple[Layer, ...] | None
    """Null where it is not known which layers the stack holds."""
    source: Source
    moment: Moment
    stand_ins: bool
    """Whether stand-ins took the place of the real providers."""


class ExemptionPart(_Part):
    """An exemption and what it did."""

    id: str
    rule: str
    category: str
    reason: str
    owner: str
    approver: str
    ticket: str
    expires: date
    expired: bool
    used: int
    """Number of findings it fits."""
    meant: bool
    """Whether it can fit this stack."""
    how: str | None = None
    """What covers the risk, where the category is `mitigated`."""
    left: int | None = None
    """Days until its last day; below 0 where it has expired."""
    objects: int = 0
    """Number of objects it fits."""


class SettingsPart(_Part):
    """The settings that bear on how the verdict is to be read."""

    strict: bool
    weakened: dict[str, tuple[str, ...]]
    """Per rule the parameters that make it weaker than by default."""
    disabled: tuple[str, ...]
    """Rules that are not shown on the console."""
    as_of: date | None = None
    """The day that was judged on."""
    lowered: dict[str, str] = Field(default_factory=dict[str, str])
    """Per rule an enforcement that is weaker than what is built in."""
    upcoming: dict[str, date] = Field(default_factory=dict[str, date])
    """Per rule the day from which a fail stops the run."""


class FaultPart(_Part):
    """Something that could not be read; the rest was judged."""

    file: str
    line: int
    key: str
    what: str
    remedy: str


class FixedPart(_Part):
    """A finding of the baseline that is gone."""

    rule: str
    object: ObjectPart | None
    path: str
    sentence: str
    """What was so."""
    fingerprint: str


class BaselinePart(_Part):
    """What changed since an earlier verdict."""

    commit: str | None
    """Commit of the earlier verdict."""
    new: int
    """Findings that were not there, or were less bad."""
    unchanged: int
    fixed: tuple[FixedPart, ...]
    blocking: int
    """Findings that stop the run and did not do so before: with a baseline, only these count."""


class VerdictDocument(_Part):
    """A verdict over one stack."""

    schema_: Literal["kade.verdict/1"] = Field(alias="schema")
    """Name and version of this layout."""
    run: RunPart
    stack: StackPart
    input_digest: str
    """SHA-256 over the facts that the rules saw."""
    summary: SummaryPart
    checks: tuple[CheckPart, ...]
    findings: tuple[FindingPart, ...]
    exemptions: tuple[ExemptionPart, ...]
    settings: SettingsPart
    unseen: tuple[str, ...]
    """What was not looked at."""
    rules: tuple[RulePart, ...]
    faults: tuple[FaultPart, ...] = ()
    """What could not be read."""
    baseline: BaselinePart | None = None
    """What changed since an earlier verdict, where one was given."""
