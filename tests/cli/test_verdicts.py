"""`kade verdict ENVIRONMENT` and `kade parity`: what is shown, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import verdicts
from cli.exits import Exit
from cli.main import app
from inputs.faults import FaultsError
from policies.kernel.finding import Subject
from policies.model.facts import Facts
from policies.model.machines import Machine
from policies.model.plain import plain
from policies.reports import evidence

OFFICIAL = Path(__file__).parents[1] / "policies" / "data" / "hcc-report-v12.8.0.json"


def write(folder: Path, **statuses: str) -> Path:
    findings = [
        {"rule": f"haven-{check}", "check": check, "status": status, "sentence": f"{check}: {status}."}
        for check, status in statuses.items()
    ]
    run = {"id": "one", "time": "2026-11-21T12:00:00Z", "commit": "0123456789abcdef"}
    stack = {"layers": ["machines"], "moment": "preview", "standIns": True}
    document = {"schema": "kade.verdict/1", "run": run, "stack": stack, "findings": findings, "checks": findings}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdict.json").write_text(json.dumps(document))
    machines = tuple(
        Machine(Subject("VirtualMachine", f"control-{number}"), "controlplane", "hall-1", (), "Talos", "", "")
        for number in range(3)
    )
    text = evidence.render(plain(Facts(machines=machines)), run, stack)
    (folder / "evidence.json").write_text(text)
    return folder / "verdict.json"


def test_the_stacks_of_an_environment_are_those_of_its_cluster_and_its_teams() -> None:
    assert verdicts.stacks_of("production") == (
        "production-machines",
        "production-cluster",
        "production-services",
        "production-team-burgerzaken",
        "production-team-web",
    )
    assert verdicts.stacks_of("test")[:3] == ("shared-machines", "shared-cluster", "shared-services")
    assert verdicts.stacks_of("sandbox") == ()
    assert verdicts.stacks_of("production-machines") == ()


def test_an_environment_shows_every_check_the_ages_and_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KADE_OUT", str(tmp_path))
    monkeypatch.setenv("KADE_AS_OF", "2026-11-21")
    write(tmp_path / "production-machines")
    result = CliRunner().invoke(app, ["verdict", "production"])
    assert result.exit_code == Exit.CLEAN, result.output
    assert (
        "3 control-plane nodes are declared, as virtual machines with a role tag. (production-machines)"
        in result.output
    )
    assert "All nodes stand in one zone, hall-1. (production-machines)" in result.output
    assert "0123456789ab, preview" in result.output
    assert "production-cluster, production-services" in result.output
    assert "stand-ins" in result.output
    assert "haven: 2 pass, 2 fail, 11 undetermined of 15" in result.output


def test_parity_ends_with_findings_only_where_both_answer_differently(tmp_path: Path) -> None:
    agreeing = write(tmp_path / "a", multiaz="fail", hamasters="pass", cncf="undetermined")
    differing = write(tmp_path / "b", multiaz="pass")
    for path, code in ((agreeing, Exit.CLEAN), (differing, Exit.FINDINGS)):
        result = CliRunner().invoke(app, ["parity", str(path), str(OFFICIAL)])
        assert result.exit_code == code, result.output
        assert "parity with Haven v12.8.0" in result.output


def test_a_prediction_of_ours_is_no_official_report(tmp_path: Path) -> None:
    path = write(tmp_path / "a", multiaz="pass")
    result = CliRunner().invoke(app, ["parity", str(path), str(path)])
    assert isinstance(result.exception, FaultsError)
