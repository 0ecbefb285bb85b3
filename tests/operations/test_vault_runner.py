"""What a team's runner may do in a real OpenBao: exactly what its stack makes, and nothing that leads further."""

from __future__ import annotations

from typing import Any

import pytest

from components.teams import vault_access as access
from operations.vault import runner
from operations.vault.client import Client, DeniedError
from operations.vault.wanted import team_stacks
from stacks.loading import organisation

pytestmark = pytest.mark.engine
WEB, OTHER = "web-production", "burgerzaken-production"
SPACE = "web-startpagina-production"


@pytest.fixture(scope="module")
def team(root: Client) -> Client:
    """The runner of the stack production-team-web, beside another team's engine with a secret in it."""
    for method, type_ in (("jwt-production", "jwt"), ("oidc", "oidc")):
        root.write(f"sys/auth/{method}", {"type": type_})
    root.write(f"sys/mounts/{OTHER}", {"type": "kv-v2"})
    root.write(f"{OTHER}/data/openzaak/key", {"data": {"key": "of the other team"}})
    files = organisation()
    stacks = {one.stack: one for one in team_stacks(files, files.cluster("production"))}
    own = stacks["production-team-web"]
    for one in stacks.values():
        root.write(f"sys/policies/acl/{one.policy}", {"policy": runner.policy(one)})
    token = root.write("auth/token/create", {"policies": [own.policy]})["auth"]["client_token"]
    return root.as_token(token)


def role(**changes: Any) -> dict[str, Any]:
    return access.account_role(SPACE, access.READER, access.reader_name(SPACE)) | changes


def people(**changes: Any) -> dict[str, Any]:
    address = "https://openbao.production.voorbeeld.example"
    return access.people_role("webteam", access.writer_name(WEB), address, "oidc") | changes


def test_it_makes_what_its_stack_makes_and_changes_lifetimes(team: Client) -> None:
    team.write(f"sys/mounts/{WEB}", {"type": "kv-v2", "description": "Secrets of team web in production."})
    team.write(f"sys/mounts/{WEB}/tune", {"description": "Secrets."})
    team.write(f"sys/policies/acl/{SPACE}-reader", {"policy": access.reader_policy(WEB, "startpagina")})
    team.write(f"sys/policies/acl/{WEB}-writer", {"policy": access.writer_policy(WEB)})
    team.write(f"auth/jwt-production/role/{SPACE}", role(token_ttl=300))
    team.write(f"auth/oidc/role/{WEB}", people())
    # The official provider splits a claim into a list.
    team.write(f"auth/oidc/role/{WEB}", people(bound_claims={"groups": ["webteam"]}))
    assert (team.read(f"sys/mounts/{WEB}") or {})["type"] == "kv"
    assert (team.read(f"auth/jwt-production/role/{SPACE}") or {})["token_ttl"] == 300


