"""A team's engine in Vault: where its secrets live, who reads and who writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_vault as vault

from components.base import Component, kept
from components.teams.vault_access import (
    READER,
    account_role,
    people_role,
    reader_name,
    reader_policy,
    writer_name,
    writer_policy,
)


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
    directory: bool
    """Whether that method asks an LDAP directory; else it is OpenID Connect."""
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
                name=reader_name(namespace),
                policy=reader_policy(args.engine, app),
                opts=self.child(after),
            )
            role: dict[str, Any] = account_role(namespace, READER, reader_name(namespace))
            role["token_policies"] = [reader.name]  # so that the role waits for its policy
            vault.jwt.AuthBackendRole(
                f"{name}-role-{namespace}",
                backend=f"jwt-{args.cluster}",
                role_name=namespace,
                **role,
                opts=self.child(),
            )
        writer = vault.Policy(
            f"{name}-writes",
            name=writer_name(args.engine),
            policy=writer_policy(args.engine),
            opts=self.child(after),
        )
        if args.people:
            self._people(f"{name}-people", args, args.people, writer)
        self.register_outputs({"engine": args.engine})

    def _people(self, name: str, args: TeamVaultArgs, method: str, writer: vault.Policy) -> None:
        """Let the members of the team's group write."""
        if args.directory:
            vault.ldap.AuthBackendGroup(
                name, backend=method, groupname=args.deploy_group, policies=[writer.name], opts=self.child()
            )
            return
        role: dict[str, Any] = people_role(args.deploy_group, writer_name(args.engine), args.address, method)
        role["token_policies"] = [writer.name]
        vault.jwt.AuthBackendRole(
            name,
            backend=method,
            role_name=args.engine,
            # A group's name may hold commas, as a distinguished name does; it is one group all the same.
            disable_bound_claims_parsing=True,
            **role,
            opts=self.child(),
        )
