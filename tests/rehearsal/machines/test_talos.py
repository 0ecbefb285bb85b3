"""The Talos plugin: configurations by Talos' own library, and nodes that the API server accepts as their own."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509

from inputs.yaml import dump
from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.talos_machinery import _without_values  # pyright: ignore[reportPrivateUsage]  # what it hides
from rehearsal.plugins.talos_nodes import Hardware, Machine, Machines, labels, node, status, taints
from rehearsal.plugins.talos_reach import addresses
from rehearsal.plugins.values import Secret, plain

if TYPE_CHECKING:
    from tests.rehearsal.machines.conftest import Ends, Made, Run

DESCRIBED: dict[str, Any] = {
    "hostname": "cp-1", "clusterName": "test", "clusterId": "id", "machineType": "controlplane",
    "nodeLabels": {"topology.kubernetes.io/zone": "zone-a"}, "nodeAnnotations": None,
    "nodeTaints": {"a": "b:NoExecute"},
    "scheduleOnControlPlane": False, "installImage": "factory/installer/abc:v1.13.0", "kernel": "6.1",
    "containerRuntime": "containerd://2", "kubeletImage": "ghcr.io/kubelet:v1.36.3",
}  # fmt: skip
HARDWARE = Hardware(uuid="u-1", cpus=4, memory_mib=8192, disk_gib=50)


def test_a_node_is_what_its_machine_was_told() -> None:
    machine = Machine(address="10.0.0.1", described=DESCRIBED, hardware=HARDWARE)
    assert labels(machine) == {"topology.kubernetes.io/zone": "zone-a", "node-role.kubernetes.io/control-plane": ""}
    assert taints(machine) == [
        {"key": "a", "value": "b", "effect": "NoExecute"},
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
    ]
    assert node(machine)["spec"]["providerID"] == "vsphere://u-1"
    assert "node-role.kubernetes.io/control-plane" not in node(machine)["metadata"]["labels"]
    assert status(machine)["nodeInfo"]["osImage"] == "Talos (v1.13.0)"
    assert status(machine)["nodeInfo"]["kubeletVersion"] == "v1.36.3"
    assert status(machine)["capacity"]["memory"] == "8192Mi"


def test_a_cluster_lasts_as_long_as_its_last_machine(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    two = [Machine(address=f"10.0.0.{n}", described=DESCRIBED, hardware=HARDWARE) for n in (1, 2)]
    for one in two:
        machines.keep(one)
    assert not machines.started("test")
    machines.start("test")
    machines.forget(two[0])
    assert machines.started("test")
    assert machines.all() == [two[1]]
    machines.forget(two[1])
    assert not machines.started("test")


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("network: {ethernets: {eth0: {addresses: [10.0.0.1/24]}}}", "", {"10.0.0.1"}),
        (base64.b64encode(b"network: {ethernets: {e: {addresses: [10.0.0.2/8]}}}").decode(), "base64", {"10.0.0.2"}),
        ("not base64!", "base64", set[str]()),
        ("network: {ethernets: none}", "", set[str]()),
        ("", "", set[str]()),
    ],
)
def test_a_machine_has_the_address_of_its_metadata(text: str, encoding: str, found: set[str]) -> None:
    options = [
        SimpleNamespace(key="guestinfo.metadata", value=text),
        SimpleNamespace(key="guestinfo.metadata.encoding", value=encoding),
    ]
    assert addresses(options) == found


def test_an_unknown_key_is_named_without_its_value() -> None:
    told = _without_values(
        "line 1: unknown keys found during decoding:\nmachine:\n    tokn: planted\n    - a: planted\n"
    )
    assert "planted" not in told
    assert "tokn: …" in told
    assert _without_values("invalid CIDR address: 10.0.0.1/99") == "invalid CIDR address: 10.0.0.1/99"


class Cluster:
    """A cluster as the cluster layer makes it, one machine after another."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.secrets = run.make("talos:machine/Secrets", "secrets", talosVersion="v1.13.0")

    @property
    def client(self) -> Any:
        return self.secrets.outputs["clientConfiguration"]

    def generated(self, role: str, *patches: str) -> Any:
        return self.run.ask(
            "talos:machine/getConfiguration", clusterName="test", clusterEndpoint="https://10.20.0.10:6443",
            machineType=role, machineSecrets=plain(self.secrets.outputs["machineSecrets"]), talosVersion="v1.13.0",
            kubernetesVersion="1.36.3", configPatches=list(patches), docs=False, examples=False,
        )["machineConfiguration"]  # fmt: skip

    def apply(self, name: str, address: str, role: str = "worker", *patches: str, **more: Any) -> Made:
        own = dump(
            {
                "machine": {
                    "network": {"hostname": name},
                    "nodeLabels": {"topology.kubernetes.io/zone": "zone-a"},
                    "kubelet": {"extraArgs": {"rotate-server-certificates": "true"}},
                }
            }
        )
        no_name = dump({"apiVersion": "v1alpha1", "kind": "HostnameConfig", "$patch": "delete"})
        return self.run.make(
            "talos:machine/ConfigurationApply", name, node=address, clientConfiguration=self.client,
            machineConfigurationInput=self.generated(role), configPatches=[own, no_name, *patches], **more,
        )  # fmt: skip

    def bootstrap(self, address: str) -> Made:
        return self.run.make("talos:machine/Bootstrap", "boot", node=address, clientConfiguration=self.client)

    def kubeconfig(self, address: str) -> Made:
        return self.run.make("talos:cluster/Kubeconfig", "kube", node=address, clientConfiguration=self.client)


