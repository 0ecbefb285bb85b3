"""What the apps, the people and the runner of a team may do in Vault, as plain data.

Apart from the resources, because two read it: the team's stack makes these policies and roles, and `kade vault init`
bounds the stack's runner to exactly these texts. A runner that could write another text would be everybody's master.
"""

from __future__ import annotations

from typing import Any

from components.services.security.external_secrets import AUDIENCE

READER = "secret-reader"
"""Service account whose tokens External Secrets takes to Vault; no pod runs under it."""

TOKEN_SECONDS = 600
"""Lifetime of a login by a service account: it reads and is done."""

PERSON_SECONDS = 8 * 3600
"""Lifetime of a login by a person: a working day."""


def people_method(environment: str, *, directory: bool, issuer: str | None) -> str | None:
    """Return the method with which people sign in to Vault; `None` where they cannot.

    A directory has one method per environment: a group stands in it once, and would otherwise carry what it may do in
    test into acceptance on the same Vault.
    """
    if directory:
        return f"ldap-{environment}"
    return "oidc" if issuer else None


def reader_name(namespace: str) -> str:
    """Return the name of the policy of an app's service account."""
    return f"{namespace}-reader"


def writer_name(engine: str) -> str:
    """Return the name of the policy of the team's people."""
    return f"{engine}-writer"


def reader_policy(engine: str, app: str) -> str:
    """Return the policy of an app's service account: read what lies below the app's name, and nothing else."""
    return (
        f'path "{engine}/data/{app}/*" {{\n  capabilities = ["read"]\n}}\n'
        f'path "{engine}/metadata/{app}/*" {{\n  capabilities = ["read"]\n}}\n'
    )


def writer_policy(engine: str) -> str:
    """Return the policy of people: write and read, take back a deletion; destroying a version for ever is not in it."""
    return (
        f'path "{engine}/data/*" {{\n  capabilities = ["create", "read", "update", "patch", "delete"]\n}}\n'
        f'path "{engine}/metadata/*" {{\n  capabilities = ["read", "list"]\n}}\n'
        f'path "{engine}/metadata" {{\n  capabilities = ["list"]\n}}\n'
        f'path "{engine}/delete/*" {{\n  capabilities = ["update"]\n}}\n'
        f'path "{engine}/undelete/*" {{\n  capabilities = ["update"]\n}}\n'
    )


def account_role(namespace: str, account: str, policy: str) -> dict[str, Any]:
    """Return the role of one service account of one namespace, with a token made for Vault alone."""
    return {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_subject": f"system:serviceaccount:{namespace}:{account}",
        "bound_audiences": [AUDIENCE],
        "token_policies": [policy],
        "token_ttl": TOKEN_SECONDS,
        "token_max_ttl": TOKEN_SECONDS,
        "token_no_default_policy": True,
    }


def people_role(group: str, policy: str, address: str, method: str) -> dict[str, Any]:
    """Return the role of the people in a group of the OpenID Connect provider."""
    return {
        "role_type": "oidc",
        "user_claim": "sub",
        "groups_claim": "groups",
        "bound_claims": {"groups": group},
        "allowed_redirect_uris": [
            f"{address}/ui/vault/auth/{method}/oidc/callback",
            "http://localhost:8250/oidc/callback",
        ],
        "oidc_scopes": ["openid", "profile", "email", "groups"],
        "token_policies": [policy],
        "token_ttl": PERSON_SECONDS,
        "token_max_ttl": PERSON_SECONDS,
    }
