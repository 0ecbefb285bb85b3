"""The verdict in the layout of the official checker, under our own name.

It is a prediction: nobody is to mistake it for a run of the checker. So the version names Kade, and `HavenCompliant` is
never true: only an official run can say that.
"""

from __future__ import annotations

import json
from typing import Any

from policies.kernel.words import Status
from policies.reports.document import CheckPart, VerdictDocument

_RESULTS = {Status.PASS: "YES", Status.FAIL: "NO", Status.NOT_APPLICABLE: "SKIPPED"}


def render(document: VerdictDocument) -> str:
    """Return the report as JSON."""
    rationales = {rule.id: rule.rationale for rule in document.rules}
    required = [_result(check, rationales) for check in document.checks if check.required]
    suggested = [_result(check, rationales) for check in document.checks if not check.required]
    results = [entry["Result"] for entry in required]
    time = document.run.time.isoformat()
    report: dict[str, Any] = {
        "Version": f"Kade {document.run.versions['kade']} (a prediction, not the official checker)",
        "HavenCompliant": False,
        "StartTS": time,
        "StopTS": time,
        "Config": {"CNCF": False, "CIS": False, "KESC": False},
        "CompliancyChecks": {
            "Results": required,
            "Summary": {
                "Total": len(results),
                "Unknown": results.count("UNKNOWN"),
                "Skipped": results.count("SKIPPED"),
                "Failed": results.count("NO"),
                "Passed": results.count("YES"),
            },
        },
        "SuggestedChecks": {"Results": suggested},
    }
    return json.dumps(report, indent=4) + "\n"


def _result(check: CheckPart, rationales: dict[str, str]) -> dict[str, str]:
    return {
        "Name": check.check,
        "Label": check.label,
        "Category": check.category,
        "Rationale": rationales[check.rule],
        "Result": _RESULTS.get(check.status, "UNKNOWN"),
    }
