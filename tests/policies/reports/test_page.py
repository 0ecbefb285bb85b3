"""The page stays readable with thousands of findings, and shows what is exempted, weaker, new and unread."""

from __future__ import annotations

from typing import Any

from inputs.faults import Fault
from policies.checking import render
from policies.kernel.words import Format, Status
from policies.reports import baseline
from policies.reports.document import FaultPart
from tests.policies.reports.conftest import exemption, outcome

ROOT, IMAGE = "pod_security-root", "supply_chain-image"


def page(document: Any) -> str:
    return render(document, Format.HTML)


def test_thousands_of_findings_are_a_short_list_and_a_count(make: Any) -> None:
    few = page(make({ROOT: [outcome(Status.FAIL, f"app-{n}") for n in range(30)]}))
    many = page(make({ROOT: [outcome(Status.FAIL, f"app-{n}") for n in range(5000)]}))
    assert many.count("<tr><td><span") == 25
    assert "And 4975 more, which are not shown here." in many
    assert "5000 fail" in many
    assert len(many) - len(few) < 500


def test_rules_that_are_no_checks_stand_in_groups_that_are_open_only_where_something_stops_the_run(make: Any) -> None:
    found = {ROOT: [outcome(Status.FAIL)], IMAGE: [outcome(Status.FAIL)], "tenancy-quota": [outcome(Status.PASS)]}
    text = page(make(found, settings={"enforcement": {"groups": {"supply_chain": "advisory"}}}))
    assert text.count('<details class="group" open>') == 1
    assert text.count('<details class="group">') == 2
    first = text.index("Pod Security</span>")
    assert first < text.index("Supply chain</span>") < text.index("Tenancy</span>")


def test_an_exemption_is_shown_with_its_owner_and_its_end(make: Any) -> None:
    document = make({ROOT: [outcome(Status.FAIL)]}, exemptions=[exemption()])
    text = page(document)
    for told in ("until 2026-12-01, owner team@voorbeeld.example", "ends in 10 days", "fits 1", "exempted</span>"):
        assert told in text, told
    many = make({ROOT: [outcome(Status.FAIL, "web") for _ in range(40)]}, exemptions=[exemption()])
    assert "40 fail; 40 exempted." in page(many)


def test_what_is_weaker_or_will_be_stricter_stands_above_the_checks(make: Any) -> None:
    settings = {
        "enforcement": {"rules": {ROOT: "disabled", IMAGE: {"level": "advisory", "mandatoryFrom": "2027-03-01"}}}
    }
    text = page(make({ROOT: [outcome(Status.FAIL)], IMAGE: [outcome(Status.FAIL)]}, settings=settings))
    assert text.index("Weaker rules.") < text.index("required checks")
    assert "only disabled, built in: mandatory" in text
    assert "Will stop the run from 2027-03-01" in text
    assert "Judged as on 2026-11-21" in text


def test_what_could_not_be_read_and_what_changed_is_said(make: Any) -> None:
    earlier, now = make({ROOT: [outcome(Status.FAIL, "a")]}), make({ROOT: [outcome(Status.FAIL, "b")]})
    fault = Fault("deploy/bad.yaml", 3, "", "not valid YAML", "Correct it.")
    part = FaultPart(file=fault.file, line=fault.line, key=fault.key, what=fault.what, remedy=fault.remedy)
    text = page(baseline.compare(now, earlier).model_copy(update={"faults": (part,)}))
    assert "deploy/bad.yaml:3" in text
    assert "1 new, 1 fixed, 0 unchanged" in text
