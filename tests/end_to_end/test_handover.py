"""Layers that are joined by signed files, with the real engine: each stack from the file of the one before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal.joining import RUNNERS
from stacks.handover.keys import new_key, public_text
from tests.end_to_end.conftest import Kade

pytestmark = pytest.mark.engine

STACKS = ("production-machines", "production-cluster", "production-services", "production-team-burgerzaken")


@pytest.fixture
def joined(kade: Kade) -> Kade:
    """An organisation whose production is joined by files; nobody here has the private half of its key."""
    kade.edit(
        "clusters/production.yaml",
        lambda data: data.update(
            handover={"publicKeys": [{"name": "platform", "key": public_text(new_key())}]},
            runners={"services": ["oidc:platform"], "teams": ["oidc:platform-teams"]},
        ),
    )
    return kade


def handover(kade: Kade, layer: str) -> Path:
    return kade.folder / "kade" / "rehearsal" / "organisation" / "handover" / f"production-{layer}.json"


def test_the_layers_of_production_come_up_from_the_files_of_the_one_before(joined: Kade) -> None:
    first = joined.run("preview", "production-services", "--rehearse")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "what it hands over is unknown in this preview" in first.stdout
    for stack in STACKS:
        done = joined.run("up", stack, "--rehearse")
        assert done.returncode == 0, f"{stack}: {done.stdout}{done.stderr}"
        assert ", 0 fail, " in done.stdout
    for stack in STACKS[1:]:
        again = joined.run("up", stack, "--rehearse")
        assert ", 0 changes" in again.stdout, again.stdout + again.stderr
    assert json.loads(handover(joined, "cluster").read_text())["serial"] == 2
    _nothing_of_the_administrator(joined)
    _nothing_older_or_changed(joined)


def _nothing_of_the_administrator(kade: Kade) -> None:
    """The administrator's kubeconfig stays with the cluster's stack, and who may run what is on the cluster."""
    for stack in STACKS[2:]:
        providers = [one for one in kade.resources(stack) if one["type"] == "pulumi:providers:kubernetes"]
        assert any("ExecCredential" in str(one["inputs"]["kubeconfig"]) for one in providers)
        assert "client-key-data" not in str(kade.resources(stack))
        assert "made-up" not in str(providers)
    bindings = [
        one["inputs"] for one in kade.resources("production-cluster") if one["type"].endswith(":ClusterRoleBinding")
    ]
    groups = {subject["name"] for binding in bindings for subject in binding["subjects"]}
    assert groups == {"oidc:platform", "oidc:platform-teams", *RUNNERS["services"], *RUNNERS["teams"]}


def _nothing_older_or_changed(kade: Kade) -> None:
    """A stack refuses a file that was changed, and one with a lower serial than it has accepted."""
    file = handover(kade, "cluster")
    newest = file.read_text()
    file.write_text(newest.replace("https://10.20.0.10:6443", "https://10.20.0.66:6443"))
    done = kade.run("up", "production-services", "--rehearse")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "its content is not what was signed with key `rehearsal`" in done.stdout
    file.unlink()
    assert kade.run("up", "production-cluster", "--rehearse").returncode == 0
    assert json.loads(file.read_text())["serial"] == 1
    done = kade.run("preview", "production-services", "--rehearse")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "its serial is 1, but this stack has accepted 2 already" in done.stdout
    file.unlink()
    done = kade.run("up", "production-services", "--rehearse")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the hand-over file cannot be read" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_what_git_delivers_can_be_rendered_without_the_organisations_key(joined: Kade) -> None:
    to = joined.folder / "gitops"
    done = joined.run("render", "production-team-burgerzaken", "--to", str(to))
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(to.rglob("*.yaml"))
    assert not list(joined.organisation.rglob("*.json"))


def test_a_fault_in_a_file_is_reported_where_people_wrote_it(joined: Kade) -> None:
    joined.edit("clusters/production.yaml", lambda data: data["handover"]["publicKeys"][0].update(key="abc"))
    done = joined.run("up", "production-machines", "--rehearse")
    assert done.returncode == 2
    assert f"{joined.organisation}/clusters/production.yaml" in done.stderr
    assert "handover.publicKeys[0].key: it is no public key of a hand-over" in done.stderr
