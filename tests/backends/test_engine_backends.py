"""All back ends for real: each answers its own client, and a killed supervisor leaves nothing."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.backends import control, identity, shell
from rehearsal.backends.endpoints import Endpoints, State
from rehearsal.backends.site import Site
from rehearsal.toolchain.engine import installed
from rehearsal.toolchain.progress import Progress

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]


class Place:
    """A rehearsal's back ends, and its clients."""

    def __init__(self, folder: Path, ends: Endpoints, site: Site) -> None:
        self.folder = folder
        self.ends = ends
        self.site = site
        self.environment = {**os.environ, **shell.variables(ends, site.datacenter)}
        self.environment["PATH"] = f"{ends.tools}:{os.environ['PATH']}"

    def run(self, command: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", command], env={**self.environment, **more}, input=given, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip

    def says(self, command: str, given: str = "", **more: str) -> str:
        done = self.run(command, given, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def processes(self) -> list[tuple[int, str]]:
        rows = [row for row in control.status(self.folder).servers if row.pid]
        return [(row.pid, identity.started(row.pid)) for row in rows if row.pid]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    site = Site(
        environment="production", cluster="production", api_endpoint="https://10.20.0.10:6443",
        pod_network="10.244.0.0/16", service_network="10.96.0.0/12", load_balancer=("10.20.0.200", "10.20.0.219"),
        vault_address="https://openbao.voorbeeld.example", vcenter_server="vcenter.voorbeeld.example",
        datacenter="voorbeeld", compute_cluster="compute", hosts=(), networks=("machines",),
        people={"jip": ("web",), "outsider": ()},
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("rehearsal")
    ends = control.start(folder, site, Progress(io.StringIO()), 20)
    try:
        yield Place(folder, ends, site)
    finally:
        control.down(folder)


def wait(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


NODE = {
    "apiVersion": "v1", "kind": "Node", "metadata": {"name": "w-1"},
    "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "50"}},
}  # fmt: skip
POD = {"containers": [{"name": "web", "image": "registry.voorbeeld.example/web:1"}]}
WEB = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "replicas": 2, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD},
    },
}  # fmt: skip


def test_kubernetes_schedules_checks_and_refuses(place: Place) -> None:
    version = json.loads(place.says("kubectl version -o json"))
    assert version["serverVersion"]["gitVersion"] == version["clientVersion"]["gitVersion"] == "v1.36.3"
    place.says("kubectl apply -f -", yaml.safe_dump_all([NODE, WEB]))
    place.says("kubectl wait --for=condition=Ready node/w-1 --timeout=120s")
    place.says("kubectl rollout status deployment/web --timeout=120s")
    root = {**POD["containers"][0], "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": {"containers": [root]}}
    refused = place.run("kubectl apply -f -", yaml.safe_dump(pod))
    assert 'violates PodSecurity "baseline:latest"' in refused.stderr
    assert place.run("kubectl auth can-i list secrets --as=jip").stdout == "no\n"
    assert "customresourcedefinition" in place.says("kubectl get crd -o name")


def test_nobody_enters_without_a_certificate_but_the_keys_of_tokens_are_open(place: Place) -> None:
    assert place.ends.kubernetes is not None
    ask = f"curl -s --cacert {place.ends.kubernetes.ca} --proxy {place.ends.proxy} https://10.20.0.10:6443"
    assert json.loads(place.says(f"{ask}/api/v1/namespaces"))["code"] == 401
    found = json.loads(place.says(f"{ask}/.well-known/openid-configuration"))
    assert found["issuer"] == "https://10.20.0.10:6443"
    assert json.loads(place.says(f"{ask}/openid/v1/jwks"))["keys"][0]["kty"] == "RSA"


def test_openbao_learns_the_keys_under_the_organisations_name_and_knows_an_account_by_its_token(place: Place) -> None:
    assert place.ends.vault is not None
    place.says("bao auth enable -path=jwt-production jwt")
    place.says(
        "bao write auth/jwt-production/config oidc_discovery_url=https://10.20.0.10:6443 "
        f"oidc_discovery_ca_pem=@{place.ends.vault.ca}"
    )
    place.says(
        "bao write auth/jwt-production/role/app role_type=jwt user_claim=sub bound_audiences=openbao "
        "bound_subject=system:serviceaccount:default:default token_policies=default"
    )
    login = "bao write -field=token_policies auth/jwt-production/login role=app jwt=-"
    token = place.says("kubectl create token default --audience=openbao")
    assert "default" in place.says(login, token.strip())
    other = place.says("kubectl create token default --audience=other")
    assert "audience" in place.run(login, other.strip()).stderr


def test_the_key_of_the_state_opens_nothing_else(place: Place) -> None:
    assert place.ends.secrets is not None
    token = place.ends.secrets.variables()["VAULT_SERVER_TOKEN"]
    encrypt = f"bao write -field=ciphertext transit/encrypt/pulumi plaintext={base64.b64encode(b'x').decode()}"
    assert place.says(encrypt, BAO_TOKEN=token).startswith("vault:v1:")
    assert "permission denied" in place.run("bao secrets list", BAO_TOKEN=token).stderr


def test_the_directory_knows_its_people(place: Place) -> None:
    assert place.ends.directory is not None
    found = place.says('ldapsearch -x -LLL -y "$LDAP_PASSWORD_FILE" cn=web member')
    assert "member: uid=jip,ou=people,dc=rehearsal,dc=example" in found
    who = "ldapwhoami -x -D uid=jip,ou=people,dc=rehearsal,dc=example"
    assert "uid=jip" in place.says(f"{who} -y {place.ends.directory.people}/jip")
    assert place.run(f"{who} -y {place.ends.directory.people}/outsider").returncode == 49
    assert "authentication required" in place.run("ldapsearch -x -D '' cn=web").stdout


def test_the_vcenter_lets_in_who_has_the_password(place: Place) -> None:
    assert "voorbeeld" in place.says("govc ls /")
    assert "Login failure" in place.run("govc ls /", GOVC_PASSWORD="wrong").stderr


@pytest.mark.parametrize("kind", ["postgres", "object_store"])
def test_the_engine_keeps_its_state_there_and_its_secrets_with_openbao(place: Place, kind: str, tmp_path: Path) -> None:
    state: State = getattr(place.ends, kind)
    assert place.ends.secrets is not None
    (tmp_path / "Pulumi.yaml").write_text("name: kade\nruntime: python\n")
    cli = installed(ROOT).path
    more = {
        **state.variables(), **place.ends.secrets.variables(), "PULUMI_BACKEND_URL": state.url,
        "PULUMI_HOME": str(tmp_path / "home"), "PULUMI_SKIP_UPDATE_CHECK": "true",
    }  # fmt: skip
    at = f"cd {tmp_path} && {cli}"
    place.says(f"{at} stack init dev --secrets-provider {place.ends.secrets.url} --non-interactive", **more)
    place.says(f"{at} config set --secret pw --stack dev", "s3cr3t-value", **more)
    assert place.says(f"{at} config get pw --stack dev", **more).strip() == "s3cr3t-value"
    file = (tmp_path / "Pulumi.dev.yaml").read_text()
    assert "secretsprovider: hashivault://pulumi" in file
    assert "s3cr3t-value" not in file
    assert "127.0.0.1" not in file
    assert "dev" in place.says(f"{at} stack ls --json", **more)
    # An operation copies the state into its history, which import and init do not.
    place.says(f"{at} refresh --yes --skip-preview --stack dev --non-interactive", **more)
    history: list[dict[str, Any]] = json.loads(place.says(f"{at} stack history --stack dev --json", **more))
    assert [one["kind"] for one in history] == ["refresh"]
    place.says(f"{at} stack rm dev --yes", **more)
    assert "dev" not in place.says(f"{at} stack ls --json", **more)


def test_orders_are_followed_and_data_stays(place: Place) -> None:
    place.says("kubectl create configmap kept")
    place.says("bao secrets enable -path=kept kv-v2")
    control.control(place.folder, "seal")
    assert "sealed" in place.run("bao secrets list").stderr.lower()
    control.control(place.folder, "unseal")
    assert "kept/" in place.says("bao secrets list")
    for name in ("etcd", "kube-apiserver", "openbao", "postgres"):
        control.control(place.folder, "stop", name)
    assert place.run("kubectl get configmap kept --request-timeout=2s").returncode != 0
    for name in ("etcd", "kube-apiserver", "openbao", "postgres"):
        control.control(place.folder, "start", name)
    assert "kept" in place.says("kubectl get configmap kept -o name")
    assert "kept/" in place.says("bao secrets list")


def test_a_server_that_died_is_seen_and_started_again_by_the_next_start(place: Place) -> None:
    place.says("kubectl create configmap before-the-crash")
    died = ("kube-apiserver", "openbao")
    for row in control.status(place.folder).servers:
        if row.name in died:
            assert row.pid
            os.kill(row.pid, signal.SIGKILL)
    wait(lambda: {row.name for row in control.status(place.folder).ended} == set(died))
    control.control(place.folder, "pause", "object-store")  # what an interrupted drill has left
    said = io.StringIO()
    assert control.start(place.folder, place.site, Progress(said), 20) == place.ends
    assert control.status(place.folder).ended == ()
    assert all(f"{name}, which had ended" in said.getvalue() for name in died)
    assert "before-the-crash" in place.says("kubectl get configmap before-the-crash -o name")
    assert "Sealed          false" in place.says("bao status")
    assert {row.state for row in control.status(place.folder).servers} == {"ready"}


def test_nobody_else_reads_secrets_and_none_stands_on_a_command_line_or_in_a_log(place: Place) -> None:
    folder = place.folder / "backends"
    secrets = [path for path in (folder / "secrets").rglob("*") if path.is_file()] + list(
        (folder / "pki").glob("*.key")
    )
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}
    words = {word for path in secrets for word in path.read_text().split() if len(word) > 15 and "KEY" not in word}
    words |= {word.rsplit(":", 1)[-1] for word in words if word.startswith("127.0.0.1:")}
    assert len(words) > 10
    for process, _ in place.processes():
        line = Path(f"/proc/{process}/cmdline").read_text()
        assert not [word for word in words if word in line]
    for log in (folder / "logs").glob("*.log"):
        text = log.read_text(errors="replace")
        assert not [word for word in words if word in text], log


