"""The verdict as one page that needs nothing else: no scripts from elsewhere, no fonts, no pictures."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from policies.kernel.words import Status
from policies.reports.document import CheckPart, FindingPart, RulePart, VerdictDocument
from policies.reports.wording import placed, weaknesses

WORDS = {
    Status.PASS: "Pass",
    Status.FAIL: "Fail",
    Status.UNDETERMINED: "Undetermined",
    Status.ERROR: "Rule broke",
    Status.NOT_APPLICABLE: "Not judged here",
}
SIGNS = {
    Status.PASS: "✓",
    Status.FAIL: "✕",
    Status.UNDETERMINED: "?",
    Status.ERROR: "!",
    Status.NOT_APPLICABLE: "·",
}
EVIDENCE = {
    "declared": "declared: what the program asks for; nothing was seen running",
    "rendered": "rendered: manifests as they would be sent",
    "simulated": "simulated: seen on stand-ins",
    "observed": "observed: seen on the running cluster",
}
MOMENTS = {
    "preview": "before anything is applied",
    "applied": "after applying; the cluster itself was not asked",
    "live": "on the running cluster",
}


MOST = 25
"""Findings of one rule that the page shows: more is no reading. Counts are of all; `verdict.json` has every fail."""
FULL = 3
"""Findings of one rule that are shown with everything there is; more than that become rows of a table."""
SOON = 14
"""Days before its end from which an exemption is marked."""
_ORDER = (Status.FAIL, Status.ERROR, Status.UNDETERMINED, Status.PASS, Status.NOT_APPLICABLE)
GROUPS = {
    "haven": "Around the checks",
    "exemption": "Exemptions",
    "pod_security": "Pod Security",
    "supply_chain": "Supply chain",
    "bio2": "BIO2",
    "tls": "TLS",
}
"""Names of groups of rules that are not simply their framework with a capital."""


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def render(document: VerdictDocument) -> str:
    """Return the page."""
    rules = {rule.id: rule for rule in document.rules}
    own: dict[str, list[FindingPart]] = {}
    for finding in document.findings:
        own.setdefault(finding.rule, []).append(finding)
    checks = [_entry(rules[check.rule], own, check) for check in document.checks]
    required = [entry for entry in checks if entry["check"].required]
    tool = {rule.id for rule in document.rules if rule.decidable[document.stack.moment] == "tool"}
    by_tool = sum(
        check.required and check.status is Status.UNDETERMINED and check.rule in tool for check in document.checks
    )
    return _template().render(
        verdict=document,
        groups=[(name, list(found)) for name, found in groupby(required, key=lambda entry: entry["check"].category)],
        suggested=[entry for entry in checks if not entry["check"].required],
        others=_others(document, own),
        weaknesses=list(weaknesses(document)),
        placed=placed,
        full=FULL,
        most=MOST,
        soon=SOON,
        until=_until(document),
        words=WORDS,
        signs=SIGNS,
        evidence=EVIDENCE,
        moments=MOMENTS,
        Status=Status,
        value=_value,
        marked=_marked,
        by_tool=by_tool,
    )


def _entry(rule: RulePart, own: dict[str, list[FindingPart]], check: CheckPart | None = None) -> dict[str, Any]:
    """Return a rule with its findings, those that decide first, and how many are left out."""
    found = sorted(own.get(rule.id, ()), key=lambda finding: (not finding.blocks, _ORDER.index(finding.status)))
    shown = found[:MOST]
    counts = {Status(name): number for name, number in rule.counts.items()}
    worst = next((status for status in _ORDER if counts.get(status)), Status.ERROR)
    return {
        "check": check,
        "rule": rule,
        "status": check.status if check else worst,
        "findings": shown,
        "counts": {status: counts[status] for status in _ORDER if counts.get(status)},
        "more": sum(counts.values()) - len(shown),
        "blocks": any(finding.blocks for finding in found),
        "exempted": sum(finding.exemption is not None for finding in found),
    }


def _others(document: VerdictDocument, own: dict[str, list[FindingPart]]) -> list[dict[str, Any]]:
    """Return the rules that are no checks, by group, each group with its counts; what is wrong comes first."""
    official = {check.rule for check in document.checks}
    groups: dict[str, list[dict[str, Any]]] = {}
    for rule in document.rules:
        if rule.id not in official and rule.id in own:
            groups.setdefault(rule.id.split("-", 1)[0], []).append(_entry(rule, own))
    found: list[dict[str, Any]] = []
    for name, entries in groups.items():
        entries.sort(key=lambda entry: (not entry["blocks"], _ORDER.index(entry["status"]), entry["rule"].id))
        found.append(
            {
                "title": GROUPS.get(name, name.replace("_", " ").capitalize()),
                "entries": entries,
                "rules": {status: sum(entry["status"] is status for entry in entries) for status in _ORDER},
                "fails": sum(entry["counts"].get(Status.FAIL, 0) for entry in entries),
                "blocks": any(entry["blocks"] for entry in entries),
            }
        )
    return sorted(found, key=lambda group: not group["blocks"])


def _until(document: VerdictDocument) -> dict[str, tuple[date, str]]:
    """Return, per exemption, its last day and its owner."""
    return {item.id: (item.expires, item.owner) for item in document.exemptions}


def _marked(text: str) -> Markup:
    """Show what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in enumerate(parts)
    )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "not set" if value is None else str(value)
