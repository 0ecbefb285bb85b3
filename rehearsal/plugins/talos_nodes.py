"""The machines of a cluster as far as a rehearsal plays them: what each was sent, and the Node that it would register.

A machine that was sent a configuration is a file beside the back ends, without a secret. Its Node object is registered
with the node's own certificate, so that the API server judges it as it judges a kubelet; what Talos itself does to a
control plane's Node is done as the administrator, as Talos does. No kubelet runs: kwok says that it is ready.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from rehearsal.backends import api
from rehearsal.backends.endpoints import Kubernetes
from rehearsal.plugins import talos_certificates
from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.store import write
from rehearsal.plugins.values import Props

FOLDER = "talos"
"""Where the machines are kept, in the rehearsal's folder."""
PLAYED = {"kade.rehearsal/played": "true"}
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
PODS = "110"
"""Pods that a kubelet takes by default."""
_CSR_SECONDS = 86400 * 365


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The virtual machine below a node."""

    uuid: str
    cpus: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine that was sent a configuration. None of it is secret."""

    address: str
    """Address that it was reached at."""
    described: Props
    """What Talos' library says of its configuration."""
    hardware: Hardware | None
    """`None` where the rehearsal has no vCenter."""

    @property
    def name(self) -> str:
        """Name of the machine and its node."""
        return str(self.described["hostname"])

    @property
    def cluster(self) -> str:
        """Name of its cluster."""
        return str(self.described["clusterName"])

    @property
    def control_plane(self) -> bool:
        """Say whether it is a control plane."""
        return self.described["machineType"] == "controlplane"


class Machines:
    """All machines of a rehearsal that were sent a configuration."""

    def __init__(self, rehearsal: Path) -> None:
        self._folder = rehearsal / FOLDER

    def all(self) -> list[Machine]:
        """Return every machine, in the order of their names."""
        found = [_read(path) for path in self._folder.glob("*.json")]
        return sorted((one for one in found if one is not None), key=lambda one: one.name)

    def at(self, address: str) -> Machine | None:
        """Return the machine at an address."""
        return _read(self._path(address))

    def keep(self, machine: Machine) -> None:
        """Remember a machine as it is now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write(self._path(machine.address), json.dumps(asdict(machine), indent=1, sort_keys=True))

    def forget(self, machine: Machine) -> None:
        """Forget a machine that was wiped or removed; with the last one of a cluster its etcd is gone too."""
        self._path(machine.address).unlink(missing_ok=True)
        if not any(one.cluster == machine.cluster for one in self.all()):
            self._cluster(machine.cluster).unlink(missing_ok=True)

    def started(self, cluster: str) -> bool:
        """Say whether a cluster was bootstrapped: nothing registers before."""
        return self._cluster(cluster).exists()

    def start(self, cluster: str) -> None:
        """Remember that a cluster was bootstrapped."""
        write(self._cluster(cluster), "bootstrapped")

    def _path(self, address: str) -> Path:
        return self._folder / f"{_digest(address)}.json"

    def _cluster(self, name: str) -> Path:
        return self._folder / f"{_digest(name)}.cluster"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _read(path: Path) -> Machine | None:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    hardware = data.pop("hardware")
    return Machine(**data, hardware=Hardware(**hardware) if hardware else None)


class Nodes:
    """The Node objects of machines, in the rehearsal's API server."""

    def __init__(self, server: Kubernetes) -> None:
        self._server = server

    @cached_property
    def admin(self) -> api.Client:
        """Who Talos is on a control plane."""
        return self._as("talos", "system:masters")

    def _as(self, name: str, organisation: str) -> api.Client:
        certificate, key = self.certificate(name, organisation, dt.timedelta(hours=1))
        context = talos_certificates.context(Path(self._server.ca), certificate, key)
        return api.Client(self._server.server, context)

    def certificate(self, name: str, organisation: str, valid: dt.timedelta) -> tuple[bytes, bytes]:
        """Sign a client's certificate with the cluster's authority; return it and its key, PEM."""
        return talos_certificates.client(
            Path(self._server.ca), Path(self._server.ca_key), name, organisation, valid
        )  # fmt: skip

    def register(self, machine: Machine, before: Machine | None = None) -> None:
        """Do what kubelet and Talos do when a machine joins, or takes another configuration than `before`.

        Raises:
            StandInError: the API server refuses; its own words.

        """
        own = self._as(f"system:node:{machine.name}", "system:nodes")
        path = f"/api/v1/nodes/{machine.name}"
        try:
            try:
                own.create("/api/v1/nodes", node(machine))
            except api.ApiError as error:
                if error.status != 409:  # a node that is known comes back
                    raise
            # Talos sets a control plane's labels as the administrator, a worker's as the node itself.
            talos = self.admin if machine.control_plane else own
            gone: dict[str, Any] = dict.fromkeys(labels(before).keys() - labels(machine).keys()) if before else {}
            talos.merge(path, {"metadata": {"labels": gone | labels(machine), "annotations": annotated(machine)}})
            own.merge(f"{path}/status", {"status": status(machine)})
        except api.ApiError as error:
            msg = (
                f"The API server refuses the node {machine.name}: {error}. On a real machine this stands in the "
                "machine's log, and the node stays without what was refused. Correct the machine's configuration."
            )
            raise StandInError(msg) from None
        arguments = cast("dict[str, list[str]]", machine.described["kubeletArguments"] or {})
        if "true" in arguments.get("rotate-server-certificates", ()):
            self._request_serving_certificate(machine, own)

    def _request_serving_certificate(self, machine: Machine, own: api.Client) -> None:
        """Ask for the certificate of the kubelet's own port, as a kubelet does; approving it is somebody else's."""
        path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        name = f"kubelet-serving-{machine.name}"
        request = talos_certificates.serving_request(
            f"system:node:{machine.name}", "system:nodes", [machine.name, machine.address]
        )
        try:
            own.create(path, {
                "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
                "metadata": {"name": name, "annotations": PLAYED},
                "spec": {
                    "signerName": "kubernetes.io/kubelet-serving", "usages": ["digital signature", "server auth"],
                    "request": base64.b64encode(request).decode(), "expirationSeconds": _CSR_SECONDS,
                },
            })  # fmt: skip
        except api.ApiError as error:
            if error.status != 409:
                msg = f"The API server refuses the certificate request of node {machine.name}: {error}."
                raise StandInError(msg) from None

    def remove(self, name: str) -> None:
        """Remove a node whose machine is gone, as the cloud provider does.

        Raises:
            StandInError: the API server refuses.

        """
        try:
            self.admin.delete(f"/api/v1/nodes/{name}")
        except api.ApiError as error:
            msg = f"The API server does not remove the node {name}: {error}."
            raise StandInError(msg) from None

    def ready(self, addresses: set[str]) -> set[str]:
        """Return those of the addresses whose node is ready."""
        found: set[str] = set()
        for one in api.items(self.admin.get("/api/v1/nodes"), "items"):
            conditions = {c["type"]: c["status"] for c in api.items(one, "status", "conditions")}
            if conditions.get("Ready") == "True":
                found |= {a["address"] for a in api.items(one, "status", "addresses")}
        return found & addresses

    def apply(self, manifest: Props) -> None:
        """Apply an inline manifest, as Talos does after bootstrap. Raises api.ApiError."""
        self.admin.apply(self.admin.path_of(manifest), manifest, "talos")


