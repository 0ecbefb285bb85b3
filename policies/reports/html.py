"""The verdict as one page that needs nothing else: no scripts from elsewhere, no fonts, no pictures."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from policies.kernel.words import Status
from policies.reports.document import CheckPart, FindingPart, RulePart, VerdictDocument

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
    checks = [_entry(check, document, rules) for check in document.checks]
    required = [entry for entry in checks if entry["check"].required]
    official = {check.rule for check in document.checks}
    tool = {rule.id for rule in document.rules if rule.decidable[document.stack.moment] == "tool"}
    by_tool = sum(
        check.required and check.status is Status.UNDETERMINED and check.rule in tool for check in document.checks
    )
    others = [_other(finding, rules) for finding in document.findings if finding.rule not in official]
    return _template().render(
        verdict=document,
        groups=[(name, list(found)) for name, found in groupby(required, key=lambda entry: entry["check"].category)],
        suggested=[entry for entry in checks if not entry["check"].required],
        others=others,
        words=WORDS,
        signs=SIGNS,
        evidence=EVIDENCE,
        moments=MOMENTS,
        Status=Status,
        value=_value,
        marked=_marked,
        by_tool=by_tool,
    )


def _entry(check: CheckPart, document: VerdictDocument, rules: dict[str, RulePart]) -> dict[str, Any]:
    """Return a check with its findings, those that decide first."""
    own = [finding for finding in document.findings if finding.rule == check.rule]
    order = (Status.FAIL, Status.ERROR, Status.UNDETERMINED, Status.PASS, Status.NOT_APPLICABLE)
    own.sort(key=lambda finding: order.index(finding.status))
    return {"check": check, "rule": rules[check.rule], "status": check.status, "findings": own}


def _other(finding: FindingPart, rules: dict[str, RulePart]) -> dict[str, Any]:
    return {"rule": rules[finding.rule], "status": finding.status, "findings": [finding]}


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
    return "—" if value is None else str(value)
