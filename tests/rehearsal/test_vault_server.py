"""The Vault plugin on a real OpenBao: what the program says is there, what somebody changes shows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.vault.client import Client
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.endpoints import Vault as VaultEndpoint
from rehearsal.plugins.standin import Place, Provider, Resource, StandInError
from rehearsal.plugins.values import Props, Secret, plain
from rehearsal.plugins.vault import Vault
from rehearsal.plugins.vault_server import VaultServer
from rehearsal.plugins.vault_ways import WAYS
from tests.openbao import Bao
from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.engine
MOUNT = "vault:index/mount:Mount"
POLICY = "vault:index/policy:Policy"
ROLE = "vault:jwt/authBackendRole:AuthBackendRole"
GROUP = "vault:ldap/authBackendGroup:AuthBackendGroup"
SECRET = "vault:kv/secretV2:SecretV2"
ADDRESS = "https://openbao.production.voorbeeld.example"


class Case:
    """One provider on one server, as the engine would use it."""

    def __init__(self, bao: Bao, root: Client, folder: Path) -> None:
        self.bao, self.root, self.folder = bao, root, folder
        (folder / "key").write_bytes(b"k" * 32)
        self.provider = self.again()

    def again(self, **config: Any) -> Provider:
        """A provider of a new run."""
        endpoint = VaultEndpoint(address=self.bao.address, token="", unseal_key="", transit="")
        Endpoints(vault=endpoint).save(self.folder)
        place = Place(self.folder, self.folder / "out", b"k" * 32)
        return Vault(place).configured({"address": ADDRESS, "token": Secret(self.root.token), **config})

    def make(self, type_: str, name: str, inputs: Props, provider: Provider | None = None) -> tuple[str, Props, Props]:
        provider = provider or self.provider
        resource = Resource(f"urn:pulumi:s::kade::{type_}::{name}", type_)
        checked = provider.checked(resource, {}, inputs)
        assert checked.failures == []
        id_, outputs = provider.create(resource, checked.inputs)
        return id_, checked.inputs, outputs

    def refresh(self, type_: str, name: str, id_: str, inputs: Props, outputs: Props) -> tuple[Props, Props] | None:
        return self.provider.read(Resource(f"urn:pulumi:s::kade::{type_}::{name}", type_), id_, inputs, outputs)

    def changes(self, type_: str, name: str, id_: str, olds: Props, news: Props) -> list[str]:
        resource = Resource(f"urn:pulumi:s::kade::{type_}::{name}", type_)
        checked = self.provider.checked(resource, olds, news)
        found = self.provider.diff(resource, id_, olds, checked.inputs)
        return sorted({str(change.path[0]) for change in found.changes})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bao, Client]]:
    bao = Bao(tmp_path_factory.mktemp("bao"))
    root = bao.open()
    for method, type_ in (("jwt-c", "jwt"), ("oidc", "oidc"), ("ldap-c", "ldap")):
        root.write(f"sys/auth/{method}", {"type": type_})
    yield bao, root
    bao.stop()


@pytest.fixture
def case(server: tuple[Bao, Client], tmp_path: Path) -> Case:
    return Case(*server, tmp_path)


def account(name: str) -> Props:
    return {
        "backend": "jwt-c", "roleName": name, "roleType": "jwt", "userClaim": "sub", "boundSubject": "x",
        "boundAudiences": ["openbao"], "tokenPolicies": ["b", "a"], "tokenTtl": 600, "tokenNoDefaultPolicy": True,
    }  # fmt: skip


EVERY: list[tuple[str, str, Props]] = [
    (MOUNT, "every-kv", {"path": "every-kv", "type": "kv-v2", "description": "Secrets."}),
    (MOUNT, "every-transit", {"path": "every-transit", "type": "transit", "maxLeaseTtlSeconds": 3600}),
    (POLICY, "every-policy", {"name": "every-policy", "policy": 'path "x/*" {\n  capabilities = ["read"]\n}\n'}),
    (ROLE, "auth/jwt-c/role/every", account("every")),
    (
        ROLE,
        "auth/oidc/role/every",
        {
            "backend": "oidc", "roleName": "every", "roleType": "oidc", "userClaim": "sub", "groupsClaim": "groups",
            "boundClaims": {"groups": "a, b"}, "allowedRedirectUris": ["http://localhost:8250/oidc/callback"],
            "oidcScopes": ["openid", "groups"], "tokenPolicies": ["w"],
        },
    ),
    (GROUP, "auth/ldap-c/groups/every", {"backend": "ldap-c", "groupname": "every", "policies": ["z", "y"]}),
    ("vault:index/authBackend:AuthBackend", "every-approle", {"type": "approle", "path": "every-approle"}),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "id_", "inputs"), EVERY, ids=[id_ for _, id_, _ in EVERY])
def test_what_is_made_is_there_unchanged_and_gone_when_deleted(case: Case, type_: str, id_: str, inputs: Props) -> None:
    made, checked, outputs = case.make(type_, "r", inputs)
    assert made == id_
    where = WAYS[type_].path(id_)
    assert case.root.read(where) is not None
    again = case.refresh(type_, "r", id_, checked, outputs)
    assert again is not None
    assert case.changes(type_, "r", id_, again[1], inputs) == []
    assert plain(again[0]) == plain(outputs)
    imported = case.refresh(type_, "r", id_, {}, {})
    assert imported is not None
    assert {key: value for key, value in plain(imported[1]).items() if key in ("name", "path", "roleName")} == {
        key: value for key, value in inputs.items() if key in ("name", "path", "roleName")
    }
    resource = Resource(f"urn:pulumi:s::kade::{type_}::r", type_)
    case.provider.delete(resource, id_, checked, outputs)
    assert case.root.read(where) is None
    assert case.refresh(type_, "r", id_, checked, outputs) is None
    case.provider.delete(resource, id_, checked, outputs)  # the engine asks again after a killed run


def test_a_hand_in_the_server_shows_and_is_undone(case: Case) -> None:
    id_, inputs, outputs = case.make(ROLE, "r", account("drift"))
    by_hand = {"token_policies": ["a", "b", "root-of-all"], "token_bound_cidrs": ["10.0.0.0/8"]}
    case.root.write(id_, {"role_type": "jwt", "user_claim": "sub", **by_hand})
    found = case.refresh(ROLE, "r", id_, inputs, outputs)
    assert found is not None
    assert case.changes(ROLE, "r", id_, found[1], inputs) == ["tokenBoundCidrs", "tokenPolicies"]
    resource = Resource(f"urn:pulumi:s::kade::{ROLE}::r", ROLE)
    case.provider.update(resource, id_, found[0], inputs)
    now = case.root.read(id_)
    assert now is not None
    assert (sorted(now["token_policies"]), now["token_bound_cidrs"]) == (["a", "b"], [])


def test_an_input_that_the_program_no_longer_gives_is_taken_back(case: Case) -> None:
    id_, inputs, outputs = case.make(ROLE, "r", {**account("less"), "tokenNumUses": 3})
    news = {key: value for key, value in inputs.items() if key != "tokenNumUses"}
    assert case.changes(ROLE, "r", id_, inputs, news) == ["tokenNumUses"]
    case.provider.update(Resource(f"urn:pulumi:s::kade::{ROLE}::r", ROLE), id_, outputs, news)
    assert (case.root.read(id_) or {})["token_num_uses"] == 0


def test_a_run_takes_up_what_a_killed_one_left_and_two_resources_do_not_share(case: Case) -> None:
    inputs = {"path": "left", "type": "kv-v2", "description": "Secrets."}
    first = case.make(MOUNT, "r", inputs)
    before = (case.root.read("sys/mounts/left") or {})["accessor"]
    second = case.make(MOUNT, "r", inputs, case.again())
    assert first[0] == second[0]
    assert (case.root.read("sys/mounts/left") or {})["accessor"] == before
    with pytest.raises(StandInError, match=r"left already exists: r of this stack made it"):
        case.make(MOUNT, "other", inputs, case.again())


def test_what_somebody_else_made_is_not_overwritten(case: Case) -> None:
    case.root.write("sys/policies/acl/foreign", {"policy": 'path "theirs/*" { capabilities = ["read"] }'})
    with pytest.raises(StandInError, match=r"foreign already exists in Vault.*differs in policy.*pulumi import"):
        case.make(POLICY, "r", {"name": "foreign", "policy": 'path "ours/*" { capabilities = ["read"] }'})
    assert "theirs" in (case.root.read("sys/policies/acl/foreign") or {})["policy"]


def test_a_secret_stays_marked_and_shows_in_no_error(case: Case) -> None:
    planted = "planted-value-of-a-secret"
    case.root.write("sys/mounts/kv", {"type": "kv-v2"})
    id_, inputs, outputs = case.make(SECRET, "r", {"mount": "kv", "name": "a", "dataJson": json.dumps({"p": planted})})
    assert isinstance(outputs["dataJson"], Secret)
    assert isinstance(outputs["data"], Secret)
    found = case.refresh(SECRET, "r", id_, inputs, outputs)
    assert found is not None
    assert planted not in repr(found) + repr(outputs)
    assert case.changes(SECRET, "r", id_, found[1], inputs) == []
    case.root.write("kv/data/a", {"data": {"p": "changed by hand"}})
    found = case.refresh(SECRET, "r", id_, inputs, outputs)
    assert found is not None
    assert "changed by hand" not in repr(found)
    assert case.changes(SECRET, "r", id_, found[1], inputs) == ["dataJson"]
    with pytest.raises(StandInError) as caught:
        case.make(SECRET, "x", {"mount": "no", "name": "a", "dataJson": json.dumps({"p": planted})})
    assert planted not in str(caught.value)


def test_a_refusal_names_the_path_and_what_gives_the_right(case: Case) -> None:
    token = case.root.write("auth/token/create", {"policies": ["default"]})["auth"]["client_token"]
    provider = case.again(token=Secret(token))
    with pytest.raises(
        StandInError, match=r"r: .*sys/policies/acl/refused: permission denied.*kade vault init"
    ) as caught:
        case.make(POLICY, "r", {"name": "refused", "policy": "x"}, provider)
    assert token not in str(caught.value)


def test_a_run_without_login_says_which_variable_is_missing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_TOKEN", "TERRAFORM_VAULT_AUTH_JWT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StandInError, match="VAULT_TOKEN"):
        case.make(POLICY, "r", {"name": "n", "policy": "x"}, case.again(token=None))
    login = json.dumps({"mount": "jwt-c", "role": "nobody"})
    with pytest.raises(StandInError, match="TERRAFORM_VAULT_AUTH_JWT"):
        case.make(POLICY, "r", {"name": "n", "policy": "x"}, case.again(token=None, authLoginJwt=login))
    monkeypatch.setenv("TERRAFORM_VAULT_AUTH_JWT", "planted.jwt.value")
    with pytest.raises(StandInError, match=r"refuses the login as role `nobody` at auth/jwt-c/login") as caught:
        case.make(POLICY, "r", {"name": "n", "policy": "x"}, case.again(token=None, authLoginJwt=login))
    assert "planted.jwt" not in str(caught.value)


def test_a_type_that_the_server_side_does_not_know_is_said(case: Case) -> None:
    with pytest.raises(StandInError, match=r"cannot make a vault:identity/group:Group.*vault_ways"):
        case.make("vault:identity/group:Group", "r", {"type": "external"})


def test_sealed_and_gone_are_one_message_each(tmp_path: Path) -> None:
    (tmp_path / "bao").mkdir()
    bao = Bao(tmp_path / "bao")
    try:
        case = Case(bao, bao.open(), tmp_path)
        case.root.write("sys/seal", {})
        with pytest.raises(StandInError, match=r"r: OpenBao at .* is sealed.*kade vault unseal"):
            case.make(POLICY, "r", {"name": "n", "policy": "x"})
        bao.unseal()
        case.make(POLICY, "r", {"name": "n", "policy": 'path "x" { capabilities = ["read"] }'})
    finally:
        bao.stop()
    provider = case.again()
    assert isinstance(provider, VaultServer)
    provider.client = dataclasses.replace(provider.client, patience=0.1)
    with pytest.raises(StandInError, match=r"Nobody answers at http://127.0.0.1:\d+ \(Connection refused\)"):
        case.make(POLICY, "r", {"name": "n", "policy": "x"}, provider)


def test_without_back_ends_it_is_the_stand_in(tmp_path: Path) -> None:
    provider = Vault(Place(tmp_path, tmp_path / "out", b"k")).configured({"address": ADDRESS})
    assert type(provider) is Vault


PROGRAM = """
import pulumi_vault as vault

