"""Whole environments on real back ends, from the command line as people use it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from rehearsal import official
from rehearsal.backends import control, endpoints
from rehearsal.rehearse import folder_of
from stacks.loading import PROJECT, organisation

pytestmark = pytest.mark.engine

KADE = Path(sys.executable).with_name("kade")
STACKS = ("machines", "cluster", "services", "team-burgerzaken", "team-web")


def kade(*arguments: str, fine: bool = True) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KADE_", "PULUMI_"))}
    done = subprocess.run(
        [KADE, "rehearse", *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert not fine or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def result(environment: str) -> dict[str, Any]:
    return json.loads((PROJECT / "out" / "rehearsals" / environment / "rehearsal.json").read_text())


@pytest.fixture(scope="module")
def production() -> Iterator[dict[str, Any]]:
    control.down(folder_of("production"))
    kade("up", "production", "--life", "60")
    yield result("production")
    control.down(folder_of("production"))


def test_every_layer_of_production_comes_up(production: dict[str, Any]) -> None:
    layers = {layer["stack"]: layer for layer in production["layers"]}
    assert list(layers) == [f"production-{name}" for name in STACKS]
    assert production["complete"]
    assert all(layer["changed"] for layer in layers.values())
    assert "refused" not in layers["production-services"]["note"]


def test_every_difference_between_prediction_and_live_is_explained(production: dict[str, Any]) -> None:
    assert len(production["checks"]) == 15
    assert [check["check"] for check in production["checks"] if check["unexplained"]] == []
    assert {check["live"]["status"] for check in production["checks"]} <= {"pass", "undetermined"}


def test_secrets_reach_who_should_have_them_and_nobody_else(production: dict[str, Any]) -> None:
    assert [proof["what"] for proof in production["proofs"] if not proof["held"]] == []
    assert len(production["proofs"]) == 4


def test_the_same_again_changes_nothing(production: dict[str, Any]) -> None:
    kade("up", "production", "--life", "60")
    again = result("production")
    assert [layer["changed"] for layer in again["layers"]] == [0] * len(STACKS)
    assert all("no changes" in layer["note"] for layer in again["layers"] if "delivered" in layer["note"])


def test_kubectl_shows_what_was_made(production: dict[str, Any]) -> None:
    shown = kade("shell", "production", "--command", "kubectl get nodes,applications,externalsecrets -A")
    assert len(re.findall(r"^node/\S+ +Ready", shown, re.MULTILINE)) == 9
    assert "application.argoproj.io/cert-manager" in shown
    assert re.search(r"externalsecret.external-secrets.io/\S+ .*SecretSynced", shown)


@pytest.mark.parametrize("client", ["kubectl", "bao", "govc"])
def test_programs_that_know_nothing_of_rehearsals_reach_all_by_the_organisation_s_names(
    production: dict[str, Any], client: str, tmp_path: Path
) -> None:
    """What official plugins are given is enough for the clients that they are made of."""
    folder = folder_of("production")
    ends = endpoints.load(folder)
    assert ends is not None
    assert ends.kubernetes is not None
    assert ends.vault is not None
    assert ends.vcenter is not None
    cluster = organisation().cluster("production")
    assert cluster.vault is not None
    config = Path(ends.kubernetes.kubeconfig).read_text()
    assert ends.kubernetes.server in config
    (tmp_path / "kubeconfig").write_text(config.replace(ends.kubernetes.server, cluster.endpoint))
    arguments, environment, seen = {
        "kubectl": (("get", "nodes"), {"KUBECONFIG": str(tmp_path / "kubeconfig")}, "production-worker-1"),
        "bao": (
            ("secrets", "list"),
            {"BAO_ADDR": cluster.vault.address, "BAO_TOKEN": Path(ends.vault.token).read_text().strip()},
            "kv",
        ),
        "govc": (
            ("find", "/", "-type", "m"),
            {
                "GOVC_URL": f"https://{cluster.vsphere.server}/sdk", "GOVC_USERNAME": ends.vcenter.user,
                "GOVC_PASSWORD": Path(ends.vcenter.password).read_text().strip(), "GOVC_PERSIST_SESSION": "false",
            },
            "production-worker-1",
        ),
    }[client]  # fmt: skip
    command = [str(Path(ends.tools) / client), *arguments]
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment}
    reached = {**own, **official.variables(ends, tmp_path)}
    done = subprocess.run(command, env=reached, capture_output=True, text=True, timeout=60, check=False)
    assert seen in done.stdout, done.stderr
    # Without the rehearsal's authority the certificate is refused: nothing is reached unchecked.
    unsure = {**reached, "SSL_CERT_FILE": certifi.where()}
    refused = subprocess.run(command, env=unsure, capture_output=True, text=True, timeout=60, check=False)
    assert (refused.returncode == 0) == (client == "kubectl"), refused.stderr  # a kubeconfig brings its own authority


def test_what_is_killed_and_what_is_changed_by_hand_comes_right(production: dict[str, Any]) -> None:
    shown = kade("drill", "kill", "drift", "two-at-once", "--points", "3", "--seed", "11")
    rows = {
        row.split()[0]: row.split()[1:] for row in shown.splitlines() if re.match(r"(kill|drift|two-at-once) ", row)
    }
    assert {name: row[2:] for name, row in rows.items()} == {
        key: ["0", "0"] for key in ("kill", "drift", "two-at-once")
    }
    assert int(rows["kill"][0]) >= 1  # a run may end before it is struck


def test_down_leaves_nothing_but_the_logs() -> None:
    folder = folder_of("production")
    found = control.status(folder)
    assert found.running
    kade("down", "production")
    assert all(not Path(f"/proc/{row.pid}").exists() for row in found.servers if row.pid)
    assert [path.name for path in folder.iterdir()] == ["backends"]
    assert [path.name for path in (folder / "backends").iterdir()] == ["logs"]


def test_the_sandbox_comes_up_in_one_program() -> None:
    control.down(folder_of("sandbox"))
    try:
        kade("up", "sandbox", "--life", "60")
        found = result("sandbox")
        assert found["complete"]
        assert found["unexplained"] == 0
        assert len(found["layers"]) == 1
    finally:
        control.down(folder_of("sandbox"))
