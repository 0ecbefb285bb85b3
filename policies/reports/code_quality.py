"""The verdict as a GitLab Code Quality report, which every edition shows in a merge request."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from policies.kernel.words import Severity, Status
from policies.reports.document import FindingPart, VerdictDocument
from policies.reports.wording import TO_SHOW, in_file, named, sentence, weaknesses

_SEVERITIES = {
    Severity.LOW: "minor",
    Severity.MEDIUM: "major",
    Severity.HIGH: "critical",
    Severity.CRITICAL: "blocker",
}
_LEAST = "info"
"""Of what is exempted, undetermined or a weakened rule: shown, without being called a degradation of the code."""


def render(document: VerdictDocument) -> str:
    """Return the report: one entry per finding, and one per rule that the settings weaken."""
    seen: dict[str, int] = {}
    found = [_entry(finding, document, seen) for finding in document.findings if finding.status in TO_SHOW]
    for rule, text in weaknesses(document):
        description = f"{rule}: {text}"
        place = f"{document.stack.name}/settings"
        found.append(_issue(description, rule, _fingerprint(f"settings {rule} {text}", seen), _LEAST, place, 1))
    return json.dumps(found, indent=2) + "\n"


def _entry(finding: FindingPart, document: VerdictDocument, seen: dict[str, int]) -> dict[str, Any]:
    mild = finding.exemption is not None or finding.status is Status.UNDETERMINED
    severity = _LEAST if mild and not finding.blocks else _SEVERITIES[finding.severity]
    place, line = _place(finding, document)
    where = " ".join(filter(None, (named(finding.object), finding.path)))
    status = "" if finding.status is Status.FAIL else f"{finding.status.value}: "
    description = f"{status}{where + ': ' if where else ''}{sentence(finding, document)}"
    return _issue(description, finding.rule, _fingerprint(finding.fingerprint, seen), severity, place, line)


def _issue(description: str, rule: str, fingerprint: str, severity: str, path: str, line: int) -> dict[str, Any]:
    return {
        "description": description,
        "check_name": rule,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }


def _place(finding: FindingPart, document: VerdictDocument) -> tuple[str, int]:
    """Return file and line; where the source has no files, stack and object stand for them: the format wants a path."""
    if finding.place and in_file(finding.place):
        return finding.place.file.lstrip("/"), max(finding.place.line, 1)
    thing = finding.object
    parts = (thing.kind.replace("/", "."), thing.namespace, thing.name) if thing else ()
    return "/".join(filter(None, (document.stack.name, *parts))), 1


def _fingerprint(text: str, seen: dict[str, int]) -> str:
    """Return a digest that no other entry has: GitLab shows one of those that are equal."""
    seen[text] = seen.get(text, 0) + 1
    return hashlib.sha256(f"{text} {seen[text]}".encode()).hexdigest()
