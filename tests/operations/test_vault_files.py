"""What the organisation's files ask of Vault, and what is refused before anybody asks Vault."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typer.testing import CliRunner

from cli import vault as command
from inputs.faults import FaultsError
from operations.vault import runner, wanted
from operations.vault.client import Client
from operations.vault.compare import same
from operations.vault.wanted import Secrets, Trust
from rehearsal.plugins.vault_ways import WAYS
from stacks.loading import PROJECT, organisation
from tests.stacks.conftest import Home, faults_of

FILE = "clusters/production.yaml"
VAULT = "vault: {address: https://openbao.production.voorbeeld.example}"
KEY = "age1" + "q" * 58


def asked(home: Home, cluster: str) -> dict[str, wanted.Wanted]:
    files = home.files
    return {one.path: one for one in wanted.wanted(files, files.cluster(cluster), Trust(keys=("key",)), Secrets())}


def with_vault(home: Home, *lines: str, cluster: str = "production") -> None:
    address = f"vault: {{address: https://openbao.{cluster}.voorbeeld.example}}"
    own = f"  address: https://openbao.{cluster}.voorbeeld.example"
    home.edit(f"clusters/{cluster}.yaml", address, "\n".join(["vault:", own, *lines]))


LDAP = "  people: {ldap: {url: ldaps://d.voorbeeld.example, userDn: ou=p, groupDn: ou=g}}"


def test_methods_come_before_what_hangs_on_them(home: Home) -> None:
    with_vault(home, LDAP, "  administrators: platform-beheer", cluster="shared")
    paths = list(asked(home, "shared"))
    for index, path in enumerate(paths):
        if path.startswith("auth/"):
            assert f"sys/auth/{path.split('/')[1]}" in paths[:index], path
    assert {"sys/auth/ldap", "sys/auth/ldap-test", "sys/auth/ldap-acceptance"} <= set(paths)


def test_service_accounts_are_known_by_keys_or_by_asking_and_never_by_both(home: Home) -> None:
    files = home.files
    bodies = {
        trust: wanted.wanted(files, files.cluster("production"), trust, Secrets())[1].body
        for trust in (Trust(keys=("key",)), Trust(ca="authority"))
    }
    keys, discovery = bodies.values()
    assert (keys["jwt_validation_pubkeys"], keys["oidc_discovery_url"]) == (["key"], "")
    assert (discovery["jwt_validation_pubkeys"], discovery["oidc_discovery_url"]) == ([], "https://10.20.0.10:6443")
    assert {body["bound_issuer"] for body in bodies.values()} == {"https://10.20.0.10:6443"}


def test_runners_of_ci_get_the_policy_of_the_stack_that_their_token_names(home: Home) -> None:
    claims = "{issuer: https://git.voorbeeld.example, claims: {project_path: platform/kade}}"
    with_vault(home, f"  runners: {claims}")
    role = asked(home, "production")["auth/jwt/role/production-team-web"].body
    assert role["token_policies"] == ["runner-production-team-web"]
    assert role["bound_claims"] == {"project_path": "platform/kade", "environment": "production-team-web"}
    assert role["bound_audiences"] == ["openbao"]


def test_no_runner_may_write_its_own_bounds(home: Home) -> None:
    files = home.files
    for cluster in files.cluster_names():
        for team in wanted.team_stacks(files, files.cluster(cluster)):
            text = runner.policy(team)
            assert team.policy not in text
            assert f"{team.engine}/data" not in text.replace(f'path \\"{team.engine}/data', "")


@pytest.mark.parametrize(
    ("lines", "key", "said"),
    [
        (["  people: {ldap: {url: ldap://d.example, userDn: u, groupDn: g}}"], "vault.people.ldap.url", "in clear"),
        (["  people: {ldap: {url: ldaps://d.example, startTls: true, userDn: u, groupDn: g}}"],
         "vault.people.ldap.startTls", "encrypted from the start"),
        ([f"  keys: {{holders: {{anna: {KEY}}}, threshold: 2}}"], "vault.keys.threshold", "2 holders are needed"),
        ([f"  keys: {{holders: {{anna: {KEY}, bert: {KEY[:-1]}p}}, threshold: 1}}"], "vault.keys.threshold", "alone"),
        ([f"  keys: {{holders: {{anna: {KEY}, bert: {KEY}}}, threshold: 2}}"], "vault.keys.holders", "same key"),
        (["  keys: {holders: {anna: AGE-SECRET-KEY-1PLANTED}, threshold: 1}"], "vault.keys.holders.anna", "wrong"),
        (["  runners: {issuer: https://g.example, claims: {environment: x}}"],
         "vault.runners.claims.environment", "differs for each"),
        (["  runners: {issuer: https://g.example, claims: {}}"], "vault.runners.claims", "at least 1"),
    ],
)  # fmt: skip
def test_what_is_unsafe_or_impossible_is_a_fault_with_its_line(
    home: Home, lines: list[str], key: str, said: str
) -> None:
    with_vault(home, *lines)
    (fault,) = faults_of(lambda: home.files.cluster("production"))
    assert (fault.key, fault.line > 0) == (key, True)
    assert said in fault.what
    assert "PLANTED" not in str(fault)


def test_two_teams_cannot_have_one_group_of_a_directory(home: Home) -> None:
    with_vault(home, LDAP)
    group = home.files.team("burgerzaken").groups.deploy
    home.edit("teams/web/team.yaml", "deploy: webteam", f"deploy: {group.upper()}")
    (fault,) = faults_of(lambda: asked(home, "production"))
    assert "deploys for production-team-burgerzaken too" in fault.what


def test_a_group_that_means_something_in_a_path_is_refused(home: Home) -> None:
    with_vault(home, LDAP)
    home.edit("teams/web/team.yaml", "deploy: webteam", "deploy: web*")
    (fault,) = faults_of(lambda: asked(home, "production"))
    assert "`web*`" in fault.what


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        (600, "600", True), ("10m", 600, True), (["b", "a"], ["a", "b"], True), (["a"], ["a", "b"], False),
        (None, [], True), ("", None, True), (False, None, True), (True, False, False), ({"a": "b"}, {"a": "c"}, False),
        ({"a": ["x"]}, {"a": ["x"]}, True), ({}, None, True), ({"a": "b"}, None, False), ("0", 0, True),
        ("x", "", False),
    ],
)  # fmt: skip
def test_vaults_way_to_say_the_same_is_no_difference(ours: Any, theirs: Any, equal: bool) -> None:
    assert same(ours, theirs) is equal
    assert same(theirs, ours) is equal


def test_public_keys_of_each_kind_are_read_and_another_kind_is_refused() -> None:
    def text(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()

    first = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key().public_numbers()
    second = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    keys = [
        {"kty": "RSA", "n": text(first.n), "e": text(first.e)},
        {"kty": "EC", "crv": "P-256", "x": text(second.x), "y": text(second.y)},
    ]
    assert [key.startswith("-----BEGIN PUBLIC KEY-----") for key in wanted.keys_of({"keys": keys})] == [True, True]
    for wrong in ({"keys": []}, {"keys": [{"kty": "OKP"}]}, {}):
        with pytest.raises(ValueError, match="key"):
            wanted.keys_of(wrong)


def test_a_client_and_what_it_is_given_never_show_a_secret() -> None:
    assert "planted" not in repr(Client("https://v.example", "planted")) + repr(Secrets(oidc_client="planted"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init", "prodction"], r"no such cluster. Did you mean `production`"),
        (["init", "production", "--kubeconfig", "nowhere.yaml"], r"nowhere.yaml: the file does not exist"),
        (["init", "production", "--discovery"], r"--issuer-ca: the authority .* is not named"),
        (["unseal", "production", "--address", "http://openbao.example"], r"cross the network in clear"),
        (["unseal", "production", "--ca", "nowhere.pem"], r"nowhere.pem: there is no such file"),
        (["unseal", "production", "--identity", "nowhere.txt"], r"nowhere.txt: it cannot be read"),
    ],
)
def test_bad_input_is_one_clear_fault(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(command.app, arguments)
    assert isinstance(result.exception, FaultsError)
    assert len(result.exception.faults) == 1
    with pytest.raises(FaultsError, match=said):
        raise result.exception


def test_a_cluster_without_vault_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.edit(FILE, VAULT + "\n", "")
    monkeypatch.setenv("KADE_HOME", str(home.root))
    organisation.cache_clear()
    try:
        result = CliRunner().invoke(command.app, ["init", "production"])
        assert "the cluster has no Vault" in str(result.exception)
    finally:
        organisation.cache_clear()


def test_every_type_that_the_program_uses_reaches_a_real_server() -> None:
    golden = sorted((PROJECT / "tests" / "stacks" / "golden").glob("*.txt"))
    lines = [line.split("::") for file in golden for line in file.read_text().splitlines()]
    used = {parts[2].rsplit("$", 1)[-1] for parts in lines if len(parts) > 3}
    found = {token for token in used if token.startswith("vault:")}
    assert len(found) >= 3
    assert found <= set(WAYS)
    assert "vault:ldap/authBackendGroup:AuthBackendGroup" in WAYS


def test_keys_of_others_are_not_taken(tmp_path: Path) -> None:
    from operations.vault import keys

    file = tmp_path / "identity"
    file.write_text("not a key\n")
    file.chmod(0o600)
    with pytest.raises(FaultsError, match="it holds no private key of age"):
        keys.identities([file])
