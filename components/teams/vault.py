"""A team's engine in Vault: where its secrets live, who reads and who writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_vault as vault

from components.base import Component, kept
from components.services.security.external_secrets import AUDIENCE
from components.teams.namespace import READER

TOKEN_SECONDS = 600
"""Lifetime of a login by a service account: it reads and is done."""

PERSON_SECONDS = 8 * 3600
"""Lifetime of a login by a person: a working day."""


@dataclass(frozen=True, kw_only=True)
class TeamVaultArgs:
    """What a team has in Vault."""

    engine: str
    """Path of its engine."""
    team: str
    """Whose it is."""
    environment: str
    """For which environment."""
    address: str
    """Address of Vault; people come back to it after signing in."""
    cluster: str
    """Name of the cluster, whose JWT method is `jwt-<cluster>`."""
    namespaces: Mapping[str, str]
    """Namespaces that read, and the app in each: it reads what lies below the app's name."""
    deploy_group: str
    """Directory group that writes."""
    people: str | None
    """Path of the method with which people sign in; `None` where there is none."""
    keep_data: bool
    """Whether the secrets outlive their resource: true in production."""


class TeamVault(Component):
    """A KV engine with versions, a policy to read per app, one to write, and the roles that carry them."""

    layer = "teams"

    def __init__(self, name: str, args: TeamVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make engine, policies and roles."""
        super().__init__(name, args, opts)
        engine = vault.Mount(
            f"{name}-engine",
            path=args.engine,
            type="kv-v2",
            description=f"Secrets of team {args.team} in {args.environment}.",
            opts=self.child(kept(args.keep_data)),
        )
        after = pulumi.ResourceOptions(depends_on=[engine])
        for namespace, app in args.namespaces.items():
            reader = vault.Policy(
                f"{name}-reads-{namespace}",
                name=f"{namespace}-reader",
                policy=reader_policy(args.engine, app),
                opts=self.child(after),
            )
            vault.jwt.AuthBackendRole(
                f"{name}-role-{namespace}",
                backend=f"jwt-{args.cluster}",
                role_name=namespace,
                role_type="jwt",
                user_claim="sub",
                # One service account of one namespace, with a token made for Vault alone.
                bound_subject=f"system:serviceaccount:{namespace}:{READER}",
                bound_audiences=[AUDIENCE],
                token_policies=[reader.name],
                token_ttl=TOKEN_SECONDS,
                token_max_ttl=TOKEN_SECONDS,
                token_no_default_policy=True,
                opts=self.child(),
            )
        writer = vault.Policy(
            f"{name}-writes",
            name=f"{args.engine}-writer",
            policy=writer_policy(args.engine),
            opts=self.child(after),
        )
        if args.people:
            vault.jwt.AuthBackendRole(
                f"{name}-people",
                backend=args.people,
                role_name=args.engine,
                role_type="oidc",
                user_claim="sub",
                groups_claim="groups",
                bound_claims={"groups": args.deploy_group},
                allowed_redirect_uris=[
                    f"{args.address}/ui/vault/auth/{args.people}/oidc/callback",
                    "http://localhost:8250/oidc/callback",
                ],
                oidc_scopes=["openid", "profile", "email", "groups"],
                token_policies=[writer.name],
                token_ttl=PERSON_SECONDS,
                token_max_ttl=PERSON_SECONDS,
                opts=self.child(),
            )
        self.register_outputs({"engine": args.engine})


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
