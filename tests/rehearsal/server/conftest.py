"""A real API server with its controllers, and the Kubernetes plugin on it, with and without the engine."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rehearsal.backends import control, endpoints
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.site import Site
from rehearsal.plugins.kubernetes import Kubernetes
from rehearsal.plugins.standin import Place, Provider, Resource
from rehearsal.plugins.values import Props, Secret, plain
from rehearsal.toolchain.progress import Progress

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

ENDPOINT = "https://10.20.0.10:6443"
"""Where the organisation's files say that the API server is; nothing listens there."""
SITE = Site(
    environment="test", cluster="test", api_endpoint=ENDPOINT, pod_network="10.244.0.0/16",
    service_network="10.96.0.0/16", load_balancer=("10.20.0.200", "10.20.0.220"), vault_address=None,
    vcenter_server="vcenter.voorbeeld.example", datacenter="d", compute_cluster="c", hosts=(), networks=(),
)  # fmt: skip
NODE = """
apiVersion: v1
kind: Node
metadata: {name: node}
status: {allocatable: {cpu: "8", memory: 32Gi, pods: "100"}, capacity: {cpu: "8", memory: 32Gi, pods: "100"}}
"""


@dataclass(frozen=True)
class Cluster:
    """The API server, as somebody sees it who is no part of Kade: through kubectl."""

    folder: Path
    endpoints: Endpoints

    @property
    def kubernetes(self) -> endpoints.Kubernetes:
        assert self.endpoints.kubernetes is not None
        return self.endpoints.kubernetes

    def kubectl(self, *arguments: str, given: str = "", check: bool = True) -> str:
        done = subprocess.run(
            [str(Path(self.endpoints.tools) / "kubectl"), *arguments], input=given, text=True, capture_output=True,
            env={"KUBECONFIG": self.kubernetes.kubeconfig, "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout or done.stderr

    def get(self, *arguments: str) -> dict[str, Any]:
        return json.loads(self.kubectl("get", *arguments, "--output=json", "--show-managed-fields"))

    def names(self, kind: str, namespace: str) -> list[str]:
        found = self.get(kind, f"--namespace={namespace}")["items"]
        return sorted(item["metadata"]["name"] for item in found)

    def kubeconfig(self, token: str | None = None) -> str:
        """What the organisation's program would get: the organisation's address; an administrator, or a token."""
        config = yaml.safe_load(Path(self.kubernetes.kubeconfig).read_text())
        config["clusters"][0]["cluster"]["server"] = ENDPOINT
        if token is not None:
            config["users"][0]["user"] = {"token": token}
        return yaml.safe_dump(config)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """Etcd, API server, controllers, scheduler and one node of kwok's, for all tests of this folder."""
    folder = tmp_path_factory.mktemp("cluster")
    found = Cluster(folder, control.start(folder, SITE, Progress(), life=30, parts=("kubernetes",)))
    try:
        found.kubectl("apply", "--server-side", "--filename=-", given=NODE)
        yield found
    finally:
        control.down(folder)


@pytest.fixture
def namespace(cluster: Cluster) -> Generator[str]:
    """A namespace for one test."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


class Plugin:
    """One provider resource of one run, asked as the engine asks."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def resource(self, inputs: Props, name: str = "it", timeout: float = 0, ignored: tuple[str, ...] = ()) -> Resource:
        api, kind = inputs["apiVersion"], inputs["kind"]
        type_ = f"kubernetes:{api if '/' in api else f'core/{api}'}:{kind}"
        return Resource(f"urn:pulumi:dev::kade::{type_}::{name}", type_, timeout, ignored)

    def checked(self, inputs: Props, name: str = "it", olds: Props | None = None) -> Props:
        checked = self.provider.checked(self.resource(inputs, name), olds or {}, inputs)
        assert not checked.failures
        return checked.inputs

    def preview(self, inputs: Props, olds: Props | None = None, name: str = "it") -> Props:
        return self.provider.planned(self.resource(inputs, name), self.checked(inputs, name), olds)

    def create(self, inputs: Props, name: str = "it", timeout: float = 0) -> tuple[str, Props]:
        return self.provider.create(self.resource(inputs, name, timeout), self.checked(inputs, name))

    def update(
        self, id_: str, olds: Props, inputs: Props, name: str = "it", ignored: tuple[str, ...] = (), timeout: float = 0
    ) -> Props:
        resource = self.resource(inputs, name, timeout, ignored)
        return self.provider.update(resource, id_, olds, self.checked(inputs, name))

    def read(self, id_: str, inputs: Props, outputs: Props, name: str = "it") -> tuple[Props, Props] | None:
        return self.provider.read(self.resource(inputs, name), id_, self.checked(inputs, name), outputs)

    def delete(self, id_: str, inputs: Props, outputs: Props, name: str = "it", timeout: float = 0) -> None:
        self.provider.delete(self.resource(inputs, name, timeout), id_, self.checked(inputs, name), outputs)


@pytest.fixture
def place(cluster: Cluster, tmp_path: Path) -> Place:
    """A rehearsal's folder that says where the API server listens."""
    cluster.endpoints.save(tmp_path)
    return Place(tmp_path, tmp_path / "out", b"k" * 32)


@pytest.fixture
def plug(cluster: Cluster, place: Place) -> Callable[..., Plugin]:
    """Start the provider anew, as each run of the engine does."""

    def start(token: str | None = None, **config: Any) -> Plugin:
        given = {"kubeconfig": Secret(cluster.kubeconfig(token)), **config}
        return Plugin(Kubernetes(place).configured(given))

    return start


@pytest.fixture
def real(cluster: Cluster, rehearsal: Rehearsal) -> Rehearsal:
    """A rehearsal under the real engine, with the API server behind it."""
    cluster.endpoints.save(rehearsal.workspace.folder)
    (rehearsal.folder / "kubeconfig").write_text(cluster.kubeconfig())
    return rehearsal


def config_map(name: str, namespace: str, data: dict[str, Any], **metadata: Any) -> Props:
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, **metadata}, "data": data,
    }  # fmt: skip


def shown(props: Props, *path: str) -> Any:
    """What stands at a path of a provider's answer, without marks."""
    value: Any = plain(props)
    for part in path:
        value = value[part]
    return value
