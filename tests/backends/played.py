"""A rehearsal's API server with what is played in it, and the delivery of one cluster's services and one team."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hvac
import yaml

from rehearsal.backends import gitops
from rehearsal.backends.api import ApiError, Client, Object, connect, dig, items
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.gitops import SyncResult
from rehearsal.backends.pki import Authority
from tests.conftest import Built

SERVICES = "production-services"
TEAM = "production-team-burgerzaken"
NAMESPACE = "burgerzaken-openzaak-production"
ISSUER = "https://10.20.0.10:6443"
PATIENCE = 120.0


@dataclass
class Played:
    """The running back ends, and what was delivered into them."""

    endpoints: Endpoints
    folder: Path
    """Where stacks are rendered."""
    rehearsal: Path
    results: dict[str, SyncResult] = field(default_factory=dict[str, SyncResult])

    @property
    def client(self) -> Client:
        assert self.endpoints.kubernetes is not None
        return connect(Path(self.endpoints.kubernetes.kubeconfig))

    @property
    def bao(self) -> hvac.Client:
        server = self.endpoints.vault
        assert server is not None
        return hvac.Client(url=server.address, token=Path(server.token).read_text(), verify=server.ca)

    def apply(self, *manifests: Object) -> None:
        for manifest in manifests:
            self.client.apply(self.client.path_of(manifest), manifest, "pulumi")

    def get(self, api: str, kind: str, namespace: str | None, name: str) -> Object:
        return self.client.get(self.client.kind(api, kind).path(namespace, name))

    def there(self, api: str, kind: str, namespace: str | None, name: str) -> bool:
        try:
            self.get(api, kind, namespace, name)
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    def sync(self, stack: str, *, seconds: float = PATIENCE) -> SyncResult:
        return gitops.sync(self.folder / stack, self.endpoints, stack, seconds=seconds)


def until(holds: Callable[[], Any], what: str) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        if found := holds():
            return found
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.3)


def objects(built: Built, *, rendered: bool) -> list[Object]:
    """Return the objects of a stack that Pulumi applies, or those that it renders for the GitOps engine."""
    return [
        one.inputs
        for one in built.resources.values()
        if one.type.startswith("kubernetes:") and "kind" in one.inputs and ("-rendered" in one.provider) == rendered
    ]


def render(folder: Path, manifests: list[Object]) -> None:
    folder.mkdir(parents=True)
    for one in manifests:
        name = "-".join(
            str(dig(one, *path) or "none") for path in (("kind",), ("metadata", "namespace"), ("metadata", "name"))
        )
        (folder / f"{name.lower()}.yaml").write_text(yaml.safe_dump(one))


def open_vault(played: Played, team_engine: str) -> None:
    """Do what `kade vault init` and a team's stack do, as far as reading goes."""
    bao, kubernetes = played.bao, played.endpoints.kubernetes
    assert kubernetes is not None
    bao.sys.enable_auth_method("jwt", path="jwt-production")
    authority = Path(kubernetes.ca).read_text()
    bao.auth.jwt.configure(
        oidc_discovery_url=ISSUER, oidc_discovery_ca_pem=authority, bound_issuer=ISSUER, path="jwt-production"
    )
    for engine, role, account in (
        ("services", "services", "external-secrets:external-secrets"),
        (team_engine, NAMESPACE, f"{NAMESPACE}:secret-reader"),
    ):
        bao.sys.enable_secrets_engine("kv", path=engine, options={"version": "2"})
        bao.sys.create_or_update_policy(role, f'path "{engine}/data/*" {{ capabilities = ["read"] }}')
        bao.auth.jwt.create_role(
            name=role, role_type="jwt", user_claim="sub", bound_subject=f"system:serviceaccount:{account}",
            bound_audiences=["openbao"], token_policies=[role], allowed_redirect_uris=[], path="jwt-production",
        )  # fmt: skip


def node(name: str, zone: str) -> Object:
    capacity = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
    status = {
        "capacity": capacity,
        "allocatable": capacity,
        "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": "10.20.0.21"}],
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def message(thing: Object, type_: str = "Ready") -> tuple[str, str]:
    """Return status and message of a condition; empty where there is none of that type."""
    found = [one for one in items(thing, "status", "conditions") if dig(one, "type") == type_]
    return (str(dig(found[0], "status")), str(dig(found[0], "message"))) if found else ("", "")


def as_node(played: Played, name: str) -> Client:
    """Return a client with the certificate of a node, signed by the rehearsal's authority."""
    kubernetes = played.endpoints.kubernetes
    assert kubernetes is not None
    folder = Path(kubernetes.ca).parent
    own = Authority(Path(kubernetes.ca), Path(kubernetes.ca_key))
    pair = own.issue(folder / name, f"system:node:{name}", "system:nodes")
    context = ssl.create_default_context(cafile=kubernetes.ca)
    context.load_cert_chain(pair.certificate, pair.key)
    return Client(kubernetes.server, context)


def present(played: Played, stack: str) -> list[Object]:
    """Return what is there of a rendered folder."""
    rendered = [one.manifest for one in gitops.load(played.folder / stack)]
    places = [
        (one["apiVersion"], one["kind"], dig(one, "metadata", "namespace"), one["metadata"]["name"]) for one in rendered
    ]
    return [played.get(*place) for place in places if played.there(*place)]