ROOT_TEXT = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("another team's engine", f"sys/mounts/{OTHER}/tune", {"description": "mine"}),
    ("an engine of another type", f"sys/mounts/{WEB}", {"type": "transit"}),
    ("an engine under another name", "sys/mounts/web-other", {"type": "kv-v2"}),
    ("another team's secrets, to write", f"{OTHER}/data/openzaak/key", {"data": {"key": "x"}}),
    ("its own secrets, to write", f"{WEB}/data/startpagina/key", {"data": {"key": "x"}}),
    ("its policy with another text", f"sys/policies/acl/{WEB}-writer", {"policy": ROOT_TEXT}),
    ("its policy with text added", f"sys/policies/acl/{WEB}-writer", {"policy": access.writer_policy(WEB) + ROOT_TEXT}),
    ("its policy by its older path", f"sys/policy/{WEB}-writer", {"policy": access.writer_policy(WEB)}),
    ("a new policy of its name", "sys/policies/acl/web-more", {"policy": ROOT_TEXT}),
    ("its own bounds", "sys/policies/acl/runner-production-team-web", {"policy": ROOT_TEXT}),
    ("another team's policy", f"sys/policies/acl/{OTHER}-writer", {"policy": access.writer_policy(OTHER)}),
    ("a role with more policies", f"auth/jwt-production/role/{SPACE}", role(token_policies=["root"])),
    ("a role with a policy added", f"auth/jwt-production/role/{SPACE}",
     role(token_policies=[access.reader_name(SPACE), "vault-operator"])),
    ("a role by the older parameter", f"auth/jwt-production/role/{SPACE}", role(policies=["vault-operator"])),
    ("a role with policies from claims", f"auth/jwt-production/role/{SPACE}",
     role(token_policies_template_claims=True)),
    ("a role for another account", f"auth/jwt-production/role/{SPACE}", role(bound_subject="system:anyone")),
    ("a role for any audience", f"auth/jwt-production/role/{SPACE}", role(bound_audiences=["kubernetes"])),
    ("a role of another name", "auth/jwt-production/role/web-more", role()),
    ("people of another group", f"auth/oidc/role/{WEB}", people(bound_claims={"groups": "everybody"})),
    ("people with another policy", f"auth/oidc/role/{WEB}", people(token_policies=["vault-operator"])),
    ("a method of its own", "sys/auth/userpass", {"type": "userpass"}),
    ("trust in its own tokens", "auth/jwt-production/config", {"oidc_discovery_url": "https://evil.example"}),
    ("a token with more policies", "auth/token/create", {"policies": ["root"]}),
    ("an identity", "identity/group", {"name": "x", "policies": ["vault-operator"]}),
    ("moving an engine", "sys/remount", {"from": OTHER, "to": WEB}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), [(p, b) for _, p, b in REFUSED], ids=[name for name, _, _ in REFUSED])
def test_it_is_refused(team: Client, path: str, body: dict[str, Any]) -> None:
    with pytest.raises(DeniedError):
        team.write(path, body)


@pytest.mark.parametrize("path", [f"{OTHER}/data/openzaak/key", f"{WEB}/data/startpagina/key", "sys/audit", "sys/auth"])
def test_it_reads_no_secret_and_nothing_of_others(team: Client, path: str) -> None:
    with pytest.raises(DeniedError):
        team.read(path)


def test_production_keeps_its_engine_and_test_does_not(team: Client, root: Client) -> None:
    with pytest.raises(DeniedError):
        team.delete(f"sys/mounts/{WEB}")
    files = organisation()
    test = next(one for one in team_stacks(files, files.cluster("shared")) if one.stack == "test-team-web")
    root.write(f"sys/policies/acl/{test.policy}", {"policy": runner.policy(test)})
    token = root.write("auth/token/create", {"policies": [test.policy]})["auth"]["client_token"]
    other = root.as_token(token)
    other.write("sys/mounts/web-test", {"type": "kv-v2"})
    other.delete("sys/mounts/web-test")
    assert root.read("sys/mounts/web-test") is None


def test_the_administrators_run_the_operation_and_read_no_teams_secret(root: Client, team: Client) -> None:
    del team  # its fixture has made the other team's secret
    root.write(f"sys/policies/acl/{runner.OPERATOR}", {"policy": runner.operator_policy()})
    token = root.write("auth/token/create", {"policies": [runner.OPERATOR]})["auth"]["client_token"]
    operator = root.as_token(token)
    operator.write("sys/auth/ldap-new", {"type": "ldap"})
    operator.write("auth/ldap-new/config", {"url": "ldaps://d.voorbeeld.example"})
    operator.write("sys/policies/acl/runner-x", {"policy": 'path "x" { capabilities = ["read"] }'})
    operator.write("auth/ldap-new/groups/g", {"policies": ["runner-x"]})
    assert "runner-x" in operator.names("sys/policies/acl")
    assert operator.read("sys/audit")
    with pytest.raises(DeniedError):
        operator.read(f"{OTHER}/data/openzaak/key")


def test_what_the_rules_say_is_read_by_vault_as_it_is_meant() -> None:
    text = runner.written({"a/b": {"capabilities": ["read"], "allowed_parameters": {"p": ['x "y"\n', ["z"]], "*": []}}})
    assert text == (
        'path "a/b" {\n  capabilities = ["read"]\n  allowed_parameters = {\n'
        '    "p" = ["x \\"y\\"\\n", ["z"]]\n    "*" = []\n  }\n}\n'
    )