@pytest.mark.engine
def test_a_cluster_comes_up_in_talos_own_order(run: Run, ends: Ends, tmp_path: Path) -> None:
    cluster, kubernetes = Cluster(run), ends.endpoints.kubernetes
    assert kubernetes is not None
    with pytest.raises(StandInError, match=r"nothing answers at 10\.8\.0\.1:50000: no machine in vCenter"):
        cluster.apply("cp-1", "10.8.0.1", "controlplane")
    control_plane, worker = run.machine("cp-1", "10.8.0.1"), run.machine("worker-1", "10.8.0.2")
    applied = cluster.apply("cp-1", "10.8.0.1", "controlplane")
    assert "cp-1" not in ends.nodes()
    with pytest.raises(StandInError, match="the cluster test was not bootstrapped"):
        cluster.kubeconfig("10.8.0.1")
    cluster.bootstrap("10.8.0.1")
    wiped = cluster.apply("worker-1", "10.8.0.2", onDestroy={"reset": True, "graceful": False, "reboot": False})
    nodes = ends.nodes()
    assert "node-role.kubernetes.io/control-plane" in nodes["cp-1"]["metadata"]["labels"]
    assert nodes["worker-1"]["metadata"]["labels"]["topology.kubernetes.io/zone"] == "zone-a"
    assert nodes["worker-1"]["spec"]["providerID"] == f"vsphere://{worker.id}"
    assert nodes["worker-1"]["status"]["capacity"]["cpu"] == "2"
    requests = ends.kubectl("get", "csr", "--output=custom-columns=:.metadata.name,:.spec.username").splitlines()
    assert "kubelet-serving-worker-1 system:node:worker-1" in {" ".join(line.split()) for line in requests}
    # The administrator enters with the authority that is in the secrets, at the organisation's address.
    made = cluster.kubeconfig("10.8.0.1")
    assert made.id == "test"
    config = yaml.safe_load(plain(made.outputs["kubeconfigRaw"]))
    assert config["clusters"][0]["cluster"]["server"] == "https://10.20.0.10:6443"
    config["clusters"][0]["cluster"]["server"] = kubernetes.server
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    told = ends.kubectl(
        "auth", "whoami", "--output=jsonpath={.status.userInfo}", KUBECONFIG=str(tmp_path / "kubeconfig")
    )
    assert '"admin"' in told
    assert "system:masters" in told
    # Another run makes nothing anew.
    again = run.again()
    for one in (cluster.secrets, applied, made):
        assert again.read(one) == (one.outputs, one.inputs)
    # What is wiped or removed leaves the cluster.
    run.delete(wiped)
    assert "worker-1" not in ends.nodes()
    run.delete(control_plane)
    assert "cp-1" not in ends.nodes()
    run.delete(worker)


