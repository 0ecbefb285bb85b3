"""JUnit, Code Quality, SARIF and JSON pass their schemas, whatever is reported (see `schemas/README.md`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from policies.checking import render
from policies.kernel.finding import Gap, Outcome, Subject
from policies.kernel.words import Format, Severity, Status
from policies.reports import baseline
from policies.schemas import FOLDER
from tests.policies.reports.conftest import exemption, outcome

SCHEMAS = Path(__file__).parent / "schemas"
ROOT, BROKEN = "pod_security-root", "tenancy-quota"
PLACES = {"file", "line"}
"""Attributes of a test case that GitLab reads and later schemas leave out."""


@cache
def xsd(name: str) -> Any:
    return xmlschema.XMLSchema10(str(SCHEMAS / f"{name}.xsd"))


@cache
def validator(path: Path) -> Any:
    schema = json.loads(path.read_text())
    kind = Draft7Validator if "draft-07" in schema["$schema"] else Draft202012Validator
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def check(document: Any) -> None:
    """Hold every report of a document against every schema of its format."""
    check_junit(render(document, Format.JUNIT))
    validator(SCHEMAS / "code-quality.json").validate(json.loads(render(document, Format.CODE_QUALITY)))
    sarif = json.loads(render(document, Format.SARIF))
    validator(SCHEMAS / "sarif-schema-2.1.0.json").validate(sarif)
    validator(SCHEMAS / "sarif-parts.json").validate(sarif)
    validator(FOLDER / "verdict-1.schema.json").validate(json.loads(render(document, Format.JSON)))


def check_junit(text: str) -> None:
    root = Tree.fromstring(text)
    xsd("junit-10-with-places").validate(root)
    for case in root.iter("testcase"):
        for name in PLACES.intersection(case.attrib):
            del case.attrib[name]
    xsd("junit-10").validate(root)
    for suite in root:
        xsd("surefire-test-report").validate(suite)


def test_a_run_without_findings_and_one_without_rules(make: Any) -> None:
    check(make({ROOT: [], BROKEN: [Outcome(status=Status.NOT_APPLICABLE, sentence="Nothing here.")]}))
    check(make({}))


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_status_and_enforcement(make: Any, severity: Severity) -> None:
    gap = Gap("spec.replicas", "it is computed while the change is applied", Subject("Deployment", "web"))
    found = [
        *(outcome(Status.FAIL, name, expected=True, actual=value) for name, value in (("web", None), ("api", 1.5))),
        outcome(Status.FAIL, "unplaced", line=0),
        Outcome(status=Status.FAIL, sentence="Nowhere in particular."),
        outcome(Status.UNDETERMINED, "later", gaps=(gap,)),
        outcome(Status.UNDETERMINED, "asked", delegate="the organisation"),
        outcome(Status.PASS, "good"),
    ]
    given = {ROOT: found, BROKEN: [RuntimeError("s3cr3t")], "supply_chain-image": [outcome(Status.FAIL)]}
    weak = {"enforcement": {"groups": {"supply_chain": "advisory"}}, "strict": True}
    check(make(given, settings=weak, severity=severity))


def test_a_thousand_findings(make: Any) -> None:
    check(make({ROOT: [outcome(Status.FAIL, f"app-{number}", line=number) for number in range(1000)]}))


def test_exempted_findings(make: Any) -> None:
    document = make({ROOT: [outcome(Status.FAIL) for _ in range(3)]}, exemptions=[exemption()])
    assert [finding.exemption for finding in document.findings] == ["one"] * 3
    check(document)


def test_what_is_new_unchanged_and_gone(make: Any) -> None:
    earlier = make({ROOT: [outcome(Status.FAIL, "gone"), outcome(Status.FAIL, "old")]})
    now = make({ROOT: [outcome(Status.FAIL, "old"), outcome(Status.FAIL, "fresh")]})
    check(baseline.compare(now, earlier))


ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)  # half a pair no source lets through


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(ANY, min_size=5, max_size=5), line=st.integers(0, 2**31), value=ANY | st.integers() | st.none())
def test_names_of_any_characters(make: Any, parts: Sequence[str], line: int, value: Any) -> None:
    kind, name, namespace, path, file = parts
    subject = Subject(kind, name, namespace, "", file, line)
    bad = Outcome(
        status=Status.FAIL, sentence=f"So it is with {name}.", subject=subject, path=path, expected=value, actual=name
    )
    unknown = Outcome(status=Status.UNDETERMINED, sentence=name, subject=subject, gaps=(Gap(path, file, subject),))
    check(make({ROOT: [bad, unknown]}))


PLANTED = {
    "another attribute": lambda text: text.replace("<testcase ", '<testcase invented="1" ', 1),
    "another element": lambda text: text.replace("<failure ", "<broken ", 1).replace("</failure>", "</broken>", 1),
    "no name": lambda text: text.replace("<testsuite name=", "<testsuite label=", 1),
}


@pytest.mark.parametrize("fault", sorted(PLANTED))
def test_the_schemas_of_junit_refuse_what_is_planted(make: Any, fault: str) -> None:
    text = render(make({ROOT: [outcome(Status.FAIL)]}), Format.JUNIT)
    check_junit(text)
    spoiled = PLANTED[fault](text)
    assert spoiled != text
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        check_junit(spoiled)


@pytest.mark.parametrize(
    ("format", "schema", "path", "value"),
    [
        (Format.SARIF, "sarif-schema-2.1.0", ("runs", 0, "results", 0, "level"), "fatal"),
        (Format.SARIF, "sarif-schema-2.1.0", ("runs", 0, "results", 0, "invented"), 1),
        (Format.SARIF, "sarif-schema-2.1.0", ("runs", 0, "results", 0, "message"), {}),
        (Format.SARIF, "sarif-schema-2.1.0", ("runs", 0, "tool", "driver", "rules", 0, "id"), 1),
        (Format.SARIF, "sarif-schema-2.1.0", ("version",), "2.0.0"),
        (Format.CODE_QUALITY, "code-quality", (0, "severity"), "high"),
        (Format.CODE_QUALITY, "code-quality", (0, "location", "lines", "begin"), 0),
        (Format.CODE_QUALITY, "code-quality", (0, "location", "path"), "/etc/passwd"),
        (Format.CODE_QUALITY, "code-quality", (0, "fingerprint"), ""),
    ],
)
def test_the_schemas_of_json_refuse_what_is_planted(
    make: Any, format: Format, schema: str, path: tuple[Any, ...], value: Any
) -> None:
    report = json.loads(render(make({ROOT: [outcome(Status.FAIL)]}), format))
    assert validator(SCHEMAS / f"{schema}.json").is_valid(report)
    here = report
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    assert not validator(SCHEMAS / f"{schema}.json").is_valid(report)
