"""What policy reviewers decide: enforcement, parameters and strictness, inherited by stage."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Parameters per rule id, or per group for all its rules that have them; each rule's page lists its own.

    Parameters of a rule win over those of its group.
    """


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
        return self.forced[rule.id] if rule.id in self.forced else self._on_day(_level(rule, self.layers))

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

    def lowered(self, registry: Registry) -> dict[str, str]:
        """Return, per rule, an enforcement that is weaker than the built-in one: a reader must see that."""
        found = {rule.id: (self.enforcement(rule), self._on_day(_level(rule, (_BUILT_IN,)))) for rule in registry}
        order = list(Enforcement)
        return {
            rule: f"{now}, built in: {built_in}"
            for rule, (now, built_in) in found.items()
            if order.index(now) > order.index(built_in)
        }

    def upcoming(self, registry: Registry) -> dict[str, date]:
        """Return, per rule that is not mandatory yet, the day from which it is."""
        found: dict[str, date] = {}
        for rule in registry:
            level = _level(rule, self.layers)
            if rule.id not in self.forced and isinstance(level, Graduated) and self.day < level.mandatory_from:
                found[rule.id] = level.mandatory_from
        return found


def _level(rule: Rule, layers: tuple[EnforcementSettings, ...]) -> Level:
    """Return the level of a rule: what names it most closely wins, and of equals the first layer."""
    for key, part in ((rule.id, "rules"), (rule.framework, "groups"), (rule.severity, "severities")):
        for layer in layers:
            table = cast("dict[str, Level]", getattr(layer, part))
            if key in table:
                return table[key]
    return next(layer.default for layer in layers if layer.default is not None)


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
        where = (*path, "parameters", name)
        if registry.find(name) is None and name not in registry.groups():
            faults.append(fault(where, "there is no such rule", registry.guess(name)))
            continue
        meant = list(_meant(name, values, registry))
        for key in values.keys() - {key for _, own in meant for key in own}:
            faults.append(fault((*where, key), "no rule of the group has this parameter", "Remove it."))
        found = {item: None for rule, own in meant for item in _wrong(rule, own, where, document)}
        faults.extend(found)  # a fault in a group's parameter is the same for each of its rules
    return faults


def _wrong(rule: Rule, values: dict[str, Any], where: tuple[str, ...], document: Document) -> list[Fault]:
    """Return what is wrong with a rule's parameters."""
    try:
        rule.parameters.model_validate(values)
    except ValidationError as error:
        lines = {p[len(where) :]: n for p, n in document.lines.items() if p[: len(where)] == where}
        return [
            Fault(item.file, item.line, ".".join(filter(None, (dotted(where), item.key))), item.what, item.remedy)
            for item in faults_of(error, Document(values, document.file, lines), rule.parameters)
        ]
    return []


def _meant(name: str, values: dict[str, Any], registry: Registry) -> Iterator[tuple[Rule, dict[str, Any]]]:
    """Yield the rules that parameters are for: the one of the name, or those of the group with what each has."""
    rule = registry.find(name)
    if rule is not None:
        yield rule, values
        return
    for one in registry:
        if one.framework == name:
            known = {key for field, info in one.parameters.model_fields.items() for key in (field, info.alias)}
            own = {key: value for key, value in values.items() if key in known}
            if own:
                yield one, own


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
        for name, given in sorted(layer.items(), key=lambda item: registry.find(item[0]) is not None):  # groups first
            for rule, own_values in _meant(name, given, registry):
                raw.setdefault(rule.id, {}).update(own_values)
    values = {name: cast("Rule", registry.find(name)).parameters.model_validate(given) for name, given in raw.items()}
    strict = own.strict if own.strict is not None else bool(file.strict)
    enforcement = tuple(_canonical(layer, registry) for layer in (own.enforcement, file.enforcement, _BUILT_IN))
    return Settings(stage, strict, day, enforcement, values)


def _canonical(enforcement: EnforcementSettings, registry: Registry) -> EnforcementSettings:
    """Replace aliases of rules by their ids."""
    names = {name: registry.find(name) for name in enforcement.rules}
    rules = {found.id if found else name: enforcement.rules[name] for name, found in names.items()}
    return enforcement.model_copy(update={"rules": rules})