@pytest.mark.engine
def test_what_talos_or_the_api_server_refuses_is_told_in_their_words(run: Run, ends: Ends) -> None:
    cluster = Cluster(run)
    run.machine("cp-2", "10.8.1.1")
    run.machine("worker-2", "10.8.1.2")
    cluster.apply("cp-2", "10.8.1.1", "controlplane")
    cluster.bootstrap("10.8.1.1")
    with pytest.raises(StandInError, match=r"worker-2: Talos refuses the configuration: .*unknown keys") as refused:
        cluster.apply("worker-2", "10.8.1.2", "worker", "machine: {tokn: planted}")
    assert "planted" not in str(refused.value)
    bad = "machine: {network: {interfaces: [{interface: eth0, addresses: [10.1.1.1/99]}]}}"
    with pytest.raises(StandInError, match=r"refuses its configuration. Talos says: [\s\S]*invalid CIDR address"):
        cluster.apply("worker-2", "10.8.1.2", "worker", bad)
    role = 'machine: {nodeLabels: {node-role.kubernetes.io/worker: ""}}'
    with pytest.raises(StandInError, match=r"is not allowed to modify labels: node-role\.kubernetes\.io/worker"):
        cluster.apply("worker-2", "10.8.1.2", "worker", role)
    assert "topology.kubernetes.io/zone" not in ends.nodes()["worker-2"]["metadata"]["labels"]
    other = Cluster(run.again())
    with pytest.raises(StandInError, match="belongs to a cluster with other secrets"):
        other.apply("cp-2", "10.8.1.1", "controlplane")


@pytest.mark.engine
def test_the_clusters_authority_is_the_api_servers_and_no_key_is_open(run: Run, ends: Ends) -> None:
    cluster, kubernetes = Cluster(run), ends.endpoints.kubernetes
    assert kubernetes is not None
    certificates = cluster.secrets.outputs["machineSecrets"]["certs"]
    assert base64.b64decode(certificates["k8s"]["cert"]) == Path(kubernetes.ca).read_bytes()
    etcd = x509.load_pem_x509_certificate(base64.b64decode(certificates["etcd"]["cert"]))
    assert "etcd" in etcd.subject.rfc4514_string()
    assert all(isinstance(one["key"], Secret) for one in certificates.values())
    assert isinstance(cluster.generated("worker"), Secret)
    # The rehearsal's own notes hold nothing of them.
    run.machine("cp-3", "10.8.2.1")
    cluster.apply("cp-3", "10.8.2.1", "controlplane")
    notes = "".join(path.read_text() for path in run.folder.rglob("*.json"))
    assert "cp-3" in notes
    for key in ("etcd", "k8s", "os"):
        assert plain(certificates[key]["key"]) not in notes
    assert plain(cluster.secrets.outputs["machineSecrets"]["secrets"]["bootstrapToken"]) not in notes


@pytest.mark.engine
def test_a_patch_that_does_not_fit_is_refused_at_preview(run: Run) -> None:
    cluster = Cluster(run)
    resource = run.resource("talos:machine/ConfigurationApply", "x")
    inputs = {"node": "10.8.3.1", "clientConfiguration": cluster.client, "configPatches": ["machine: {kubelet: 3}"]}
    with pytest.raises(StandInError, match="x: Talos refuses the configuration"):
        run.talos.planned(resource, {**inputs, "machineConfigurationInput": cluster.generated("worker")}, None)
