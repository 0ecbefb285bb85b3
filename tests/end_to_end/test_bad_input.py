"""A fault in what people write is one message with place and remedy, exit code 2, and nothing happens."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from rehearsal.workspace import open_workspace
from tests.end_to_end.conftest import Kade

pytestmark = pytest.mark.engine


def test_several_faults_in_several_files_are_reported_at_once(kade: Kade) -> None:
    kade.edit("clusters/sandbox.yaml", lambda data: data["controlPlane"].update(count=4, cores=3))
    kade.edit("environments/sandbox.yaml", lambda data: data.update(stage="prod"))
    (kade.organisation / "teams" / "burgerzaken" / "team.yaml").write_text("displayName: [\n")
    done = kade.run("validate")
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    for place in ("clusters/sandbox.yaml:", "environments/sandbox.yaml:", "burgerzaken/team.yaml:2"):
        assert any(place in line for line in lines), done.stderr
    assert any("controlPlane.cores" in line for line in lines)
    assert "nothing was applied" in lines[-1]
    assert "Traceback" not in done.stderr


def test_a_faulty_file_starts_no_engine_and_removes_the_old_verdict(kade: Kade) -> None:
    assert kade.run("preview", "sandbox", "--rehearse").returncode == 0
    assert (kade.out / "sandbox" / "verdict.json").exists()
    kade.edit("clusters/sandbox.yaml", lambda data: data["services"].update({"cert-manger": {}}))
    done = kade.run("sandbox")
    assert done.returncode == 2
    assert "`cert-manager`" in done.stderr
    assert not (kade.out / "sandbox" / "verdict.json").exists()


def test_a_fault_in_one_teams_file_fails_that_teams_stack_only(kade: Kade) -> None:
    (kade.organisation / "teams" / "burgerzaken" / "team.yaml").write_text("displayName: [\n")
    team = kade.run("preview", "production-team-burgerzaken", "--rehearse")
    assert team.returncode == 2
    assert "teams/burgerzaken/team.yaml:2" in team.stderr
    for stack in ("production-services", "production-machines"):
        done = kade.run("preview", stack, "--rehearse")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_stack_name_that_fits_nothing_lists_what_fits(kade: Kade) -> None:
    done = kade.run("preview", "productoin-services", "--rehearse")
    assert done.returncode == 2
    assert "Did you mean `production-services`" in done.stderr


def test_plain_pulumi_says_the_same_in_one_message(kade: Kade) -> None:
    """Without `kade` in front the program itself finds the fault; no traceback, no stale verdict."""
    assert kade.run("preview", "sandbox", "--rehearse").returncode == 0
    kade.edit("clusters/sandbox.yaml", lambda data: data.update(substrat="vsphere"))
    pulumi = kade.folder / "kade" / "rehearsal" / "bin" / "pulumi"
    assert pulumi.exists()
    workspace = open_workspace(folder=kade.folder / "kade" / "rehearsal", out=kade.out)
    done = subprocess.run(
        [str(pulumi), "preview", "--stack", "sandbox"],
        cwd=workspace.project,
        env=workspace.environment() | {"KADE_HOME": str(kade.organisation)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    said = done.stdout + done.stderr
    diagnostics = said[said.index("Diagnostics:") :]
    assert diagnostics.count("error:") == 1, said
    assert "clusters/sandbox.yaml:" in diagnostics
    assert "Did you mean `substrate`?" in diagnostics
    assert "Traceback" not in said
    assert not (kade.out / "sandbox" / "verdict.json").exists()


def test_a_missing_organisation_is_one_clear_message(kade: Kade) -> None:
    shutil.rmtree(kade.organisation)
    done = kade.run("sandbox")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
