"""What is tried on the running back ends, each by a client of its own: neither the engine nor a plugin is asked."""

from __future__ import annotations

import json
import secrets
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from components.services.security.external_secrets import AUDIENCE
from components.teams.vault_access import READER
from rehearsal.backends import api
from rehearsal.backends.endpoints import Endpoints, Vault
from rehearsal.report import Proof
from stacks.apps import namespace_name
from stacks.handles import nodes as declared_nodes
from stacks.loading import organisation

TIMEOUT = 10.0
REFUSALS = (400, 403)
"""How OpenBao refuses a login: what the token claims does not fit the role, or it is not allowed."""


def prove(environment: str, endpoints: Endpoints) -> tuple[Proof, ...]:
    """Try everything that can be tried with the back ends that run."""
    return tuple(_proofs(environment, endpoints))


def _proofs(environment: str, endpoints: Endpoints) -> Iterator[Proof]:
    if endpoints.kubernetes is None:
        return
    client = api.connect(Path(endpoints.kubernetes.kubeconfig))
    yield _nodes(environment, client, endpoints)
    if endpoints.vault is not None:
        yield from _secrets(environment, client, endpoints.vault)


def _nodes(environment: str, client: api.Client, endpoints: Endpoints) -> Proof:
    """Compare three lists that should be one: the files, the virtual machines, the nodes."""
    files = organisation()
    declared = {node.name for node in declared_nodes(files.cluster(files.environment(environment).cluster))}
    nodes = {str(api.dig(one, "metadata", "name")) for one in api.items(client.get("/api/v1/nodes"), "items")}
    machines = declared
    if endpoints.vcenter is not None:
        from rehearsal.backends.vcenter import session

        vcenter = session(endpoints.vcenter, endpoints.vcenter.server)
        found = vcenter.named(vcenter.content.rootFolder, "VirtualMachine", ("name", "runtime.powerState"))
        machines = {str(known["name"]) for _, known in found if known.get("runtime.powerState") == "poweredOn"}
    same = declared == nodes == machines
    seen = f"{len(declared)} declared, {len(machines)} machines on in vCenter, {len(nodes)} nodes in the API server"
    odd = sorted((declared ^ nodes) | (declared ^ machines))
    return Proof(
        what="files, vCenter and API server name the same machines", held=same,
        seen=seen if same else f"{seen}; not everywhere: {', '.join(odd[:5])}",
    )  # fmt: skip


def _secrets(environment: str, client: api.Client, vault: Vault) -> Iterator[Proof]:
    """Write a secret for one app; its service account reads it, that of another namespace does not."""
    files = organisation()
    cluster = files.environment(environment).cluster
    if files.cluster(cluster).vault is None:
        return
    own = next(((team, app) for team, apps in files.teams(environment) for app in apps), None)
    if own is None:
        return
    team, app = own
    namespace = namespace_name(team, app, files.environment(environment))
    engine, path = f"{team.name}-{environment}", f"{app.name}/rehearsal"
    bao = OpenBao(vault)
    value = secrets.token_urlsafe(16)
    root = Path(vault.token).read_text(encoding="utf-8").strip()
    bao.ask("POST", f"{engine}/data/{path}", root, {"data": {"value": value}})
    try:
        _, token = bao.login(f"jwt-{cluster}", namespace, _jwt(client, namespace, READER))
        status, answer = bao.ask("GET", f"{engine}/data/{path}", token)
        read = api.dig(answer, "data", "data", "value") == value
        yield Proof(
            what=f"the service account of {namespace} reads its secret in OpenBao", held=read,
            seen="read back as written" if read else f"OpenBao answered {status}",
        )  # fmt: skip
        status, _ = bao.ask("GET", f"{engine}/data/another/rehearsal", token)
        yield Proof(
            what="the same account asks for another app's secret", held=status == 403, seen=f"OpenBao answered {status}"
        )
        status, other = bao.login(f"jwt-{cluster}", namespace, _jwt(client, "default", "default"))
        yield Proof(
            what="an account of another namespace asks for the same login",
            # A login that lets nobody in would refuse this one as well.
            held=other is None and token is not None and status in REFUSALS,
            seen="it was let in" if other is not None else f"OpenBao answered {status}",
        )
    finally:
        bao.ask("DELETE", f"{engine}/metadata/{path}", root)


def _jwt(client: api.Client, namespace: str, account: str) -> str:
    """Return a token that the API server makes for a service account, for OpenBao alone."""
    request = {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"audiences": [AUDIENCE], "expirationSeconds": 600},
    }  # fmt: skip
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    return str(api.dig(client.create(path, request), "status", "token"))


class OpenBao:
    """OpenBao over its HTTP interface."""

    def __init__(self, vault: Vault) -> None:
        """Trust the rehearsal's authority only."""
        self._address = vault.address
        self._context = ssl.create_default_context(cafile=vault.ca) if vault.ca else None

    def ask(
        self, method: str, path: str, token: str | None, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer."""
        request = urllib.request.Request(
            f"{self._address}/v1/{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Token": token} if token else {},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT, context=self._context) as answer:
                text = answer.read()
                return answer.status, cast("dict[str, Any]", json.loads(text)) if text else {}
        except urllib.error.HTTPError as error:
            return error.code, {}
        except (urllib.error.URLError, TimeoutError):
            return 0, {}  # nobody answers, so nothing is proven

    def login(self, method: str, role: str, jwt: str) -> tuple[int, str | None]:
        """Return the status of a login and its token; `None` where there is none."""
        status, answer = self.ask("POST", f"auth/{method}/login", None, {"role": role, "jwt": jwt})
        return status, str(api.dig(answer, "auth", "client_token")) if status == 200 else None
