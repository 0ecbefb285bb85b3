"""A real API server and a simulated vCenter, with the machines that two plugins make and configure there."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.machines.handle import Node
from components.machines.machine import MachineNetwork, metadata_yaml
from rehearsal.backends import control
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.site import Host, Site
from rehearsal.plugins.standin import Place, Provider, Resource, StandIn
from rehearsal.plugins.talos import Talos
from rehearsal.plugins.talos_server import TalosServer
from rehearsal.plugins.values import Props, Secret
from rehearsal.plugins.vsphere import Vsphere
from rehearsal.plugins.vsphere_server import VsphereServer
from rehearsal.toolchain.progress import Progress

ENDPOINT = "https://10.20.0.10:6443"
NAME = "vcenter.voorbeeld.example"
SITE = Site(
    environment="test", cluster="test", api_endpoint=ENDPOINT, pod_network="10.244.0.0/16",
    service_network="10.96.0.0/16", load_balancer=("10.20.0.200", "10.20.0.220"), vault_address=None,
    vcenter_server=NAME, datacenter="voorbeeld", compute_cluster="compute",
    hosts=(Host(name="esx-a1", datastores=("store-a", "all")), Host(name="esx-b1", datastores=("store-b", "all"))),
    networks=("machines",), folders=("there/before",), storage_policies=("replicated",),
)  # fmt: skip


@dataclass(frozen=True)
class Ends:
    """The back ends, as somebody sees them who is no part of Kade: through govc and kubectl."""

    endpoints: Endpoints

    def govc(self, *arguments: str) -> str:
        where = self.endpoints.vcenter
        assert where is not None
        access = {"GOVC_URL": f"https://{where.server}", "GOVC_USERNAME": where.user, "GOVC_TLS_CA_CERTS": where.ca}
        return self._run("govc", *arguments, GOVC_PASSWORD=Path(where.password).read_text().strip(), **access)

    def kubectl(self, *arguments: str, **environment: str) -> str:
        assert self.endpoints.kubernetes is not None
        return self._run("kubectl", *arguments, **{"KUBECONFIG": self.endpoints.kubernetes.kubeconfig, **environment})

    def nodes(self) -> dict[str, dict[str, Any]]:
        found = json.loads(self.kubectl("get", "nodes", "--output=json"))["items"]
        return {item["metadata"]["name"]: item for item in found}

    def _run(self, program: str, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [str(Path(self.endpoints.tools) / program), *arguments], text=True, capture_output=True, timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ends]:
    """All back ends of machines and nodes, for all tests of this folder."""
    folder = tmp_path_factory.mktemp("ends")
    try:
        yield Ends(control.start(folder, SITE, Progress(), life=30, parts=("kubernetes", "vcenter")))
    finally:
        control.down(folder)


class Run:
    """One run of the engine: what it asks of the plugins. Another run on the same folder knows nothing of the first."""

    def __init__(self, ends: Ends, folder: Path, stack: ExitStack) -> None:
        self.ends, self.folder, self.stack = ends, folder, stack
        ends.endpoints.save(folder)
        where = ends.endpoints.vcenter
        assert where is not None
        account = {"user": where.user, "password": Secret(Path(where.password).read_text().strip())}
        self.vsphere = self._plugin(Vsphere, {"vsphereServer": NAME, **account})
        self.talos = self._plugin(Talos, {})

    def _plugin(self, make: type[StandIn], config: Props) -> Provider:
        provider = make(Place(self.folder, self.folder / "out", b"k" * 32)).configured(config)
        assert isinstance(provider, VsphereServer | TalosServer)
        self.stack.callback(provider.close)
        return provider

    def again(self) -> Run:
        return Run(self.ends, self.folder, self.stack)

    def provider(self, type_: str) -> Provider:
        return self.vsphere if type_.startswith("vsphere") else self.talos

    def resource(self, type_: str, name: str) -> Resource:
        package, kind = type_.split(":")
        module, _, leaf = kind.rpartition("/")
        token = f"{package}:{module or 'index'}/{leaf[0].lower()}{leaf[1:]}:{leaf}"
        return Resource(f"urn:pulumi:dev::kade::{token}::{name}", token)

    def make(self, type_: str, label: str, /, **inputs: Any) -> Made:
        resource, provider = self.resource(type_, label), self.provider(type_)
        checked = provider.checked(resource, {}, inputs)
        assert not checked.failures
        id_, outputs = provider.create(resource, checked.inputs)
        return Made(resource, id_, checked.inputs, outputs)

    def read(self, made: Made) -> tuple[Props, Props] | None:
        return self.provider(made.resource.type).read(made.resource, made.id, made.inputs, made.outputs)

    def changes(self, made: Made, olds: Props, news: Props) -> set[str]:
        found = self.provider(made.resource.type).diff(made.resource, made.id, olds, news)
        return {str(change.path[0]) for change in found.changes}

    def update(self, made: Made, **inputs: Any) -> Made:
        news = {**made.inputs, **inputs}
        outputs = self.provider(made.resource.type).update(made.resource, made.id, made.outputs, news)
        return Made(made.resource, made.id, news, outputs)

    def delete(self, made: Made) -> None:
        self.provider(made.resource.type).delete(made.resource, made.id, made.inputs, made.outputs)

    def ask(self, function: str, /, **arguments: Any) -> Props:
        package, leaf = function.split(":")
        return self.provider(package).invoke(f"{package}:{leaf}:{leaf.rpartition('/')[2]}", arguments)

    def look(self, function: str, /, **arguments: Any) -> Props:
        return self.ask(f"vsphere:index/{function}", **arguments)

    def machine(self, name: str, address: str, **more: Any) -> Made:
        """A machine as the machines layer makes it."""
        node = Node(
            name=name, role="worker", zone="zone-a", address=address, cpus=2, memory_gib=4, disk_gib=20
        )  # fmt: skip
        network = MachineNetwork(prefix_length=24, gateway="10.20.0.1", nameservers=["10.0.0.53"])
        metadata = base64.b64encode(metadata_yaml(node, network).encode()).decode()
        inputs: Props = {
            "name": name, "annotation": "made by a test", "folder": "there/before",
            "resourcePoolId": self.look("getComputeCluster", name="compute")["resourcePoolId"],
            "datastoreId": self.look("getDatastore", name="store-a")["id"], "guestId": "other5xLinux64Guest",
            "firmware": "efi", "numCpus": 2, "memory": 4096, "scsiType": "pvscsi", "enableDiskUuid": True,
            "disks": [{"label": "system", "size": 20, "unitNumber": 0, "thinProvisioned": True}],
            "networkInterfaces": [{"networkId": self.look("getNetwork", name="machines")["id"]}],
            "extraConfig": {"guestinfo.metadata": metadata, "guestinfo.metadata.encoding": "base64"},
        }  # fmt: skip
        return self.make("vsphere:VirtualMachine", name, **{**inputs, **more})


@dataclass(frozen=True)
class Made:
    """Something that a run made, as the engine's state knows it."""

    resource: Resource
    id: str
    inputs: Props
    outputs: Props


@pytest.fixture
def run(ends: Ends, tmp_path: Path) -> Generator[Run]:
    """A first run."""
    with ExitStack() as stack:
        yield Run(ends, tmp_path, stack)
