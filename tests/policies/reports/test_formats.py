"""JUnit, Code Quality, SARIF, Markdown and the terminal: valid by their own schemas, and honest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
from jsonschema import Draft202012Validator

from policies.checking import render
from policies.kernel.finding import Gap, Outcome, Subject
from policies.kernel.words import Format, Status
from policies.reports import baseline
from tests.policies.reports.conftest import exemption, outcome

SCHEMAS = Path(__file__).parent / "schemas"
ROOT, IMAGE, BROKEN = "pod_security-root", "supply_chain-image", "tenancy-quota"
WEAK = {"enforcement": {"groups": {"supply_chain": "advisory"}}}
HOSTILE = "x\x00`</testcase>|<script>alert(1)</script> @everybody ![a](http://b) ]]>"


@pytest.fixture
def everything(make: Any) -> Any:
    """One of each: blocking, exempted, advisory, undetermined, passing, not applicable, broken, weakened, hostile."""
    gap = Gap("spec.replicas", "it is computed while the change is applied")
    found = {
        ROOT: [
            outcome(Status.FAIL, "api", expected=True, actual=None),
            outcome(Status.FAIL, "web"),
            outcome(Status.PASS, "good"),
            outcome(Status.UNDETERMINED, "later", gaps=(gap,)),
        ],
        IMAGE: [
            outcome(Status.FAIL, "api", line=0),
            Outcome(status=Status.FAIL, sentence=HOSTILE, subject=Subject("Deployment", HOSTILE), path=HOSTILE),
            Outcome(status=Status.NOT_APPLICABLE, sentence="Nothing here."),
        ],
        BROKEN: [outcome(Status.FAIL, "kept"), RuntimeError("s3cr3t-value")],
    }
    return make(found, settings=WEAK, exemptions=[exemption()])


def junit(document: Any) -> Tree.Element:
    return Tree.fromstring(render(document, Format.JUNIT))


def check_junit(root: Tree.Element) -> None:
    """What readers of JUnit agree on: no other elements, no other attributes, and counts that are true."""
    assert (root.tag, set(root.attrib)) == ("testsuites", {"name", "tests", "failures", "errors"})
    cases = root.findall("./testsuite/testcase")
    assert len(cases) == int(root.attrib["tests"]) > 0
    for suite in root:
        assert (suite.tag, set(suite.attrib)) == ("testsuite", {*root.attrib, "skipped"})
        assert next(child.tag for child in suite) == "properties"
        own = suite.findall("testcase")
        assert len(own) == len(suite) - 1 == int(suite.attrib["tests"])
        for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert len(suite.findall(f"testcase/{kind}")) == int(suite.attrib[name])
    for case in cases:
        assert {"classname", "name", "time"} <= set(case.attrib) <= {"classname", "name", "time", "file", "line"}
        assert len(case) <= 1
        for result in case:
            assert result.tag in ("failure", "error", "skipped")
            assert result.attrib["message"]


def test_the_junit_report_has_the_structure_that_readers_expect(everything: Any) -> None:
    check_junit(junit(everything))


def test_junit_fails_for_what_stops_the_run_and_shows_the_rest_as_skipped(everything: Any) -> None:
    root = junit(everything)
    failing = {case.attrib["name"] for case in root.iter("testcase") if case.find("failure") is not None}
    assert failing == {
        f"Title of {ROOT}: Deployment team/api spec.x",
        f"Title of {BROKEN}: Deployment team/kept spec.x",
    }
    (broken,) = root.findall("./testsuite/testcase/error")
    assert "RuntimeError" in broken.attrib["message"]
    skipped = " ".join(item.attrib["message"] for item in root.iter("skipped"))
    for told in ("Exempted by one until 2026-12-01", "fail (advisory)", "undetermined: ", "not applicable: "):
        assert told in skipped
    places = {case.get("file"): case.get("line") for case in root.iter("testcase") if case.get("line")}
    assert places == {"deploy/app.yaml": "7"}


def test_the_code_quality_report_fits_the_documented_fields(everything: Any) -> None:
    schema = json.loads((SCHEMAS / "code-quality.json").read_text())
    Draft202012Validator.check_schema(schema)
    found = json.loads(render(everything, Format.CODE_QUALITY))
    Draft202012Validator(schema).validate(found)
    assert len({entry["fingerprint"] for entry in found}) == len(found)
    severities = {
        entry["description"].split(":")[0]: entry["severity"] for entry in found if entry["check_name"] == ROOT
    }
    assert severities == {
        "Deployment team/api spec.x": "critical",
        "Deployment team/web spec.x": "info",
        "undetermined": "info",
    }
    assert {"deploy/app.yaml", "shop/settings"} < {entry["location"]["path"] for entry in found}


def test_equal_findings_have_fingerprints_of_their_own_and_keep_them(make: Any) -> None:
    twice = make({ROOT: [outcome(Status.FAIL), outcome(Status.FAIL)]})
    first, second = (entry["fingerprint"] for entry in json.loads(render(twice, Format.CODE_QUALITY)))
    assert first != second
    moved = make({ROOT: [outcome(Status.FAIL, line=99)]})
    assert json.loads(render(moved, Format.CODE_QUALITY))[0]["fingerprint"] == first


def sarif(document: Any) -> dict[str, Any]:
    schema = json.loads((SCHEMAS / "sarif-parts.json").read_text())
    Draft202012Validator.check_schema(schema)
    found = json.loads(render(document, Format.SARIF))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(found)
    return found["runs"][0]


def test_the_sarif_report_fits_the_parts_of_the_format_that_it_uses(everything: Any) -> None:
    run = sarif(everything)
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert not run["invocations"][0]["executionSuccessful"]
    kinds = [(result["kind"], result["level"]) for result in run["results"] if result["ruleId"] == ROOT]
    assert kinds == [("fail", "error"), ("open", "none"), ("fail", "warning")]
    (suppressed,) = (result for result in run["results"] if "suppressions" in result)
    assert suppressed["suppressions"][0]["properties"]["owner"] == "team@voorbeeld.example"
    first = run["results"][0]["locations"][0]
    assert first["physicalLocation"] == {
        "artifactLocation": {"uri": "deploy/app.yaml"},
        "region": {"startLine": 7},
    }


def test_sarif_names_what_is_new_and_what_is_gone(make: Any) -> None:
    earlier = make({ROOT: [outcome(Status.FAIL, "gone"), outcome(Status.FAIL, "old")]})
    now = make({ROOT: [outcome(Status.FAIL, "old"), outcome(Status.FAIL, "fresh")]})
    states = [result["baselineState"] for result in sarif(baseline.compare(now, earlier))["results"]]
    assert sorted(states) == ["absent", "new", "unchanged"]


def test_the_comment_tells_what_stops_the_run_what_is_exempted_and_what_is_weaker(everything: Any) -> None:
    text = render(everything, Format.MARKDOWN)
    for told in (
        "**2 findings stop the run.**",
        "### Stops the run (2)",
        "`Deployment team/api` `spec.x` (`deploy/app.yaml:7`)",
        "### Exempted: still a fail, but it stops nothing (1)",
        "Exempted by one until 2026-12-01 (owner team\\@voorbeeld.example",
        "### Exemptions that end soon",
        "### Weaker than the rules are by themselves",
        f"`{IMAGE}`: only advisory, built in: mandatory",
    ):
        assert told in text, told


def test_a_comment_stays_short_whatever_there_is(make: Any) -> None:
    many = make({ROOT: [outcome(Status.FAIL, f"app-{n}") for n in range(500)]})
    text = render(many, Format.MARKDOWN)
    assert "and 475 more" in text
    assert len(text) < 10_000


@pytest.mark.parametrize("name", [HOSTILE, "``@all`` <b>", "a ` b ` ` @all"])
def test_what_a_manifest_holds_is_no_markup_in_any_report(make: Any, name: str) -> None:
    bad = Outcome(status=Status.FAIL, sentence=f"So it is with {name}.", subject=Subject(name, name, name), path=name)
    document = make({ROOT: [bad]})
    comment = render(document, Format.MARKDOWN)
    (line,) = (line for line in comment.splitlines() if "So it is" in line)
    outside = re.sub(r"`[^`]+`", "", line)
    assert "`" not in outside
    assert re.search(r"(?<!\\)[<>@!\[|]", outside) is None, outside
    assert "\x00" not in comment
    page = render(document, Format.HTML)
    assert "<script>alert" not in page
    assert "<b> " not in page.split("<body>")[1]
    check_junit(junit(document))


@pytest.mark.parametrize("format", list(Format))
def test_no_report_holds_a_urn_or_a_secret_and_each_marks_what_weakens(everything: Any, format: Format) -> None:
    text = render(everything, format)
    assert "urn:pulumi" not in text
    assert "s3cr3t" not in text
    if format is not Format.HCC:  # the checker's layout has no place for anything of ours
        assert "built in: mandatory" in text
        assert "one" in text


def test_the_terminal_shows_the_worst_first_and_the_count_last(everything: Any) -> None:
    lines = render(everything, Format.CONSOLE).splitlines()
    assert lines[0].startswith(f"fail  {ROOT}")
    assert "stops the run" in lines[0]
    assert lines[-1].startswith("haven: ")
    assert lines[-2].endswith("1 exempted, 2 stop the run")


def test_the_terminal_names_ten_of_many_and_says_how_many_more(make: Any) -> None:
    text = render(make({ROOT: [outcome(Status.FAIL, f"app-{n}") for n in range(500)]}), Format.CONSOLE)
    assert text.count("Deployment team/app-") == 10
    assert "and 490 more" in text


def test_passes_are_counted_and_not_stored(make: Any) -> None:
    few = make({ROOT: [outcome(Status.PASS, f"app-{n}") for n in range(30)]})
    many = make({ROOT: [outcome(Status.PASS, f"app-{n}") for n in range(3000)]})
    assert (few.summary.statuses["pass"], many.summary.statuses["pass"]) == (30, 3000)
    assert many.rules[0].counts == {"pass": 3000}
    for format in Format:
        assert len(render(many, format)) - len(render(few, format)) < 1000, format
