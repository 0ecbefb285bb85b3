"""JSON Schemas of the files that policy reviewers edit and of the verdict, generated from the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from policies.kernel.exemption import ExemptionsFile
from policies.kernel.registry import Registry
from policies.kernel.settings import SettingsFile
from policies.reports.json_report import schema as verdict_schema
from policies.rules.haven.kubernetesversion import ReleaseTable

FOLDER = Path(__file__).parent
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def generate(registry: Registry) -> dict[str, str]:
    """Return the text of each schema by file name."""
    settings = _of(SettingsFile, "settings")
    _name_rules(settings, registry)
    found = {
        "settings.schema.json": settings,
        "exemptions.schema.json": _of(ExemptionsFile, "exemptions"),
        "kubernetes-releases.schema.json": _of(ReleaseTable, "kubernetes-releases"),
        "verdict-1.schema.json": verdict_schema(),
    }
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in found.items()}


def _of(model: type[BaseModel], name: str) -> dict[str, Any]:
    return {"$schema": DRAFT, "$id": f"urn:kade:{name}", **model.model_json_schema(by_alias=True)}


def _name_rules(schema: dict[str, Any], registry: Registry) -> None:
    """Let an editor complete rules, groups and the parameters of each rule."""
    definitions: dict[str, Any] = schema["$defs"]
    enforcement = definitions["EnforcementSettings"]["properties"]
    enforcement["rules"]["propertyNames"] = {"enum": [rule.id for rule in registry]}
    enforcement["groups"]["propertyNames"] = {"enum": list(registry.groups())}
    parameters: dict[str, Any] = {}
    for rule in registry:
        own = rule.parameters.model_json_schema(by_alias=True)
        if own.get("properties"):
            parameters[rule.id] = own
    for group in registry.groups():
        own = {
            key: value
            for rule in registry
            if rule.framework == group
            for key, value in parameters.get(rule.id, {}).get("properties", {}).items()
        }
        if own:
            parameters[group] = {"type": "object", "properties": own, "additionalProperties": False}
    for part in (schema, definitions["Demands"]):
        part["properties"]["parameters"] = {
            "type": "object",
            "description": "Parameters per rule id, or per group for all its rules that have them.",
            "properties": parameters,
            "additionalProperties": False,
        }