def node(machine: Machine) -> Props:
    """Return the Node as its kubelet creates it, with the name that the cloud provider gives it."""
    spec: Props = {"taints": taints(machine)}
    if machine.hardware is not None:
        spec["providerID"] = f"vsphere://{machine.hardware.uuid}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": machine.name,
            "labels": {
                "kubernetes.io/hostname": machine.name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
                "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
            },
        },
        "spec": {key: value for key, value in spec.items() if value},
        "status": status(machine),
    }  # fmt: skip


def labels(machine: Machine) -> dict[str, str]:
    """Return the labels that Talos sets."""
    own = {CONTROL_PLANE: ""} if machine.control_plane else {}
    return {**cast("dict[str, str]", machine.described["nodeLabels"] or {}), **own}


def annotated(machine: Machine) -> dict[str, str]:
    """Return the annotations that Talos sets, and that the node is played."""
    return {**cast("dict[str, str]", machine.described["nodeAnnotations"] or {}), **PLAYED}


def taints(machine: Machine) -> list[dict[str, str]]:
    """Return the taints that a node registers with."""
    wanted = cast("dict[str, str]", dict(machine.described["nodeTaints"] or {}))
    if machine.control_plane and not machine.described["scheduleOnControlPlane"]:
        wanted.setdefault(CONTROL_PLANE, ":NoSchedule")
    found: list[dict[str, str]] = []
    for key, text in wanted.items():
        value, _, effect = text.rpartition(":")
        found.append({"key": key, "effect": effect, **({"value": value} if value else {})})
    return found


def status(machine: Machine) -> Props:
    """Return what the kubelet says of its machine."""
    described, hardware = machine.described, machine.hardware
    version = str(described["installImage"] or "").rpartition(":")[2]
    found: Props = {
        "addresses": [
            {"type": "InternalIP", "address": machine.address}, {"type": "Hostname", "address": machine.name}
        ],
        "nodeInfo": {
            "architecture": "amd64", "bootID": "", "machineID": "", "operatingSystem": "linux", "kubeProxyVersion": "",
            "systemUUID": hardware.uuid if hardware else "", "osImage": f"Talos ({version})",
            "kernelVersion": described["kernel"], "containerRuntimeVersion": described["containerRuntime"],
            "kubeletVersion": str(described["kubeletImage"]).rpartition(":")[2],
        },
    }  # fmt: skip
    if hardware is not None:
        amount = {
            "cpu": str(hardware.cpus), "memory": f"{hardware.memory_mib}Mi", "pods": PODS,
            "ephemeral-storage": f"{hardware.disk_gib}Gi",
        }  # fmt: skip
        found |= {"capacity": amount, "allocatable": amount}
    return found
