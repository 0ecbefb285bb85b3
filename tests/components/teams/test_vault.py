"""A team's people in Vault: through an OpenID Connect provider, or through a directory."""

from __future__ import annotations

from typing import Any

from tests.components.teams.test_fence import team

GROUP = "vault:ldap/authBackendGroup:AuthBackendGroup"
ROLE = "vault:jwt/authBackendRole:AuthBackendRole"


def test_a_directorys_group_writes_in_its_own_environment_only(build: Any) -> None:
    built = build(team("production", "web", vault_directory=True), stack="production-team-web")
    (group,) = built.of_type(GROUP)
    assert (group.inputs["backend"], group.inputs["groupname"]) == ("ldap-production", "webteam")
    assert group.inputs["policies"] == ["web-production-writer"]
    assert {role.inputs["roleType"] for role in built.of_type(ROLE)} == {"jwt"}


def test_without_a_directory_the_same_group_signs_in_at_the_provider(build: Any) -> None:
    built = build(team("production", "web"), stack="production-team-web")
    assert built.of_type(GROUP) == []
    (people,) = [role for role in built.of_type(ROLE) if role.inputs["roleType"] == "oidc"]
    assert people.inputs["boundClaims"] == {"groups": "webteam"}
    # A distinguished name is one group, not one for each comma.
    assert people.inputs["disableBoundClaimsParsing"] is True
    assert people.inputs["tokenPolicies"] == ["web-production-writer"]
