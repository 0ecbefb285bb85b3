"""The Talos provider on a rehearsal's back ends.

Secrets, configurations and their validation are those of Talos' own machinery library. There is no machine that would
boot: one that is powered on in the rehearsal's vCenter counts as waiting at its address, and one that has a valid
configuration in a cluster that was bootstrapped registers its Node in the rehearsal's API server. That server runs from
the start, with the authority that the cluster's secrets are made of here.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import time
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from inputs.faults import FaultsError
from inputs.yaml import documents
from rehearsal.backends import api, vcenter
from rehearsal.backends.endpoints import Endpoints
from rehearsal.plugins import talos_config, talos_reach
from rehearsal.plugins.bridged import secret
from rehearsal.plugins.sdk import Property
from rehearsal.plugins.standin import Place, Resource, StandInError
from rehearsal.plugins.store import Record
from rehearsal.plugins.talos import APPLY, BOOTSTRAP, KUBECONFIG, SECRETS, Talos
from rehearsal.plugins.talos_machinery import Machinery, MachineryError
from rehearsal.plugins.talos_nodes import Machine, Machines, Nodes
from rehearsal.plugins.values import Props, at, has_unknown, plain
from rehearsal.plugins.vsphere_session import VCenter

ADMIN = ("admin", "system:masters")
"""Name and group of the administrator that Talos signs."""
ADMIN_VALID = dt.timedelta(days=365)
VERSION = "v1.13"
"""Talos version where the program gives none: that of the machinery library."""
HEALTH_SECONDS = 60
"""Seconds that `getHealth` waits; real machines get ten minutes."""


class TalosServer(Talos):
    """Answers as Talos would, with Talos' own library."""

    def __init__(self, place: Place, endpoints: Endpoints, config: Props) -> None:
        """Serve one provider resource; nothing is started before the first question."""
        super().__init__(place)
        self.config = config
        self._endpoints = endpoints
        self.machinery = Machinery(Path(endpoints.tools))
        self.machines = Machines(place.workspace)
        self._made: dict[str, Props] = {}  # several outputs come from one bundle, or one signature

    @cached_property
    def nodes(self) -> Nodes | None:
        """The API server's nodes; `None` where the rehearsal has no API server."""
        return Nodes(self._endpoints.kubernetes) if self._endpoints.kubernetes else None

    @cached_property
    def vcenter(self) -> VCenter | None:
        """What machines there are; `None` where the rehearsal has no vCenter. Asked as the rehearsal's own account."""
        where = self._endpoints.vcenter
        return vcenter.session(where, "of the rehearsal") if where else None

    def close(self) -> None:
        """Let go of the back ends; a plugin that ends lets go of them anyway."""
        self.machinery.close()
        if self.vcenter is not None:
            self.vcenter.forget()

    # Resources.

    def planned(self, resource: Resource, inputs: Props, olds: Props | None) -> Props:
        """Refuse at preview what the library refuses, as the official provider does when it plans.

        Raises:
            StandInError: a patch does not fit.

        """
        given = plain(inputs.get("machineConfigurationInput"))
        if resource.type == APPLY and isinstance(given, str) and not has_unknown(inputs.get("configPatches")):
            self._configuration(resource, inputs)
        return super().planned(resource, inputs, olds)

    def new_id(self, resource: Resource, inputs: Props, record: Record) -> str:
        """Return the id; a kubeconfig's is its cluster's name."""
        if resource.type == KUBECONFIG:
            return self._control_plane(resource.name, inputs).cluster
        return super().new_id(resource, inputs, record)

    def outputs(self, resource: Resource, inputs: Props, record: Record, olds: Props | None) -> Props:
        """Keep what was made once: another run must not make other secrets, and a renewal is an operation."""
        made = super().outputs(resource, inputs, record, olds)
        kept = ("machineSecrets", "clientConfiguration") if resource.type == SECRETS else ()
        return {**made, **{name: olds[name] for name in kept if olds is not None and name in olds}}

    def value(self, resource: Resource, output: Property, inputs: Props, record: Record) -> Any:
        """Return what the provider makes or fetches."""
        if resource.type == SECRETS:
            return self._bundle(record, inputs)[output.name]
        if resource.type == APPLY and output.name.startswith("machineConfiguration"):
            text = self._configuration(resource, inputs)
            return hashlib.sha256(text.encode()).hexdigest() if output.name.endswith("Hash") else text
        if resource.type == KUBECONFIG and output.name != "endpoint":
            if record.nonce not in self._made:
                self._made[record.nonce] = self._kubeconfig(self._control_plane(resource.name, inputs))
            return self._made[record.nonce][output.name]
        return super().value(resource, output, inputs, record)

    def applied(self, resource: Resource, inputs: Props) -> None:
        """Send a machine its configuration, or start a cluster."""
        if resource.type == APPLY:
            self._send(resource, inputs)
        elif resource.type == BOOTSTRAP:
            self._bootstrap(resource, inputs)

    def removed(self, resource: Resource, inputs: Props) -> None:
        """Wipe a machine where the program asks for it; else, as the official provider, leave it as it is."""
        if resource.type != APPLY or not at(plain(inputs), ("onDestroy", "reset")):
            return
        machine = self.machines.at(str(plain(inputs["node"])))
        if machine is not None:
            self.machines.forget(machine)
            if self.nodes is not None:
                self.nodes.remove(machine.name)

    # What they do.

    def _bundle(self, record: Record, inputs: Props) -> Props:
        """Make a cluster's secrets."""
        known = self._made
        if record.nonce not in known:
            server = self._endpoints.kubernetes
            authority = {
                name: base64.b64encode(Path(path).read_bytes()).decode()
                for name, path in (("cert", server.ca), ("key", server.ca_key))
            } if server else {}  # fmt: skip
            version = str(plain(inputs.get("talosVersion")) or VERSION)
            known[record.nonce] = self.machinery.ask("secrets", talosVersion=version, authority=authority)
        return known[record.nonce]

    def _configuration(self, resource: Resource, inputs: Props) -> str:
        """Return the configuration with its patches."""
        given = plain(inputs.get("machineConfigurationInput", inputs.get("machineConfigurationInputWo"))) or ""
        try:
            answer = self.machinery.ask("patch", configuration=given, patches=plain(inputs.get("configPatches")) or [])
        except MachineryError as error:
            msg = f"{resource.name}: Talos refuses the configuration: {error}"
            raise StandInError(msg) from None
        return str(answer["machineConfiguration"])

    def _send(self, resource: Resource, inputs: Props) -> None:
        """Do what a machine does with a configuration: check it, take it, and join its cluster if there is one."""
        text, address = self._configuration(resource, inputs), str(plain(inputs["node"]))
        before = self.machines.at(address)
        hardware = talos_reach.reach(self.vcenter, address, resource.name) if self.vcenter else None
        try:
            described = self.machinery.ask("machine", configuration=text)
        except MachineryError as error:
            msg = f"{resource.name}: the machine at {address} refuses its configuration. Talos says: {error}"
            raise StandInError(msg) from None
        if not described["hostname"]:
            msg = f"{resource.name}: the configuration names no host, so the rehearsal has no name for its node. "
            msg += "Set `machine.network.hostname`."
            raise StandInError(msg)
        if before is not None and before.described["clusterId"] != described["clusterId"]:
            msg = (
                f"{resource.name}: the machine at {address} belongs to a cluster with other secrets, so it does not "
                "trust this one. Wipe it (`talosctl reset`) or make it anew, then run the same command again."
            )
            raise StandInError(msg)
        machine = Machine(address=address, described=described, hardware=hardware)
        self.machines.keep(machine)
        if self.nodes is not None and self.machines.started(machine.cluster):
            self.nodes.register(machine, before)

    def _control_plane(self, who: str, inputs: Props, *, started: bool = True) -> Machine:
        """Return the control plane that is asked.

        Raises:
            StandInError: there is none at that address, or it is not there yet.

        """
        address = str(plain(inputs["node"]))
        machine = self.machines.at(address)
        if machine is None or not machine.control_plane:
            msg = (
                f"{who}: no control plane answers at {address}:50000. Apply its configuration first: let "
                "it depend on its ConfigurationApply."
            )
            raise StandInError(msg)
        if started and not self.machines.started(machine.cluster):
            msg = f"{who}: the cluster {machine.cluster} was not bootstrapped. Let it depend on its Bootstrap."
            raise StandInError(msg)
        return machine

    def _bootstrap(self, resource: Resource, inputs: Props) -> None:
        """Start a cluster: every machine that was sent a configuration before now joins it."""
        machine = self._control_plane(resource.name, inputs, started=False)
        self.machines.start(machine.cluster)
        if self.nodes is None:
            return
        for one in self.machines.all():
            if one.cluster == machine.cluster:
                self.nodes.register(one)
        for number, text in enumerate(cast("list[str]", machine.described["inlineManifests"] or [])):
            try:
                for document in documents(text, f"inlineManifests[{number}]"):
                    self.nodes.apply(document.data)
            except (api.ApiError, FaultsError) as error:
                msg = f"{resource.name}: inline manifest {number} of {machine.name} is refused: {error}"
                raise StandInError(msg) from None

    def _kubeconfig(self, machine: Machine) -> Props:
        """Sign an administrator and write the kubeconfig as Talos writes it."""
        server = self._endpoints.kubernetes
        if server is None or self.nodes is None:
            msg = "This rehearsal has a vCenter but no API server, so there is no administrator to sign."
            raise StandInError(msg)
        ca = base64.b64encode(Path(server.ca).read_bytes()).decode()
        certificate, key = (base64.b64encode(one).decode() for one in self.nodes.certificate(*ADMIN, ADMIN_VALID))
        # The organisation's address, not this machine's: it lands in the state, and the next run has other ports.
        host, cluster = str(machine.described["clusterEndpoint"]), machine.cluster
        user = f"admin@{cluster}"
        raw = talos_config.dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": user,
                "clusters": [{"name": cluster, "cluster": {"server": host, "certificate-authority-data": ca}}],
                "contexts": [
                    {"name": user, "context": {"cluster": cluster, "namespace": "default", "user": user}}
                ],
                "users": [
                    {"name": user, "user": {"client-certificate-data": certificate, "client-key-data": key}}
                ],
            }
        )  # fmt: skip
        details = {"host": host, "caCertificate": ca, "clientCertificate": certificate, "clientKey": key}
        return {"kubeconfigRaw": raw, "kubernetesClientConfiguration": details}

    # Functions.

    def answer(self, token: str, arguments: Props, seed: bytes) -> Props:
        """Answer the provider's functions; documents with keys in them are secret."""
        function, asked = token.split(":", 1)[1].split(":")[0], cast("Props", plain(arguments))
        answers = {
            "machine/getConfiguration": self._generated,
            "client/getConfiguration": self._talosconfig,
            "cluster/getKubeconfig": self._fetched,
            "cluster/getHealth": self._healthy,
        }
        if function not in answers or has_unknown(arguments):
            return super().answer(token, arguments, seed)
        return answers[function](asked)

    def _generated(self, asked: Props) -> Props:
        try:
            answer = self.machinery.ask(
                "configuration",
                machineType=asked.get("machineType", ""), clusterName=asked.get("clusterName", ""),
                clusterEndpoint=asked.get("clusterEndpoint", ""), secrets=asked.get("machineSecrets"),
                patches=asked.get("configPatches") or [], talosVersion=asked.get("talosVersion") or VERSION,
                kubernetesVersion=asked.get("kubernetesVersion") or "", docs=bool(asked.get("docs", True)),
                examples=bool(asked.get("examples", True)),
            )  # fmt: skip
        except MachineryError as error:
            msg = f"talos.machine.get_configuration for {asked.get('clusterName')}: Talos says: {error}"
            raise StandInError(msg) from None
        secrets = {"machineSecrets": secret(asked.get("machineSecrets") or {})}
        text = secret(answer["machineConfiguration"])
        return {"id": asked.get("clusterName", ""), "machineConfiguration": text, **secrets}

    def _talosconfig(self, asked: Props) -> Props:
        given = cast("Props", asked.get("clientConfiguration") or {})
        answer = self.machinery.ask(
            "talosconfig", client=given, clusterName=asked.get("clusterName", ""),
            endpoints=asked.get("endpoints") or [], nodes=asked.get("nodes") or [],
        )  # fmt: skip
        text = secret(answer["talosConfig"])
        return {"id": asked.get("clusterName", ""), "talosConfig": text, "clientConfiguration": secret(given)}

    def _fetched(self, asked: Props) -> Props:
        machine = self._control_plane("talos.cluster.get_kubeconfig", asked)
        made = self._kubeconfig(machine)
        details = cast("Props", made["kubernetesClientConfiguration"])
        details["clientKey"] = secret(details["clientKey"])
        used = secret(asked.get("clientConfiguration") or {})
        return {
            "id": machine.cluster, "kubeconfigRaw": secret(made["kubeconfigRaw"]),
            "kubernetesClientConfiguration": details, "clientConfiguration": used,
        }  # fmt: skip

    def _healthy(self, asked: Props) -> Props:
        """Wait until every named node is ready in the API server."""
        named: list[Any] = [*asked.get("controlPlaneNodes", []), *(asked.get("workerNodes") or [])]
        wanted = set(map(str, named))
        end = time.monotonic() + HEALTH_SECONDS
        ready: set[str] = set()
        while self.nodes is not None and (ready := self.nodes.ready(wanted)) != wanted:
            if time.monotonic() > end:
                msg = f"The cluster is not healthy: no ready node at {', '.join(sorted(wanted - ready))}."
                raise StandInError(msg)
            time.sleep(0.5)
        return {"id": "cluster_health", "clientConfiguration": secret(asked.get("clientConfiguration") or {})}
