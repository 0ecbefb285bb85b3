"""A prediction beside a real report of the official checker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.parity import Relation, compare

OFFICIAL = Path(__file__).parent / "data" / "hcc-report-v12.8.0.json"
"""A run of the official checker of 2026-04-13, as it was published."""


def relations(parity: Any) -> dict[str, str]:
    return {check.check: check.relation.value for check in parity.checks}


def predicted(tmp_path: Path, **statuses: str) -> Path:
    checks = [{"check": check, "status": status} for check, status in statuses.items()]
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps({"schema": "kade.verdict/1", "checks": checks}))
    return path


def test_a_verdict_of_ours_is_compared_check_by_check_with_a_real_report(engine: Any) -> None:
    answer = engine.run(engine.everything())
    found = compare(answer.folder / "verdict.json", OFFICIAL)
    assert found.version == "Haven v12.8.0"
    assert len(found.checks) == 17
    assert {check.check for check in found.checks if check.relation is Relation.DIFFERS} == {
        "multiaz",
        "privatenetworking",
        "logs",
    }
    assert relations(found)["cis"] == Relation.SKIPPED
    assert relations(found)["cncf"] == Relation.OPEN
    assert found.count(Relation.NOT_PREDICTED) == 0
    assert sum(found.count(relation) for relation in Relation) == 17


def test_every_relation_is_told_apart(tmp_path: Path) -> None:
    verdict = predicted(tmp_path, multiaz="fail", hamasters="fail", rbac="undetermined", ours="pass", cis="pass")
    found = relations(compare(verdict, OFFICIAL))
    assert found["multiaz"] == Relation.AGREES
    assert found["hamasters"] == Relation.DIFFERS
    assert found["rbac"] == Relation.OPEN
    assert found["cis"] == Relation.SKIPPED
    assert found["ours"] == Relation.NOT_PREDICTED
    assert found["haworkers"] == Relation.NOT_PREDICTED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ("{}", "it has no results"),
        ('{"Version": "Kade 1", "CompliancyChecks": {"Results": [{"Name": "rbac", "Result": "YES"}]}}', "of ours"),
    ],
)
def test_what_is_no_official_report_is_refused(tmp_path: Path, content: str, words: str) -> None:
    report = tmp_path / "report.json"
    report.write_text(content)
    with pytest.raises(FaultsError, match=words):
        compare(predicted(tmp_path), report)


def test_what_is_no_verdict_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="no verdict of the layout"):
        compare(OFFICIAL, OFFICIAL)
    with pytest.raises(FaultsError, match="does not exist"):
        compare(tmp_path / "nowhere.json", OFFICIAL)