va = vault.Provider("va", address="https://openbao.production.voorbeeld.example", skip_child_token=True)
engine = vault.Mount("engine", path="program-kv", type="kv-v2", description="Secrets.", opts=opts(va))
reader = vault.Policy("reader", name="program-reader", opts=opts(va),
                      policy=engine.path.apply(lambda p: f'path "{p}/data/*" {{ capabilities = ["read"] }}'))
vault.jwt.AuthBackendRole("role", backend="jwt-c", role_name="program", role_type="jwt", user_claim="sub",
                          bound_subject="x", bound_audiences=["openbao"], token_policies=[reader.name],
                          token_ttl=600, opts=opts(va))
vault.ldap.AuthBackendGroup("people", backend="ldap-c", groupname="program", policies=[reader.name], opts=opts(va))
pulumi.export("accessor", engine.accessor)
"""


def test_the_engine_makes_keeps_repairs_and_removes(
    rehearsal: Rehearsal, server: tuple[Bao, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    bao, root = server
    endpoint = VaultEndpoint(address=bao.address, token="", unseal_key="", transit="")
    Endpoints(vault=endpoint).save(rehearsal.workspace.folder)
    monkeypatch.setenv("VAULT_TOKEN", root.token)
    rehearsal.program(PROGRAM)
    first = rehearsal.up()
    assert first.code == 0, first.output
    assert rehearsal.outputs()["accessor"] == (root.read("sys/mounts/program-kv") or {})["accessor"]
    state = json.dumps(rehearsal.state())
    assert str(bao.port) not in state  # another run has another port, and nothing may change by that
    assert root.token not in state
    assert set(rehearsal.up().changes) == {"same"}
    root.write("sys/policies/acl/program-reader", {"policy": 'path "*" { capabilities = ["sudo"] }'})
    root.delete("auth/ldap-c/groups/program")
    refreshed = rehearsal.pulumi("refresh", "--yes", "--skip-preview")
    assert refreshed.code == 0, refreshed.output
    repaired = rehearsal.up()
    assert repaired.code == 0, repaired.output
    assert repaired.changes == {"same": 4, "update": 1, "create": 1}, repaired.output
    assert "program-kv/data" in (root.read("sys/policies/acl/program-reader") or {})["policy"]
    removed = rehearsal.pulumi("destroy", "--yes", "--skip-preview")
    assert removed.code == 0, removed.output
    for path in ("sys/mounts/program-kv", "sys/policies/acl/program-reader", "auth/jwt-c/role/program"):
        assert root.read(path) is None
