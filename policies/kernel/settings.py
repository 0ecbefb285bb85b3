"""What policy reviewers decide: enforcement, parameters and strictness, inherited by stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

from pydantic import Field, ValidationError, field_validator

from inputs.faults import Fault, FaultsError, nearest
from inputs.validate import FileModel, RuleOfFile, faults_of, parse
from inputs.yaml import Document, dotted, load
from policies.kernel.registry import Registry
from policies.kernel.rule import Parameters, Rule, weakened
from policies.kernel.words import Enforcement, Severity, Stage


class Graduated(FileModel):
    """An enforcement that becomes mandatory on a date, so that everybody can prepare."""

    level: Enforcement = Enforcement.ADVISORY
    """Enforcement before the date. Default: advisory, because that is what a new rule starts with."""
    mandatory_from: date
    """First day on which a fail stops the run, for example `2027-03-01`."""


Level = Enforcement | Graduated


class EnforcementSettings(FileModel):
    """What a fail does. The more specific wins: rule, then group, then severity, then default."""

    default: Level | None = None
    """For every rule that nothing below names."""
    severities: dict[Severity, Level] = Field(default_factory=dict[Severity, Level])
    """By severity: `low`, `medium`, `high`, `critical`."""
    groups: dict[str, Level] = Field(default_factory=dict[str, Level])
    """By framework: what stands before the first hyphen of a rule's id, for example `haven`."""
    rules: dict[str, Level] = Field(default_factory=dict[str, Level])
    """By rule id."""


class Demands(FileModel):
    """What is demanded in every stage, or the difference that one stage makes."""

    strict: bool | None = None
    """Whether a check that could be decided now, and is undetermined all the same, stops the run. Default: no."""
    enforcement: EnforcementSettings = EnforcementSettings()
    """What a fail does."""
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """Parameters per rule id; each rule's page lists its own."""


LONGEST_DAYS = {Severity.LOW: 365, Severity.MEDIUM: 180, Severity.HIGH: 90, Severity.CRITICAL: 30}


class SettingsFile(Demands):
    """Model of `policies/settings.yaml`."""

    stages: dict[Stage, Demands] = Field(default_factory=dict[Stage, Demands])
    """Per stage what differs there. A stage inherits all that stands at the top of the file."""
    approvers: tuple[str, ...] = ()
    """Who may approve an exemption."""
    longest_exemption_days: dict[Severity, int] = Field(default_factory=dict[Severity, int])
    """Longest term of an exemption in days, per severity of its rule.

    Default: low 365, medium 180, high 90, critical 30, because an exemption without an end becomes the norm.
    """

    @field_validator("longest_exemption_days")
    @classmethod
    def _positive(cls, days: dict[Severity, int]) -> dict[Severity, int]:
        for severity, number in days.items():
            if number < 1:
                what = "a term is at least one day"
                raise RuleOfFile(what, "Write a number of days above 0.", (severity.value,))
        return days

    def longest(self, severity: Severity) -> int:
        """Return the longest term of an exemption in days."""
        return self.longest_exemption_days.get(severity, LONGEST_DAYS[severity])


_BUILT_IN = EnforcementSettings(
    default=Enforcement.ADVISORY,
    severities={Severity.HIGH: Enforcement.MANDATORY, Severity.CRITICAL: Enforcement.MANDATORY},
)
"""Where no settings say otherwise: what is severe stops the run, the rest is shown."""


@dataclass(frozen=True)
class Settings:
    """The settings that hold for one stage on one day."""

    stage: Stage | None
    strict: bool
    day: date
    layers: tuple[EnforcementSettings, ...]
    """The stage's difference, the file's top, what is built in: in this order."""
    values: dict[str, Parameters] = field(default_factory=dict[str, Parameters])
    """Parameters per rule id, checked; rules that are not named have their defaults."""
    forced: dict[str, Enforcement] = field(default_factory=dict[str, Enforcement])
    """Enforcement per rule id that was given with the run and wins over the file."""

    def enforcement(self, rule: Rule) -> Enforcement:
        """Return what a fail of the rule does on this day."""
        if rule.id in self.forced:
            return self.forced[rule.id]
        for key, part in ((rule.id, "rules"), (rule.framework, "groups"), (rule.severity, "severities")):
            for layer in self.layers:
                table = cast("dict[str, Level]", getattr(layer, part))
                if key in table:
                    return self._on_day(table[key])
        defaults = (layer.default for layer in self.layers)
        return self._on_day(next(level for level in defaults if level is not None))

    def _on_day(self, level: Level) -> Enforcement:
        if isinstance(level, Graduated):
            return Enforcement.MANDATORY if self.day >= level.mandatory_from else level.level
        return level

    def parameters(self, rule: Rule) -> Parameters:
        """Return the rule's parameters."""
        return self.values.get(rule.id) or rule.parameters()

    def weakened(self, registry: Registry) -> dict[str, tuple[str, ...]]:
        """Return, per rule, the parameters that make it weaker than it is by default."""
        found = {rule.id: weakened(self.parameters(rule)) for rule in registry}
        return {rule: names for rule, names in found.items() if names}


