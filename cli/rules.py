"""`kade rules`: every rule that there is, as a table or as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from policies.fixtures import KINDS, cases
from policies.kernel.registry import Registry
from policies.kernel.rule import Rule
from policies.kernel.words import Moment, Source


def described(rule: Rule) -> dict[str, Any]:
    """Return what is known of a rule, as plain data."""
    counts = Counter(case.kind for case in cases(rule.id))
    return {
        "id": rule.id,
        "aliases": list(rule.aliases),
        "title": rule.title,
        "category": rule.category,
        "severity": rule.severity.value,
        "check": rule.official,
        "required": rule.required,
        "controls": [
            {"framework": control.framework, "version": control.version, "reference": control.reference}
            for control in rule.controls
        ],
        "sources": [source.value for source in Source if source in rule.sources],
        "decidable": {moment.value: rule.decidable[moment].value for moment in Moment},
        "parameters": [field.alias or name for name, field in rule.parameters.model_fields.items()],
        "fixtures": {kind: counts[kind] for kind in KINDS},
        "exemptable": rule.exemptable,
        "page": rule.page,
    }


def as_json(registry: Registry) -> str:
    """Return every rule as JSON, sorted by id."""
    return json.dumps([described(rule) for rule in registry], indent=2) + "\n"


def show(registry: Registry, console: Console) -> None:
    """Print the rules as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("rule", "title", "severity", "before apply", "fixtures"):
        table.add_column(name, no_wrap=name == "rule")
    for rule in registry:
        found = described(rule)
        table.add_row(
            rule.id, rule.title, found["severity"], found["decidable"]["preview"], str(sum(found["fixtures"].values()))
        )
    console.print(table)
    console.print(f"{len(registry)} rules; `kade explain RULE` tells all of one.")
