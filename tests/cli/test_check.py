"""`kade check` as people and CI call it: files in, an exit code out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.exits import Exit
from policies.rules import load
from tests.cli.conftest import BAD, RULE, Run, verdict


def write(home: Path, name: str, content: str) -> None:
    (home / "home" / "policies" / name).write_text(content)


def test_a_bad_object_names_rule_object_path_expected_actual_and_fix(
    kade: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kade("check", "bad.yaml") == Exit.FINDINGS
    document = verdict(kade, capsys, "bad.yaml", "--rules", RULE)
    (finding,) = document["findings"]
    assert (finding["rule"], finding["status"], finding["blocks"]) == (RULE, "fail", True)
    assert finding["object"]["name"] == "n1" or "n1" in finding["sentence"]
    assert finding["path"]
    assert finding["expected"] is not None
    assert finding["actual"] is not None
    assert finding["fix"]["text"]


def test_an_object_has_the_file_and_the_line_that_it_begins_on(
    kade: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: team}\nspec: {hostNetwork: true, containers: []}\n"
    (home / "two.yaml").write_text(f"{BAD}---\n{pod}")
    findings = verdict(kade, capsys, "two.yaml", "--framework", "pod_security")["findings"]
    places = [finding["place"] for finding in findings if finding["status"] == "fail"]
    assert {"file": "two.yaml", "line": BAD.count("\n") + 2} in places


def test_nothing_wrong_is_clean(kade: Run, home: Path) -> None:
    (home / "ok.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: team}\n")
    assert kade("check", "ok.yaml", "--framework", "haven") == Exit.CLEAN


def test_standard_input_is_a_dash(kade: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(BAD.encode())))
    assert kade("check", "-") == Exit.FINDINGS


def test_what_cannot_be_read_is_bad_input_and_the_rest_is_judged(
    kade: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "mixed.yaml").write_text(f"{BAD}---\nkind: [broken\n---\n{BAD.replace('n1', 'n2')}")
    capsys.readouterr()
    assert kade("check", "mixed.yaml", "--format", "json") == Exit.BAD_INPUT
    said = capsys.readouterr()
    assert "mixed.yaml:" in said.err
    document = json.loads(said.out)
    assert document["faults"]
    assert RULE in {finding["rule"] for finding in document["findings"] if finding["status"] == "fail"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "there is nothing to check"),
        (("absent.yaml",), "there is no such file or folder"),
        (("bad.yaml", "--rules", "haven-multiza"), "Did you mean `haven-multiaz`"),
        (("bad.yaml", "--framework", "havn"), "Did you mean `haven`"),
        (("bad.yaml", "--as-of", "tomorrow"), "it is no day"),
        (("bad.yaml", "--baseline", "bad.yaml"), "it is no verdict"),
        (("--source", "preview"), "no stack is named"),
        (("--source", "preview", "--stack", "big-cluster"), "kade preview big-cluster"),
        (("--source", "state", "a", "b"), "there is no such file"),
        (("bad.yaml", "--output", "/proc/none/x"), "it cannot be written"),
    ],
)
def test_bad_usage_says_what_to_write(
    kade: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert kade("check", *arguments) == Exit.BAD_INPUT
    assert told in capsys.readouterr().err


def test_a_fault_in_the_exemptions_stops_before_anything_is_judged(
    kade: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(home, "exemptions.yaml", "exemptions: [{id: one}]\n")
    assert kade("check", "bad.yaml") == Exit.BAD_INPUT
    said = capsys.readouterr()
    assert said.out == ""
    assert "exemptions.yaml" in said.err


EXEMPTION = f"""\
exemptions:
  - id: one
    rule: {RULE}
    selector: {{name: n*}}
    reason: The firewall comes in January.
    category: waiver
    owner: a@voorbeeld.example
    approver: b@voorbeeld.example
    ticket: KADE-1
    created: 2026-11-01
    expires: 2026-12-31
"""


def test_an_exemption_lifts_the_enforcement_and_its_end_brings_it_back(
    kade: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = verdict(kade, capsys, "bad.yaml", "--rules", RULE)["findings"][0]["object"]
    write(home, "settings.yaml", "approvers: [b@voorbeeld.example]\n")
    write(home, "exemptions.yaml", EXEMPTION.replace("name: n*", f"name: {subject['name']}"))
    assert kade("check", "bad.yaml", "--rules", RULE) == Exit.CLEAN
    assert kade("check", "bad.yaml", "--rules", RULE, "--as-of", "2027-01-01") == Exit.FINDINGS
    document = verdict(kade, capsys, "bad.yaml", "--as-of", "2027-01-01")
    (expired,) = (item for item in document["findings"] if item["rule"] == "exemption-expired")
    assert expired["status"] == "fail"
    assert document["summary"]["haven"]["failed"] >= 1


def test_advisory_becomes_mandatory_on_its_day(kade: Run, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    level = "{level: advisory, mandatoryFrom: 2027-03-01}"
    write(home, "settings.yaml", f"enforcement: {{rules: {{{RULE}: {level}}}}}\n")
    assert kade("check", "bad.yaml", "--rules", RULE) == Exit.CLEAN
    assert f"will stop the run from 2027-03-01: {RULE}" in capsys.readouterr().out
    assert kade("check", "bad.yaml", "--rules", RULE, "--as-of", "2027-03-01") == Exit.FINDINGS


def test_a_stage_has_its_own_settings(kade: Run, home: Path) -> None:
    write(home, "settings.yaml", f"stages: {{test: {{enforcement: {{rules: {{{RULE}: advisory}}}}}}}}\n")
    arguments = ("check", "bad.yaml", "--rules", RULE)
    assert kade(*arguments) == Exit.FINDINGS
    assert kade(*arguments, "--stage", "test") == Exit.CLEAN
    assert kade(*arguments, "--stack", "big-cluster") == Exit.CLEAN
    assert kade(*arguments, "--stack", "big-cluster", "--stage", "production") == Exit.FINDINGS


UNKNOWN = """\
apiVersion: cluster.x-k8s.io/v1beta1
kind: MachineDeployment
metadata: {name: workers}
spec: {replicas: "${WORKERS}"}
"""


def test_strict_stops_at_what_could_be_decided_now(kade: Run, home: Path) -> None:
    (home / "open.yaml").write_text(UNKNOWN)
    arguments = ("check", "open.yaml", "--rules", "haven-haworkers")
    assert kade(*arguments) == Exit.CLEAN
    assert kade(*arguments, "--strict") == Exit.UNDETERMINED


def test_a_rule_that_breaks_is_an_internal_error(
    kade: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_model: Any, _parameters: Any) -> Any:
        raise ZeroDivisionError

    rule = load().find(RULE)
    monkeypatch.setitem(vars(rule), "check", broken)  # a rule is frozen
    assert kade("check", "bad.yaml", "--rules", RULE) == Exit.INTERNAL
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_a_baseline_lets_old_findings_be_and_stops_at_new_ones(
    kade: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kade("check", "bad.yaml", "--format", "json", "--output", "before.json") == Exit.FINDINGS
    assert "haven: " in capsys.readouterr().err
    assert kade("check", "bad.yaml", "--baseline", "before.json") == Exit.CLEAN
    (home / "ok.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: team}\n")
    kade("check", "ok.yaml", "--format", "json", "--output", "clean.json")
    assert kade("check", "bad.yaml", "--baseline", "clean.json") == Exit.FINDINGS
