"""The verdict as SARIF 2.1.0, for tools that read results of static analysis."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from policies.kernel.words import Severity, Status
from policies.reports.document import ExemptionPart, FindingPart, ObjectPart, RulePart, VerdictDocument
from policies.reports.wording import TO_SHOW, exemption, in_file, named, sentence, weaknesses

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {Status.FAIL: "fail", Status.ERROR: "review", Status.UNDETERMINED: "open"}
_SCORES = {Severity.LOW: "3.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0", Severity.CRITICAL: "9.5"}
"""In the middle of the ranges that readers of `security-severity` use for the four words."""


def render(document: VerdictDocument) -> str:
    """Return the report: everything that is not as it should be, exempted findings as suppressed ones."""
    weakened: dict[str, list[str]] = {}
    for rule, text in weaknesses(document):
        weakened.setdefault(rule, []).append(text)
    positions = {rule.id: index for index, rule in enumerate(document.rules)}
    results = [_result(f, positions[f.rule], document) for f in document.findings if f.status in TO_SHOW]
    if document.baseline:
        results += [
            _absent(item.rule, item.sentence, item.fingerprint, item.object, positions[item.rule])
            for item in document.baseline.fixed
        ]
    errors = [finding for finding in document.findings if finding.status is Status.ERROR]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Kade",
                "version": document.run.versions["kade"],
                "rules": [_rule(rule, weakened.get(rule.id, [])) for rule in document.rules],
            }
        },
        "automationDetails": {"id": f"kade/{document.stack.source.value}/{document.stack.name}/"},
        "invocations": [
            {
                "executionSuccessful": not errors,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"{error.rule}: {error.sentence}"}} for error in errors
                ],
                "toolConfigurationNotifications": [
                    {"level": "warning", "message": {"text": f"{rule}: {text}"}} for rule, text in weaknesses(document)
                ],
            }
        ],
        "results": results,
        "properties": {"haven": document.summary.haven.line, "unseen": list(document.unseen)},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: RulePart, weakened: list[str]) -> dict[str, Any]:
    frameworks = sorted({f"{c.framework} {c.version} {c.reference}" for c in rule.controls})
    return {
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.rationale},
        "help": {"text": f"{rule.fix} See {rule.page}."},
        "defaultConfiguration": {"level": _level(rule.severity)},
        "properties": {
            "tags": [rule.category, *frameworks],
            "security-severity": _SCORES[rule.severity],
            **({"weakened": weakened} if weakened else {}),
        },
    }


def _level(severity: Severity) -> str:
    return "error" if severity in (Severity.HIGH, Severity.CRITICAL) else "warning"


def _result(finding: FindingPart, position: int, document: VerdictDocument) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": position,
        # Any kind but `fail` has no level, says the format.
        "kind": "fail" if finding.blocks else _KINDS[finding.status],
        "level": ("error" if finding.blocks else "warning")
        if finding.blocks or finding.status is Status.FAIL
        else "none",
        "message": {"text": sentence(finding, document)},
        "locations": [_location(finding, document)],
        "partialFingerprints": {"kade/v1": finding.fingerprint},
        "properties": {
            "status": finding.status.value,
            "severity": finding.severity.value,
            "enforcement": finding.enforcement.value,
            "evidence": finding.evidence.value,
            "path": finding.path,
        },
    }
    if finding.change:
        found["baselineState"] = finding.change
    if finding.exemption:
        found["suppressions"] = [_suppression(finding.exemption, exemption(finding.exemption, document))]
    return found


def _suppression(name: str, found: ExemptionPart | None) -> dict[str, Any]:
    justification = f"{found.reason} ({found.category}, {found.ticket}, until {found.expires})" if found else name
    properties = {"owner": found.owner, "approver": found.approver} if found else {}
    return {
        "kind": "external",
        "status": "accepted",
        "justification": justification,
        "properties": {"exemption": name, **properties},
    }


def _absent(rule: str, text: str, fingerprint: str, thing: ObjectPart | None, position: int) -> dict[str, Any]:
    """Return what stood in the baseline and is gone."""
    return {
        "ruleId": rule,
        "ruleIndex": position,
        "kind": "pass",
        "level": "none",
        "message": {"text": f"Fixed: {text}"},
        "locations": [_logical(thing)],
        "partialFingerprints": {"kade/v1": fingerprint},
        "baselineState": "absent",
    }


def _location(finding: FindingPart, document: VerdictDocument) -> dict[str, Any]:
    found = _logical(finding.object, document.stack.name)
    if finding.place and in_file(finding.place):
        physical: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.place.file)}}
        if finding.place.line:
            physical["region"] = {"startLine": finding.place.line}
        found["physicalLocation"] = physical
    return found


def _logical(thing: ObjectPart | None, stack: str = "") -> dict[str, Any]:
    name = named(thing) or stack
    return {"logicalLocations": [{"name": thing.name if thing else name, "fullyQualifiedName": name, "kind": "object"}]}
