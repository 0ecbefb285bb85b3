"""What the runner of a team's stack may do in Vault: make exactly what its stack makes, and read no secret.

Whoever may write a policy can write itself a key to everything; whoever may write a role can hang any policy on it. So
each path is named whole, and the parameters that carry power are bound to the very values that the team's component
writes. Both shapes of a list stand there, since some versions of Vault compare lists whole and others item by item.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.teams import vault_access as access

_WRITE = ["create", "read", "update", "delete"]
_KEEP = ["create", "read", "update"]


@dataclass(frozen=True, kw_only=True)
class TeamStack:
    """One team's stack, as far as Vault is concerned."""

    stack: str
    """Name of the stack, for example `production-team-web`."""
    cluster: str
    engine: str
    namespaces: Mapping[str, str]
    """Namespaces, and the app in each."""
    deploy_group: str
    people: str | None
    """Path of the method with which people sign in."""
    directory: bool
    """Whether that method asks an LDAP directory."""
    address: str
    keep_data: bool
    """Whether the engine outlives its resource; then its runner may not remove it either."""

    @property
    def policy(self) -> str:
        """Name of the runner's policy. No team's policies begin so, since no runner may write its own."""
        return f"runner-{self.stack}"


def policy(team: TeamStack) -> str:
    """Return the runner's policy."""
    paths: dict[str, dict[str, Any]] = {
        f"sys/mounts/{team.engine}": {
            "capabilities": _KEEP if team.keep_data else _WRITE,
            "allowed_parameters": {"type": ["kv", "kv-v2"], "*": []},
        },
        f"sys/mounts/{team.engine}/tune": {"capabilities": ["read", "update"]},
    }
    for namespace, app in team.namespaces.items():
        reader = access.reader_name(namespace)
        paths |= _policy(reader, access.reader_policy(team.engine, app))
        role = access.account_role(namespace, access.READER, reader)
        paths[f"auth/jwt-{team.cluster}/role/{namespace}"] = _bound(
            role, ("role_type", "user_claim", "bound_subject", "bound_audiences", "token_policies")
        )
    writer = access.writer_name(team.engine)
    paths |= _policy(writer, access.writer_policy(team.engine))
    if team.people and team.directory:
        paths[f"auth/{team.people}/groups/{team.deploy_group}"] = {
            "capabilities": _WRITE,
            "allowed_parameters": {"policies": [writer, [writer]]},
        }
    elif team.people:
        role = access.people_role(team.deploy_group, writer, team.address, team.people)
        bound = _bound(role, ("role_type", "user_claim", "groups_claim", "token_policies"))
        group = team.deploy_group
        bound["allowed_parameters"]["bound_claims"] = [{"groups": group}, {"groups": [group]}]
        paths[f"auth/{team.people}/role/{team.engine}"] = bound
    return written(paths)


def written(paths: Mapping[str, Mapping[str, Any]]) -> str:
    """Return rules as Vault reads them. Not as JSON, which its parser misunderstands where mappings hold lists."""
    lines: list[str] = []
    for path, rule in paths.items():
        lines.append(f"path {json.dumps(path)} {{")
        for key, value in rule.items():
            if isinstance(value, Mapping):
                lines.append(f"  {key} = {{")
                # One a line: a comma after a mapping would end it.
                lines += [
                    f"    {json.dumps(name)} = {_value(of)}" for name, of in cast("dict[str, Any]", value).items()
                ]
                lines.append("  }")
            else:
                lines.append(f"  {key} = {_value(value)}")
        lines.append("}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, cast('list[Any]', value)))}]"
    if isinstance(value, Mapping):
        inner = (f"{json.dumps(key)} = {_value(of)}" for key, of in cast("dict[str, Any]", value).items())
        return f"{{ {', '.join(inner)} }}"
    return json.dumps(value, ensure_ascii=False)


def _policy(name: str, text: str) -> dict[str, dict[str, Any]]:
    return {f"sys/policies/acl/{name}": {"capabilities": _WRITE, "allowed_parameters": {"policy": [text]}}}


def _bound(role: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the rule for a role: what carries power as it is, the rest (lifetimes, for one) free."""
    allowed: dict[str, Any] = {"*": []}
    for key in keys:
        value = role[key]
        allowed[key] = [*value, value] if isinstance(value, list) else [value]
    # An older name of `token_policies`, and one that would put policies together from a token's claims.
    denied: dict[str, list[Any]] = {"policies": [], "token_policies_template_claims": []}
    return {"capabilities": _WRITE, "allowed_parameters": allowed, "denied_parameters": denied}


OPERATOR = "vault-operator"
"""Policy of the administrators: all that `kade vault init` writes, and no team's secrets. It is a great deal: whoever
may write policies can give themselves any. What they do stands in the audit log."""


def operator_policy() -> str:
    """Return the policy of whoever runs `kade vault init`."""
    whole = [*_WRITE, "list", "sudo"]
    paths: dict[str, Any] = {
        path: {"capabilities": whole}
        for path in ("sys/auth/*", "sys/mounts/*", "sys/policies/acl/*", "auth/+/config", "auth/+/role/*")
    }
    paths |= {"auth/+/groups/*": {"capabilities": whole}}
    paths |= {path: {"capabilities": ["read", "list", "sudo"]} for path in ("sys/audit", "sys/auth", "sys/mounts")}
    paths |= {path: {"capabilities": ["list"]} for path in ("sys/policies/acl", "auth/+/role", "auth/+/groups")}
    return written(paths)