def test_everything_listens_on_this_machine_alone(place: Place) -> None:
    processes = {process for process, _ in place.processes()}
    sockets = {
        os.readlink(link).removeprefix("socket:[").removesuffix("]")
        for process in processes
        for link in Path(f"/proc/{process}/fd").iterdir()
        if os.readlink(link).startswith("socket:[")
    }
    listening = [
        fields for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A" and fields[9] in sockets
    ]  # fmt: skip
    assert len(listening) >= len(processes) - 1  # the player serves nothing
    assert {fields[1].split(":")[0] for fields in listening} == {"0100007F"}


def test_postgres_shares_no_memory_that_would_outlive_it(place: Place) -> None:
    (server,) = [row.pid for row in control.status(place.folder).servers if row.name == "postgres"]
    mapped = Path(f"/proc/{server}/maps").read_text()
    assert "/pg_dynshmem/mmap." in mapped
    assert "/dev/shm/" not in mapped


def test_two_rehearsals_do_not_meet_and_a_killed_one_leaves_nothing(place: Place, tmp_path: Path) -> None:
    parts = ("openbao", "directory", "database")
    other = replace(place.site, people={"other": ("web",)})
    ends = control.start(tmp_path / "second", other, Progress(io.StringIO()), 5, parts)
    second = Place(tmp_path / "second", ends, other)
    assert "uid=other" in second.says('ldapsearch -x -LLL -y "$LDAP_PASSWORD_FILE" uid=*')
    assert "uid=other" not in place.says('ldapsearch -x -LLL -y "$LDAP_PASSWORD_FILE" uid=*')
    assert second.run("bao secrets list", BAO_TOKEN=place.environment["BAO_TOKEN"]).returncode != 0
    processes = second.processes()
    assert len(processes) == 3
    supervisor = json.loads((second.folder / "backends" / "run.json").read_text())
    assert identity.send(supervisor["pid"], supervisor["started"], signal.SIGKILL)
    wait(lambda: not any(identity.same(*process) for process in processes))
    wait(lambda: control.status(second.folder).killed)  # its last thread lets go of the lock

    out = io.StringIO()
    control.start(second.folder, other, Progress(out), 5, parts)
    assert "was killed. What it left is removed; it begins anew." in out.getvalue()
    processes = second.processes()
    assert control.down(second.folder)
    assert not any(identity.same(*process) for process in processes)
    left = sorted(str(path.relative_to(second.folder)) for path in second.folder.rglob("*") if path.is_file())
    assert left == [f"backends/logs/{name}.log" for name in ("openbao", "postgres", "slapd", "supervisor")]


def test_people_who_come_later_are_let_in(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "third"
    control.start(folder, replace(place.site, people={}), Progress(io.StringIO()), 5, ("directory",))
    try:
        later = replace(place.site, people={"later": ("web",)})
        ends = control.start(folder, later, Progress(io.StringIO()), 5, ("directory",))
        found = Place(folder, ends, later).says('ldapsearch -x -LLL -y "$LDAP_PASSWORD_FILE" uid=later memberOf')
        assert "memberOf: cn=web,ou=groups" in found
    finally:
        control.down(folder)
