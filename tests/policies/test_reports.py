"""What becomes of a verdict: its document, the console, the official checker's layout, the evidence."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from policies.judging import run_part
from policies.pack.run import FILES
from policies.reports import console, hcc
from policies.reports.assembly import document
from policies.reports.json_report import compared
from policies.schemas import FOLDER

OFFICIAL = json.dumps(
    {
        "keys": ["Version", "HavenCompliant", "StartTS", "StopTS", "Config", "CompliancyChecks", "SuggestedChecks"],
        "names": [
            "havenversion", "clusteradmin", "multiaz", "hamasters", "haworkers", "nodehardening", "privatenetworking",
            "kubernetesversion", "rbac", "rwxvolumes", "cncf", "autocerts", "logs", "metrics", "shavalidation",
        ],
    }
)  # fmt: skip
"""The layout and the order in the output of a run of version 12.8.0."""


def test_the_verdict_fits_its_published_schema(engine: Any) -> None:
    schema = json.loads((FOLDER / "verdict-1.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    for resources, stack in ((engine.everything(), "demo"), ([], "foreign"), (engine.everything()[:4], "big-machines")):
        Draft202012Validator(schema).validate(engine.run(resources, stack).verdict)


def test_the_layout_of_the_official_checker_is_kept_and_never_says_compliant(engine: Any, registry: Any) -> None:
    verdict = engine.verdict()
    report = json.loads(hcc.render(document(verdict, run_part(), "sha256:0")))
    official = json.loads(OFFICIAL)
    assert list(report) == official["keys"]
    assert [r["Name"] for r in report["CompliancyChecks"]["Results"]] == official["names"]
    assert list(report["CompliancyChecks"]["Results"][0]) == ["Name", "Label", "Category", "Rationale", "Result"]
    assert report["HavenCompliant"] is False
    assert report["Version"].startswith("Kade")
    summary = report["CompliancyChecks"]["Summary"]
    assert summary == {"Total": 15, "Unknown": 4, "Skipped": 0, "Failed": 0, "Passed": 11}


def test_no_file_holds_a_urn(engine: Any) -> None:
    folder = engine.run(engine.everything()).folder
    for name in FILES:
        assert "urn:pulumi" not in (folder / name).read_text(), name


def test_the_console_shows_a_table_of_the_required_checks(engine: Any, registry: Any) -> None:
    verdict = engine.verdict()
    lines = console.table(verdict)
    assert len(lines) == 15
    assert lines[3].split() == ["hamasters", *["Running", "at", "least", "3", "master", "nodes", "pass", "declared"]]
    assert console.summary(verdict) == "haven: 11 pass, 0 fail, 4 undetermined of 15"
    for rule in registry:
        assert rule.page in console.explained(rule)


def test_evidence_holds_the_facts_behind_the_verdict(engine: Any) -> None:
    answer = engine.run(engine.everything())
    evidence = json.loads((answer.folder / "evidence.json").read_text())
    assert evidence["schema"] == "kade.evidence/2"
    assert len(evidence["facts"]["declarations"]["configured"]) == 6
    assert {item["known"] for item in evidence["facts"]["releases"]} >= {"metrics-server", "cert-manager", "Loki"}
    digest = answer.verdict["inputDigest"]
    assert digest.startswith("sha256:")
    assert engine.run(engine.everything()).verdict["inputDigest"] == digest
    assert engine.run(engine.everything()[1:]).verdict["inputDigest"] != digest


def test_equal_input_gives_an_equal_verdict_whatever_its_order(engine: Any) -> None:
    resources = engine.everything()
    first = (engine.run(resources).folder / "verdict.json").read_text()
    second = (engine.run(list(reversed(resources))).folder / "verdict.json").read_text()
    assert compared(first) == compared(second)
    assert json.loads(first)["run"]["id"] != json.loads(second)["run"]["id"]
