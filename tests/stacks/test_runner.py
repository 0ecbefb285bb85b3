"""The kubeconfig by which a runner brings its own identity: used as Kubernetes' own clients use it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import kube_config

from stacks.runner import CERTIFICATE, COMMAND, KEY, SCRIPT, TOKEN, kubeconfig

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n"
CONFIG: dict[str, Any] = yaml.safe_load(kubeconfig("production", "https://10.20.0.10:6443", "QUFBQQ=="))


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    user = CONFIG["users"][0]["user"]["exec"]
    return subprocess.run(
        [user["command"], *user["args"]],
        env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def credential(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert (made["apiVersion"], made["kind"]) == ("client.authentication.k8s.io/v1", "ExecCredential")
    return made["status"]


def test_a_token_is_read_when_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("eyJhbGciOi.J9-_.x\n")
    assert credential(run(**{TOKEN: str(tmp_path / "token")})) == {"token": "eyJhbGciOi.J9-_.x"}
    (tmp_path / "token").write_text("renewed\r\n")
    assert credential(run(**{TOKEN: str(tmp_path / "token")})) == {"token": "renewed"}


def test_a_certificate_comes_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "a file.crt").write_text(PEM)
    (tmp_path / "a file.key").write_text(PEM.replace("CERTIFICATE", "PRIVATE KEY"))
    found = credential(run(**{CERTIFICATE: str(tmp_path / "a file.crt"), KEY: str(tmp_path / "a file.key")}))
    assert found == {"clientCertificateData": PEM, "clientKeyData": PEM.replace("CERTIFICATE", "PRIVATE KEY")}


def test_a_command_may_fetch_the_identity() -> None:
    assert run(**{COMMAND: 'echo \'{"it": "\'"$((1+1))"\'"}\''}).stdout == '{"it": "2"}\n'
    assert run(**{COMMAND: "exit 3"}).returncode == 3


@pytest.mark.parametrize("given", [{}, {TOKEN: "/none"}, {CERTIFICATE: "/none"}, {CERTIFICATE: "/none", KEY: "/none"}])
def test_without_an_identity_there_is_no_credential(given: dict[str, str]) -> None:
    done = run(**given)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr


def test_a_client_of_kubernetes_takes_the_identity_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("a-token")
    for name in (CERTIFICATE, KEY, COMMAND):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(TOKEN, str(tmp_path / "token"))
    client = kube_config.new_client_from_config_dict(CONFIG)
    assert client.configuration.host == "https://10.20.0.10:6443"
    assert client.configuration.auth_settings().get("BearerToken", {}).get("value") == "Bearer a-token"


def test_the_text_holds_nothing_of_the_machine_it_was_made_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = kubeconfig("production", "https://10.20.0.10:6443", "QUFBQQ==")
    monkeypatch.setenv(TOKEN, str(tmp_path / "token"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig("production", "https://10.20.0.10:6443", "QUFBQQ==") == before
    assert SCRIPT in CONFIG["users"][0]["user"]["exec"]["args"]
