"""What `kade check` and `kade rules` write: every format, no secret, nothing loaded that is not needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.exits import Exit
from policies.kernel.words import Format
from policies.rules import load
from tests.cli.conftest import Run, verdict


@pytest.mark.parametrize("format", list(Format))
def test_every_format_is_written_to_a_file(kade: Run, home: Path, format: Format) -> None:
    assert kade("check", "bad.yaml", "--format", format, "--output", "reports/x") == Exit.FINDINGS
    assert (home / "reports" / "x").stat().st_size > 100
    assert list((home / "reports").iterdir()) == [home / "reports" / "x"]


PLANTED = """\
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: team}
stringData: {password: pl4nted-s3cr3t}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: team, annotations: {token: pl4nted-s3cr3t}}
spec:
  template:
    spec:
      hostNetwork: true
      containers:
        - {name: c, image: "nginx:latest", args: [--token=pl4nted-s3cr3t], env: [{name: P, value: pl4nted-s3cr3t}]}
"""


@pytest.mark.parametrize("format", list(Format))
def test_no_format_holds_a_secret_of_a_manifest(
    kade: Run, home: Path, capsys: pytest.CaptureFixture[str], format: Format
) -> None:
    (home / "planted.yaml").write_text(PLANTED)
    kade("check", "planted.yaml", "--format", format)
    said = capsys.readouterr()
    assert len(said.out) > 100
    assert "pl4nted" not in said.out + said.err


def test_the_last_preview_of_a_stack_is_reported_in_any_format(
    kade: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = verdict(kade, capsys, "bad.yaml", "--stack", "big-cluster")
    folder = home / "out" / "big-cluster"
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_text(json.dumps(document))
    asked = ("--source", "preview", "--stack", "big-cluster")
    assert verdict(kade, capsys, *asked) == document
    assert kade("check", *asked) == Exit.FINDINGS
    chosen = verdict(kade, capsys, *asked, "--rules", "haven-multiaz")
    assert {finding["rule"] for finding in chosen["findings"]} == {"haven-multiaz"}
    assert kade("check", *asked, "--as-of", "2027-01-01") == Exit.BAD_INPUT
    assert "judged when it was made" in capsys.readouterr().err


def test_every_rule_is_listed_with_its_fixtures(kade: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert kade("rules", "--format", "json") == Exit.CLEAN
    listed = json.loads(capsys.readouterr().out)
    assert [rule["id"] for rule in listed] == sorted(rule.id for rule in load())
    assert len(listed) >= 22
    for rule in listed:
        assert rule["controls"]
        assert rule["sources"]
        assert set(rule["fixtures"]) == {"pass", "fail", "unknown", "not_applicable"}
        assert sum(rule["fixtures"].values()) >= 2
    found = next(rule for rule in listed if rule["id"] == "exemption-expired")
    assert (found["exemptable"], found["severity"], found["parameters"]) == (False, "medium", ["noticeDays"])


def test_the_table_of_rules_names_each_and_counts_them(kade: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert kade("rules") == Exit.CLEAN
    said = capsys.readouterr().out
    assert all(rule.id in said for rule in load())
    assert f"{len(load())} rules" in said


def test_what_is_not_needed_is_not_loaded(home: Path) -> None:
    program = (
        "import sys\n"
        "from cli import main\n"
        "sys.argv = ['kade', 'check', 'bad.yaml']\n"
        "try:\n    main.main()\nexcept SystemExit as ended:\n    code = ended.code\n"
        "slow = {'pulumi', 'pulumi_policy', 'grpc', 'google.protobuf', 'rich', 'jinja2', 'kubernetes', 'jsonschema'}\n"
        "print(code, sorted(slow & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=home, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "1 []"
