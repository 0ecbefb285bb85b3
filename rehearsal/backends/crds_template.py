"""The data of an etcd in which all definitions are established: made once, and copied for each rehearsal.

Applying definitions and waiting until each is served takes half a minute; copying a folder takes none. What every API
server writes alike at its first start is kept as well; what belongs to one server or one cluster is not.
"""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from rehearsal.backends import crds, pki, ports
from rehearsal.backends.api import ApiError, Client, dig, items
from rehearsal.backends.layout import Layout
from rehearsal.backends.process import Running, Server, ServerError, died, last_words, launch
from rehearsal.toolchain.cache import cache_folder, digest, entry, locked
from rehearsal.toolchain.progress import Progress, ToolchainError

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_OWN = (
    "configmaps", "endpointslices", "events", "ipaddresses", "leases", "masterleases", "namespaces",
    "peerserverleases", "ranges", "secrets", "serviceaccounts", "servicecidrs", "services",
)  # fmt: skip
"""Kinds in etcd of which nothing is kept: addresses and authorities of the server that made the folder, and the
namespaces, because the one of the system tells one cluster from another."""
_READY_SECONDS = 240.0


def prepared(tools: Path, progress: Progress) -> Path:
    """Return a data folder of etcd with every definition established; copy it, never start on it.

    `tools` is the folder with `etcd` and `kube-apiserver`.

    Raises:
        ToolchainError: the definitions cannot be had, or the API server does not take one of them.

    """
    definitions = crds.definitions(progress)
    # Whoever stores an object decides how it is stored, so the server's build counts.
    builds = [str((tools / name).resolve()) for name in ("etcd", "kube-apiserver")]
    folder = cache_folder() / "definitions-in-etcd" / digest(crds.key(), Path(__file__), *builds)
    with locked(folder.parent / "lock", progress, "custom resource definitions in etcd"):
        return entry(folder, lambda target: _make(tools, definitions, target, progress))


@contextmanager
def serving(tools: Path, template: Path) -> Generator[Client]:
    """Run an API server on a copy of a prepared folder, for as long as a schema has to be asked; nothing else runs.

    Raises:
        ServerError: it does not start.

    """
    with tempfile.TemporaryDirectory(prefix="kade-definitions-") as scratch:
        layout = Layout(Path(scratch))
        layout.make()
        data = layout.data("etcd")
        shutil.copytree(template, data)
        keys = pki.make(layout.pki, [], "10.96.0.1")
        with _etcd(tools, layout, keys, data) as etcd, _api_server(tools, layout, keys, etcd) as client:
            yield client


def _make(tools: Path, definitions: Path, target: Path, progress: Progress) -> None:
    documents: list[Any] = [yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in sorted(definitions.iterdir())]
    with (
        progress.step("Definitions in an API server", f"{len(documents)} of them, once for this machine") as step,
        tempfile.TemporaryDirectory(prefix="kade-definitions-") as scratch,
    ):
        layout = Layout(Path(scratch))
        layout.make()
        keys = pki.make(layout.pki, [], "10.96.0.1")
        try:
            with _etcd(tools, layout, keys, target) as etcd:
                with _api_server(tools, layout, keys, etcd) as client:
                    for number, document in enumerate(documents, 1):
                        step.detail = f"{number} of {len(documents)}"
                        _define(client, document)
                    step.detail = "waiting until all are served"
                    _established(client, {document["metadata"]["name"] for document in documents})
                step.detail = "tidying up"
                _tidy(etcd, _trusting(keys, "etcd-client"))
        except ServerError as error:
            msg = f"The definitions of custom resources cannot be prepared. {error}"
            raise ToolchainError(msg) from None


def _define(client: Client, document: Any) -> None:
    try:
        # Not applied: who owns which field of so large an object costs twice the time, and nobody will ask.
        client.create(_DEFINITIONS, document)
    except ApiError as error:
        msg = f"The API server does not take the definition {document['metadata']['name']}: {error}"
        raise ToolchainError(msg) from None