def read_settings(path: Path, registry: Registry, root: Path | None = None) -> SettingsFile:
    """Return the settings file, or the built-in settings where there is none.

    Raises:
        FaultsError: every fault in the file, with its line: unknown rules and groups, wrong parameters.

    """
    if not path.exists():
        return SettingsFile()
    document = load(path, root)
    if document.data is None:
        return SettingsFile()
    settings = parse(SettingsFile, document)
    faults = _faults(settings, (), document, registry)
    for stage, demands in settings.stages.items():
        faults += _faults(demands, ("stages", stage.value), document, registry)
    if faults:
        raise FaultsError(faults)
    return settings


def _faults(demands: Demands, path: tuple[str, ...], document: Document, registry: Registry) -> list[Fault]:
    """Return what is wrong in the light of the rules that exist."""

    def fault(where: tuple[str, ...], what: str, remedy: str) -> Fault:
        return Fault(document.file, document.line(where), dotted(where), what, remedy)

    faults: list[Fault] = []
    for group in demands.enforcement.groups:
        if group not in registry.groups():
            guess = nearest(group, registry.groups()) or f"Groups: {', '.join(registry.groups())}."
            faults.append(fault((*path, "enforcement", "groups", group), "there is no such group of rules", guess))
    for name in demands.enforcement.rules:
        if registry.find(name) is None:
            where = (*path, "enforcement", "rules", name)
            faults.append(fault(where, "there is no such rule", registry.guess(name)))
    for name, values in demands.parameters.items():
        rule, where = registry.find(name), (*path, "parameters", name)
        if rule is None:
            faults.append(fault(where, "there is no such rule", registry.guess(name)))
            continue
        try:
            rule.parameters.model_validate(values)
        except ValidationError as error:
            part = Document(
                values,
                document.file,
                {p[len(where) :]: n for p, n in document.lines.items() if p[: len(where)] == where},
            )
            for item in faults_of(error, part, rule.parameters):
                key = ".".join(filter(None, (dotted(where), item.key)))
                faults.append(Fault(item.file, item.line, key, item.what, item.remedy))
    return faults


def resolve(
    file: SettingsFile,
    registry: Registry,
    stage: Stage | None,
    day: date,
    overrides: dict[str, dict[str, Any]] | None = None,
) -> Settings:
    """Return what holds for a stage on a day.

    `overrides` are parameters given with the run (`--policy-pack-config`); they win over the file.
    """
    own = file.stages.get(stage, Demands()) if stage else Demands()
    raw: dict[str, dict[str, Any]] = {}
    for layer in (file.parameters, own.parameters, overrides or {}):
        for name, values in layer.items():
            rule = registry.find(name)
            if rule is not None:
                raw.setdefault(rule.id, {}).update(values)
    values = {name: cast("Rule", registry.find(name)).parameters.model_validate(given) for name, given in raw.items()}
    strict = own.strict if own.strict is not None else bool(file.strict)
    enforcement = tuple(_canonical(layer, registry) for layer in (own.enforcement, file.enforcement, _BUILT_IN))
    return Settings(stage, strict, day, enforcement, values)


def _canonical(enforcement: EnforcementSettings, registry: Registry) -> EnforcementSettings:
    """Replace aliases of rules by their ids."""
    names = {name: registry.find(name) for name in enforcement.rules}
    rules = {found.id if found else name: enforcement.rules[name] for name, found in names.items()}
    return enforcement.model_copy(update={"rules": rules})
