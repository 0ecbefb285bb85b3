"""Rules as CrossGuard policies: every native field is filled from the registry."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    Severity,
    StackValidationPolicy,
)

from policies.kernel.rule import Parameters, Rule
from policies.kernel.settings import Settings
from policies.kernel.words import Enforcement

Validate = Callable[[Any, Any], None]
"""Takes the SDK's arguments and its way to report; the SDK's own type is not fully known."""
WRITTEN = "kade-verdict"
"""Name of the policy that fails when no verdict could be made."""
LEVELS = {
    Enforcement.MANDATORY: EnforcementLevel.MANDATORY,
    Enforcement.ADVISORY: EnforcementLevel.ADVISORY,
    Enforcement.DISABLED: EnforcementLevel.DISABLED,
}
_BACK = {level: enforcement for enforcement, level in LEVELS.items()} | {
    EnforcementLevel.REMEDIATE: Enforcement.MANDATORY
}


def enforcement(level: EnforcementLevel) -> Enforcement:
    """Return our word for a level of CrossGuard; rules repair nothing, so `remediate` counts as mandatory."""
    return _BACK[level]


def policy(rule: Rule, settings: Settings, validate: Validate) -> StackValidationPolicy:
    """Return a rule as a policy."""
    first = rule.controls[0]
    return StackValidationPolicy(
        name=rule.id,
        display_name=rule.title,
        description=rule.rationale,
        validate=validate,
        enforcement_level=LEVELS[settings.enforcement(rule)],
        severity=Severity(rule.severity.value),
        framework=PolicyComplianceFramework(
            name=first.framework,
            version=first.version,
            reference=first.reference,
            specification=rule.looks_at,
        ),
        tags=sorted({rule.framework, rule.category, *(control.framework for control in rule.controls)}),
        remediation_steps=rule.fix,
        url=rule.page,
        config_schema=_schema(rule.parameters),
    )


def written(validate: Validate) -> StackValidationPolicy:
    """Return the policy that says that a verdict was made at all: silence would look like a pass."""
    return StackValidationPolicy(
        name=WRITTEN,
        display_name="A verdict was made",
        description="The rules ran with valid settings, and their verdict was written.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        tags=["kade"],
    )


@cache
def _schema(parameters: type[Parameters]) -> PolicyConfigSchema | None:
    """Return the parameters' schema; without defaults, as the engine would write them over our settings."""
    properties: dict[str, dict[str, Any]] = parameters.model_json_schema(by_alias=True).get("properties", {})
    if not properties:
        return None
    kept = ("type", "items", "description", "minimum", "maximum", "enum", "pattern")
    return PolicyConfigSchema({name: {k: v for k, v in p.items() if k in kept} for name, p in properties.items()})
