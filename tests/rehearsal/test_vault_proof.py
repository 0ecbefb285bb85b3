"""Secrets end to end, on a real OpenBao, a real API server and a real directory: who should read them can, others not.

The team's objects are made by the plugin with the token of the team's own runner, as its stack does.
"""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from components.services.security.external_secrets import AUDIENCE
from components.teams import vault_access as access
from operations.vault.client import Client, DeniedError, RejectedError
from operations.vault.wanted import team_stacks
from policies.sources.api import connect
from rehearsal import vault_setup
from rehearsal.backends import control
from rehearsal.backends.endpoints import Endpoints
from rehearsal.plugins.standin import Place, Resource
from rehearsal.plugins.values import Secret
from rehearsal.plugins.vault import Vault
from rehearsal.surroundings import site_of
from rehearsal.toolchain.progress import Progress
from stacks.loading import Organisation
from tests.stacks.conftest import EXAMPLE, Home

pytestmark = pytest.mark.engine
ENGINE, SPACE, APP = "web-production", "web-startpagina-production", "startpagina"
PATH = f"{ENGINE}/data/{APP}/key"
PARTS = ("kubernetes", "openbao", "directory")
ISSUER = "https://10.20.0.10:6443"


@dataclass
class World:
    """What runs, and what was prepared."""

    endpoints: Endpoints
    prepared: vault_setup.Prepared
    files: Organisation

    def anybody(self) -> Client:
        return vault_setup.client(self.endpoints).as_token("")

    def root(self) -> Client:
        return vault_setup.client(self.endpoints)

    def person(self, name: str, password: str | None = None) -> Client:
        directory = self.endpoints.directory
        assert directory is not None
        given = password or (Path(directory.people) / name).read_text()
        answer = self.anybody().write(f"auth/ldap-production/login/{name}", {"password": given}, [given])
        return self.anybody().as_token(answer["auth"]["client_token"])

    def token(self, namespace: str, account: str, audience: str) -> str:
        server = self.endpoints.kubernetes
        assert server is not None
        api = connect(Path(server.kubeconfig), None)
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        api.post(path, {"metadata": {"name": account}})
        spec = {"audiences": [audience], "expirationSeconds": 600}
        answer = api.post(f"{path}/{account}/token", {"spec": spec})
        assert answer.status == 201, answer
        return str(answer.data["status"]["token"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("proof")
    shutil.copytree(EXAMPLE, folder / "organisation")
    home = Home(folder / "organisation")
    home.edit(
        "clusters/production.yaml",
        "vault: {address: https://openbao.production.voorbeeld.example}",
        "vault:\n  address: https://openbao.production.voorbeeld.example\n  administrators: platform-beheer\n"
        "  people: {ldap: {url: ldaps://d.voorbeeld.example, userDn: ou=people, groupDn: ou=groups}}",
    )
    files, place = home.files, folder / "rehearsal"
    endpoints = control.start(place, site_of(files, "production"), Progress(), 20, PARTS)
    try:
        prepared = vault_setup.prepare(endpoints, files, "production")
        world = World(endpoints, prepared, files)
        make_team(world, place)
        yield world
    finally:
        control.down(place)


def make_team(world: World, folder: Path) -> None:
    """Make what the stack production-team-web has in Vault, with its runner's own token."""
    (stack,) = [
        one for one in team_stacks(world.files, world.files.cluster("production")) if one.stack == "production-team-web"
    ]
    assert (stack.engine, dict(stack.namespaces)) == (ENGINE, {SPACE: APP})
    place = Place(folder, folder / "out", b"k" * 32)
    login = {"address": stack.address, "token": Secret(world.prepared.tokens[stack.stack])}
    provider = Vault(place).configured(login)
    reader, writer = access.reader_name(SPACE), access.writer_name(ENGINE)
    role = {"".join(w.capitalize() if i else w for i, w in enumerate(key.split("_"))): value
            for key, value in access.account_role(SPACE, access.READER, reader).items()}  # fmt: skip
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("vault:index/mount:Mount", {"path": ENGINE, "type": "kv-v2", "description": "Secrets."}),
        ("vault:index/policy:Policy", {"name": reader, "policy": access.reader_policy(ENGINE, APP)}),
        ("vault:index/policy:Policy", {"name": writer, "policy": access.writer_policy(ENGINE)}),
        ("vault:jwt/authBackendRole:AuthBackendRole", {"backend": "jwt-production", "roleName": SPACE, **role}),
        (
            "vault:ldap/authBackendGroup:AuthBackendGroup",
            {"backend": "ldap-production", "groupname": stack.deploy_group, "policies": [writer]},
        ),
    ]
    for number, (type_, inputs) in enumerate(wanted):
        resource = Resource(f"urn:pulumi:production-team-web::kade::{type_}::{number}", type_)
        provider.create(resource, provider.checked(resource, {}, inputs).inputs)


def test_a_second_preparation_changes_nothing_but_the_password(world: World) -> None:
    again = vault_setup.prepare(world.endpoints, world.files, "production")
    assert {change.differing for change in again.changes} <= {("bindpass is written again",)}
    assert world.prepared.tokens.keys() == {"production-team-burgerzaken", "production-team-web"}
    assert world.root().token not in repr(world.prepared)


def test_a_member_of_the_team_writes_and_the_app_reads(world: World) -> None:
    world.person("web-developer").write(PATH, {"data": {"key": "of the app"}})
    app = world.anybody().login("jwt-production", SPACE, world.token(SPACE, access.READER, AUDIENCE))
    found = app.read(PATH) or {}
    assert found["data"] == {"key": "of the app"}
    for forbidden in (f"{ENGINE}/data/another/key", "services/data/cert-manager/dns-update", "sys/mounts"):
        with pytest.raises(DeniedError):
            app.read(forbidden)
    with pytest.raises(DeniedError):
        app.write(PATH, {"data": {"key": "changed"}})


@pytest.mark.parametrize(
    ("namespace", "account", "audience", "why"),
    [
        ("burgerzaken-openzaak-production", access.READER, AUDIENCE, "another namespace"),
        (SPACE, "default", AUDIENCE, "another account of the namespace"),
        (SPACE, access.READER, ISSUER, "a token for the API server"),
    ],
)
def test_no_other_account_gets_in(world: World, namespace: str, account: str, audience: str, why: str) -> None:
    token = world.token(namespace, account, audience)
    with pytest.raises(DeniedError, match=r"refuses the login as role") as caught:
        world.anybody().login("jwt-production", SPACE, token)
    assert token not in str(caught.value), why


def test_a_token_that_another_cluster_signed_does_not_get_in(world: World) -> None:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    key, now = rsa.generate_private_key(public_exponent=65537, key_size=2048), int(time.time())
    claims = {"iss": ISSUER, "aud": [AUDIENCE], "sub": f"system:serviceaccount:{SPACE}:{access.READER}",
              "iat": now, "nbf": now, "exp": now + 600}  # fmt: skip
    text = f"{part(json.dumps({'alg': 'RS256', 'typ': 'JWT'}).encode())}.{part(json.dumps(claims).encode())}"
    forged = f"{text}.{part(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
    with pytest.raises(DeniedError, match="signature"):
        world.anybody().login("jwt-production", SPACE, forged)


@pytest.mark.parametrize("name", ["web-reader", "burgerzaken-developer", "outsider"])
def test_who_is_not_of_the_teams_group_signs_in_and_reaches_nothing(world: World, name: str) -> None:
    somebody = world.person(name)
    with pytest.raises(DeniedError):
        somebody.read(PATH)
    with pytest.raises(DeniedError):
        somebody.write(PATH, {"data": {"key": "x"}})


def test_a_wrong_password_is_refused_and_not_repeated(world: World) -> None:
    with pytest.raises((RejectedError, DeniedError)) as caught:
        world.person("web-developer", "planted-wrong-password")
    assert "planted-wrong-password" not in str(caught.value)
