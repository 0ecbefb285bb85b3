"""What is new, fixed and unchanged since an earlier verdict, and what then stops a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.checking import Outcome, outcome
from policies.kernel.words import Status
from policies.reports import baseline, json_report
from tests.policies.reports.conftest import exemption
from tests.policies.reports.conftest import outcome as said

RULE = "pod_security-root"


def compared(now: Any, earlier: Any) -> Any:
    """As data without types: a part that may be absent is there in every one of these tests."""
    return baseline.compare(now, earlier)


def changes(document: Any) -> dict[str, str | None]:
    return {finding.object.name: finding.change for finding in document.findings}


def test_only_what_is_new_stops_the_run(make: Any) -> None:
    earlier = make({RULE: [said(Status.FAIL, "old"), said(Status.FAIL, "gone")]})
    now = make({RULE: [said(Status.FAIL, "old"), said(Status.FAIL, "fresh"), said(Status.PASS, "gone")]})
    found = compared(now, earlier)
    assert changes(found) == {"old": "unchanged", "fresh": "new", "gone": None}
    assert [(item.object.name, item.rule) for item in found.baseline.fixed] == [("gone", RULE)]
    assert [finding.object.name for finding in found.findings if finding.blocks] == ["fresh"]
    assert (found.baseline.blocking, found.summary.blocking) == (1, 1)
    assert outcome(found) is Outcome.FINDINGS
    assert outcome(compared(earlier, earlier)) is Outcome.CLEAN


def test_a_verdict_that_had_a_baseline_is_a_baseline_itself(make: Any) -> None:
    first = make({RULE: [said(Status.FAIL, "old")]})
    second = compared(first, first)
    assert outcome(compared(first, second)) is Outcome.CLEAN


def test_what_gets_worse_is_new(make: Any) -> None:
    earlier = make({RULE: [said(Status.UNDETERMINED, "web")]})
    found = compared(make({RULE: [said(Status.FAIL, "web")]}), earlier)
    assert changes(found) == {"web": "new"}
    assert found.baseline.fixed == ()
    assert changes(compared(earlier, make({RULE: [said(Status.FAIL, "web")]}))) == {"web": "unchanged"}


def test_an_exemption_that_has_expired_since_stops_the_run(make: Any) -> None:
    failing = {RULE: [said(Status.FAIL, "web")]}
    earlier = make(failing, exemptions=[exemption()])
    assert outcome(earlier) is Outcome.CLEAN
    found = compared(make(failing, exemptions=[exemption(expires="2026-11-20")]), earlier)
    assert changes(found) == {"web": "unchanged"}
    assert outcome(found) is Outcome.FINDINGS


def test_a_rule_that_was_not_run_fixes_nothing(make: Any) -> None:
    earlier = make({RULE: [said(Status.FAIL)], "pod_security-other": [said(Status.FAIL)]})
    assert compared(make({RULE: [said(Status.FAIL)]}), earlier).baseline.fixed == ()


def test_a_verdict_is_read_back_as_it_was_written(make: Any, tmp_path: Path) -> None:
    document = make({RULE: [said(Status.FAIL)]}, exemptions=[exemption()])
    path = tmp_path / "verdict.json"
    path.write_text(json_report.render(document))
    assert baseline.read(path) == document


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "it is no JSON"), ("[]", "its `schema` is not"), ('{"schema": "kade.verdict/9"}', "of another version")],
)
def test_what_is_no_verdict_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(content)
    with pytest.raises(FaultsError, match=told):
        baseline.read(path)
    with pytest.raises(FaultsError, match="cannot be read"):
        baseline.read(tmp_path / "absent.json")
