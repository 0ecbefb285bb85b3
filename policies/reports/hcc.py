"""The verdict in the layout of the official checker, under our own name.

It is a prediction: nobody is to mistake it for a run of the checker. So the version names Kade, and `HavenCompliant` is
never true: only an official run can say that.
"""

from __future__ import annotations

import json
from typing import Any

from policies.kernel.verdict import CheckResult, Verdict
from policies.kernel.words import Status
from policies.reports.document import RunPart

_RESULTS = {Status.PASS: "YES", Status.FAIL: "NO", Status.NOT_APPLICABLE: "SKIPPED"}


def render(verdict: Verdict, run: RunPart) -> str:
    """Return the report as JSON."""
    checks = verdict.checks
    required = [_result(check) for check in checks if check.rule.required]
    results = [entry["Result"] for entry in required]
    time = run.time.isoformat()
    report: dict[str, Any] = {
        "Version": f"Kade {run.versions['kade']} (a prediction, not the official checker)",
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
        "SuggestedChecks": {"Results": [_result(check) for check in checks if not check.rule.required]},
    }
    return json.dumps(report, indent=4) + "\n"


def _result(check: CheckResult) -> dict[str, str]:
    rule = check.rule
    return {
        "Name": rule.official or "",
        "Label": rule.title,
        "Category": rule.category,
        "Rationale": rule.rationale,
        "Result": _RESULTS.get(check.status, "UNKNOWN"),
    }
