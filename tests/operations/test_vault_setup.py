"""`kade vault init` against a real OpenBao: from nothing to ready, and never a secret in the clear."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from typer.testing import CliRunner

from cli import vault as command
from inputs.faults import FaultsError
from operations.vault import keys, setup
from operations.vault.client import Client, DeniedError, GoneError, VaultError
from operations.vault.wanted import Trust
from stacks.loading import organisation
from tests.openbao import Bao
from tests.stacks.conftest import Home

pytestmark = pytest.mark.engine
AGE: Any = pyrage
HOLDERS = ("anna", "bert", "cees")
FILE = "clusters/production.yaml"
VAULT = "vault: {address: https://openbao.production.voorbeeld.example}"
DIRECTORY = "people: {ldap: {url: ldaps://d.voorbeeld.example, userDn: ou=p, groupDn: ou=g, bindDn: cn=k}}"


def public_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


KEY = public_key()


class Case:
    """An organisation with three holders, its empty OpenBao, and what was said."""

    def __init__(self, home: Home, bao: Bao, folder: Path) -> None:
        self.home, self.bao, self.folder = home, bao, folder / "keys"
        self.own = [AGE.x25519.Identity.generate() for _ in HOLDERS]
        holders = ", ".join(f"{name}: {own.to_public()}" for name, own in zip(HOLDERS, self.own, strict=True))
        lines = (
            "vault:", "  address: https://openbao.production.voorbeeld.example", "  administrators: platform-beheer",
            f"  {DIRECTORY}", f"  keys: {{holders: {{{holders}}}, threshold: 2}}",
        )  # fmt: skip
        home.edit(FILE, VAULT, "\n".join(lines))
        self.said: list[str] = []

    def run(self, **changes: Any) -> setup.Outcome:
        files = self.home.files
        request = setup.Request(
            organisation=files, cluster=files.cluster("production"), trust=Trust(keys=(KEY,)), client=self.bao.client,
            folder=self.folder,
        )  # fmt: skip
        return setup.run(dataclasses.replace(request, **changes), self.said.append)

    def root(self) -> Client:
        token = keys.root_token(self.folder, self.own[:1])
        assert token is not None
        return self.bao.client.as_token(token)


@pytest.fixture
def case(home: Home, bao: Bao, tmp_path: Path) -> Case:
    return Case(home, bao, tmp_path)


def test_from_nothing_to_ready_and_the_second_time_nothing(case: Case) -> None:
    planned = case.run(dry_run=True)
    assert not case.folder.exists()
    assert keys.status(case.bao.client).initialised is False
    first = case.run(keep_root=True)
    assert [change.path for change in first.changes] == [change.path for change in planned.changes]
    assert len(first.changes) > 10
    assert case.run(identities=case.own[:1], keep_root=True).changes == ()
    assert case.run(identities=case.own[:1], dry_run=True).changes == ()
    root = case.root()
    assert {path.rstrip("/") for path in root.read("sys/auth") or {}} >= {"jwt-production", "ldap", "ldap-production"}
    assert (root.read("auth/jwt-production/config") or {})["bound_issuer"] == "https://10.20.0.10:6443"
    assert "case sensitive" not in " ".join(case.said)
    done = case.run(identities=case.own[:1])
    assert "root token revoked" in case.said
    assert done.remarks
    assert not (case.folder / keys.ROOT_TOKEN).exists()
    with pytest.raises(DeniedError):
        root.read("sys/auth")
    with pytest.raises(DeniedError, match="VAULT_TOKEN"):
        case.run(identities=case.own)


def test_shares_are_for_their_holders_alone_and_stand_nowhere_in_the_clear(case: Case) -> None:
    case.run(keep_root=True)
    files = sorted(case.folder.iterdir())
    assert [file.name for file in files] == ["anna.age", "bert.age", "cees.age", "root-token.age"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    opened = [keys.shares(case.folder, [own]) for own in case.own]
    assert [list(shares) for shares in opened] == [["anna"], ["bert"], ["cees"]]
    secret = [*(share for shares in opened for share in shares.values()), case.root().token]
    everything = "\n".join(case.said) + "".join(file.read_bytes().decode("latin-1") for file in files)
    everything += (case.bao.folder / "log").read_text() + json.dumps(case.bao.audited())
    assert len(secret) == 4
    assert [text for text in secret if text in everything] == []


def test_a_sealed_one_opens_with_enough_of_its_own_shares_only(case: Case, tmp_path: Path) -> None:
    case.run(keep_root=True)
    case.root().write("sys/seal", {})
    with pytest.raises(FaultsError, match=r"2 shares unseal this Vault.*open 1 \(anna\).*--identity"):
        case.run(identities=case.own[:1])
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    for name, own in zip(HOLDERS[:2], case.own[:2], strict=True):
        share = keys.shares(case.folder, [own])[name]
        wrong = ("A" if share[0] != "A" else "B") + share[1:]
        (stranger / f"{name}.age").write_bytes(AGE.encrypt(wrong.encode(), [own.to_public()]))
    with pytest.raises(FaultsError, match="some are of another one"):
        case.run(identities=case.own[:2], folder=stranger)
    assert keys.status(case.bao.client).sealed
    assert "sealed" in " ".join(case.run(identities=case.own[:2], dry_run=True).remarks)
    assert case.run(identities=case.own[:2], keep_root=True).changes == ()


def test_holders_may_come_one_after_another(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case.run(keep_root=True)
    case.root().write("sys/seal", {})
    monkeypatch.setenv("KADE_HOME", str(case.home.root))
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    organisation.cache_clear()
    try:
        said: list[str] = []
        for name, own in zip(HOLDERS[:2], case.own[:2], strict=True):
            file = tmp_path / name
            file.write_text(f"# of {name}\n{own}\n")
            file.chmod(0o600)
            arguments = ["unseal", "production", "--address", case.bao.address, "--keys", str(case.folder)]
            done = CliRunner().invoke(command.app, [*arguments, "--identity", str(file)])
            assert done.exit_code == 0, done.output
            said.append(done.output.strip())
        assert said == ["1 of 2 shares; 1 more are needed.", "Unsealed."]
        (tmp_path / "anna").chmod(0o644)
        with pytest.raises(FaultsError, match="others than its owner can read it"):
            keys.identities([tmp_path / "anna"])
    finally:
        organisation.cache_clear()


def test_keys_that_cannot_be_kept_are_never_made(case: Case) -> None:
    case.folder.mkdir()
    (case.folder / "bert.age").write_text("of another Vault")
    with pytest.raises(FaultsError, match="keys of an earlier Vault lie here"):
        case.run()
    assert sorted(file.name for file in case.folder.iterdir()) == ["bert.age"]
    assert keys.status(case.bao.client).initialised is False


def test_a_vault_that_nobody_would_hold_the_keys_of_is_not_initialised(home: Home, bao: Bao, tmp_path: Path) -> None:
    files = home.files
    request = setup.Request(
        organisation=files, cluster=files.cluster("production"), trust=Trust(keys=(KEY,)), client=bao.client,
        folder=tmp_path / "keys",
    )  # fmt: skip
    with pytest.raises(FaultsError, match=r"nobody is named who would hold its keys.*age-keygen"):
        setup.run(request, lambda _: None)


def test_a_hand_in_it_is_found_and_undone_and_a_team_that_left_loses_its_runner(case: Case) -> None:
    case.run(keep_root=True)
    root = case.root()
    root.write("auth/jwt-production/role/services", {"role_type": "jwt", "user_claim": "sub", "bound_subject": "x"})
    root.write("sys/policies/acl/runner-production-team-gone", {"policy": 'path "x" { capabilities = ["read"] }'})
    changes = [str(change) for change in case.run(identities=case.own[:1], keep_root=True).changes]
    assert [change.split(":")[0] for change in changes] == [
        "change auth/jwt-production/role/services (bound_subject)",
        "remove sys/policies/acl/runner-production-team-gone",
    ]
    assert case.run(identities=case.own[:1], keep_root=True).changes == ()


def test_a_password_is_written_and_never_shown(case: Case) -> None:
    from operations.vault.wanted import Secrets

    case.run(keep_root=True, secrets=Secrets(ldap_password="planted-password"))
    assert "planted-password" not in "\n".join(case.said)
    assert "planted-password" not in repr(Secrets(ldap_password="planted-password"))
    again = case.run(identities=case.own[:1], keep_root=True, secrets=Secrets(ldap_password="planted-password"))
    assert {change.differing for change in again.changes} == {("bindpass is written again",)}


def test_an_engine_of_another_type_stops_the_work(case: Case) -> None:
    case.run(keep_root=True)
    root = case.root()
    root.delete("sys/mounts/services")
    root.write("sys/mounts/services", {"type": "transit"})
    with pytest.raises(VaultError, match=r"sys/mounts/services is of type transit, not kv-v2"):
        case.run(identities=case.own[:1], keep_root=True)


def test_without_audit_people_are_told(home: Home, tmp_path: Path) -> None:
    (tmp_path / "bao").mkdir()
    bao = Bao(tmp_path / "bao", audit=False)
    try:
        outcome = Case(home, bao, tmp_path).run(keep_root=True)
        assert setup.AUDIT in outcome.remarks
    finally:
        bao.stop()


def test_nobody_home_is_one_message(case: Case) -> None:
    nobody = Client("http://127.0.0.1:9", proxies=False, patience=0.1)
    with pytest.raises(GoneError, match=r"Nobody answers at http://127.0.0.1:9"):
        case.run(client=nobody)