def _established(client: Client, names: set[str]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        found = client.get(_DEFINITIONS)
        waiting = names - {str(dig(one, "metadata", "name")) for one in items(found, "items") if _served(one)}
        if not waiting:
            return
        if time.monotonic() > deadline:
            msg = f"The API server did not establish these definitions: {', '.join(sorted(waiting))}."
            raise ToolchainError(msg)
        time.sleep(0.2)


def _served(definition: Any) -> bool:
    conditions = items(definition, "status", "conditions")
    return any(dig(one, "type") == "Established" and dig(one, "status") == "True" for one in conditions)


def _tidy(etcd: str, context: ssl.SSLContext) -> None:
    """Delete what belongs to this one server, and the history."""

    def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(f"{etcd}/v3/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60, context=context) as response:
            return json.load(response)

    def key(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    for kind in _OWN:
        # `0` follows `/`, so this is all below it.
        ask("kv/deleterange", {"key": key(f"/registry/{kind}/"), "range_end": key(f"/registry/{kind}0")})
    last = ask("kv/range", {"key": key("/registry/"), "limit": 1})
    ask("kv/compaction", {"revision": last["header"]["revision"], "physical": True})
    ask("maintenance/defragment", {})


@contextmanager
def _etcd(tools: Path, layout: Layout, keys: pki.Pki, data: Path) -> Generator[str]:
    client, peer = ports.free(2)
    address, between = f"https://127.0.0.1:{client}", f"https://127.0.0.1:{peer}"
    pair, ca = keys.pair("server"), keys.authority.certificate
    command = [
        str(tools / "etcd"), "--name=rehearsal", f"--data-dir={data}", "--log-level=warn", "--unsafe-no-fsync",
        f"--listen-client-urls={address}", f"--advertise-client-urls={address}",
        f"--listen-peer-urls={between}", f"--initial-advertise-peer-urls={between}",
        f"--initial-cluster=rehearsal={between}",
        f"--cert-file={pair.certificate}", f"--key-file={pair.key}", f"--trusted-ca-file={ca}", "--client-cert-auth",
        f"--peer-cert-file={pair.certificate}", f"--peer-key-file={pair.key}", f"--peer-trusted-ca-file={ca}",
        "--peer-client-cert-auth",
    ]  # fmt: skip
    context = _trusting(keys, "etcd-client")

    def ready() -> bool:
        with urllib.request.urlopen(f"{address}/health", timeout=2, context=context) as answer:
            return answer.status == 200

    with _running(Server(name="etcd", command=tuple(command), address=address, ready=ready), layout):
        yield address


@contextmanager
def _api_server(tools: Path, layout: Layout, keys: pki.Pki, etcd: str) -> Generator[Client]:
    (port,) = ports.free(1)
    address = f"https://127.0.0.1:{port}"
    server, client = keys.pair("server"), keys.pair("etcd-client")
    ca = keys.authority.certificate
    command = [
        str(tools / "kube-apiserver"), f"--etcd-servers={etcd}", f"--etcd-cafile={ca}",
        f"--etcd-certfile={client.certificate}", f"--etcd-keyfile={client.key}",
        "--bind-address=127.0.0.1", f"--secure-port={port}", "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged=true", "--authorization-mode=RBAC", "--anonymous-auth=false", f"--client-ca-file={ca}",
        f"--tls-cert-file={server.certificate}", f"--tls-private-key-file={server.key}",
        "--service-account-issuer=https://definitions.invalid", f"--service-account-key-file={keys.service_accounts}",
        f"--service-account-signing-key-file={keys.service_accounts}",
    ]  # fmt: skip
    context = _trusting(keys, "admin")

    def ready() -> bool:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5, context=context) as answer:
            return answer.status == 200

    # Its clients are gone when it ends, and its data is elsewhere: politeness would take a minute.
    described = Server(name="kube-apiserver", command=tuple(command), address=address, ready=ready, patience=0.0)
    with _running(described, layout):
        yield Client(address, context)


def _trusting(keys: pki.Pki, who: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(keys.authority.certificate))
    pair = keys.pair(who)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


@contextmanager
def _running(server: Server, layout: Layout) -> Generator[Running]:
    running = launch(server, layout)
    try:
        _await(running, layout)
        yield running
    finally:
        if server.patience:
            running.signal(server.stop)
        else:
            running.process.kill()
        running.process.wait(timeout=30)


def _await(running: Running, layout: Layout) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if not running.alive():
            raise died(running, layout)
        try:
            if running.server.ready():
                return
        except OSError:
            pass
        time.sleep(0.1)
    log = layout.log(running.server.name)
    msg = f"{running.server.name} was not ready within {_READY_SECONDS:.0f} s. Its log ends with:\n{last_words(log)}"
    raise ServerError(msg)
