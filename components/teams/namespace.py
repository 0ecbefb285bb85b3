"""A namespace of a team: labels, quota, limits, closed network, access for groups, and its way to Vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.apps.secrets import STORE
from components.base import Component, kept
from components.gitops.manifest import Manifest, logical, resource
from components.services.networking.gateway_api import GATEWAY, ROUTES_LABEL
from components.services.security.external_secrets import jwt_login
from components.services.shared import certificate
from components.teams.access import access
from components.teams.network import OpeningArgs, policies
from components.teams.vault_access import READER

TRUST = "vault-trust"
"""Certificate that is asked for only because its Secret brings the internal CA along, for Vault's own certificate."""


@dataclass(frozen=True, kw_only=True)
class VaultAccess:
    """How the namespace reads secrets."""

    cluster: str
    """Name of the cluster: its JWT method in Vault is `jwt-<cluster>`."""
    address: str
    """Address of Vault."""
    engine: str
    """The team's engine."""
    internal_ca: bool
    """Whether Vault's certificate comes from the cluster's internal CA."""


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """What the platform decides for a namespace."""

    namespace: str
    """Its name: `<team>-<app>-<environment>`."""
    team: str
    """Whose it is."""
    app: str
    """The app in it."""
    environment: str
    """The environment."""
    cpu: str
    """Processors that may be requested in total."""
    memory: str
    """Memory that may be requested and used in total."""
    storage: str
    """Storage that may be requested in total."""
    deploy_group: str
    """Directory group that deploys."""
    view_group: str
    """Directory group that looks."""
    debug: bool
    """Whether people may enter pods: true in sandbox and test."""
    keep_data: bool
    """Whether the namespace outlives its resource: true in production. A namespace takes the team's data with it."""
    openings: Sequence[OpeningArgs] = field(default_factory=tuple[OpeningArgs, ...])
    """Declared exceptions to default-deny. Default: none."""
    vault: VaultAccess | None = None
    """How secrets are read. Default: not at all."""


class Namespace(Component):
    """A namespace that is closed to its neighbours, and bounded in what it may use."""

    layer = "teams"

    def __init__(
        self,
        name: str,
        args: NamespaceArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        adopting: pulumi.ProviderResource,
    ) -> None:
        """Make the namespace and everything in it.

        `adopting` is a provider of the same cluster that may take over what is there: Kubernetes makes the service
        account `default` by itself.
        """
        super().__init__(name, args, opts)
        namespace = resource(f"{name}-namespace", namespace_manifest(args), self.child(kept(args.keep_data)))
        inside = pulumi.ResourceOptions(depends_on=[namespace])
        # Closed first: whatever starts in it meets the policies.
        for manifest in [*policies(args.namespace, args.openings), *bounds(args), *_access(args), *_secrets(args)]:
            resource(f"{name}-{logical(manifest)}", manifest, self.child(inside))
        resource(
            f"{name}-service-account-default",
            _account("default", args.namespace),
            self.child(pulumi.ResourceOptions(depends_on=[namespace], provider=adopting)),
        )
        self.register_outputs({"namespace": args.namespace})


def namespace_manifest(args: NamespaceArgs) -> Manifest:
    """Return the namespace with its labels."""
    labels = {
        "kade/team": args.team,
        "kade/app": args.app,
        "kade/environment": args.environment,
        ROUTES_LABEL: GATEWAY,
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": args.namespace, "labels": labels}}


def bounds(args: NamespaceArgs) -> list[Manifest]:
    """Return quota and limits."""
    quota: dict[str, Any] = {
        "requests.cpu": args.cpu,
        "requests.memory": args.memory,
        "limits.memory": args.memory,
        "requests.storage": args.storage,
        # The gateway is the one way in.
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    container = {
        "type": "Container",
        # A container that says nothing counts little, and cannot take what others were promised.
        "defaultRequest": {"cpu": "50m", "memory": "128Mi"},
        "default": {"memory": "512Mi"},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "quota", "namespace": args.namespace},
            "spec": {"hard": quota},
        },
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "limits", "namespace": args.namespace},
            "spec": {"limits": [container]},
        },
    ]


def _account(name: str, namespace: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace},
        # A pod that needs the API server says so itself.
        "automountServiceAccountToken": False,
    }


def _access(args: NamespaceArgs) -> list[Manifest]:
    return access(args.namespace, deploy=args.deploy_group, view=args.view_group, debug=args.debug)


def _secrets(args: NamespaceArgs) -> list[Manifest]:
    """Return the way to Vault: an account, and a store that logs in with its tokens."""
    if args.vault is None:
        return []
    login = jwt_login(args.vault.cluster, args.namespace, {"name": READER})
    vault: dict[str, Any] = {
        "server": args.vault.address,
        "path": args.vault.engine,
        "version": "v2",
        "auth": login,
    }
    found: list[Manifest] = [_account(READER, args.namespace)]
    if args.vault.internal_ca:
        vault["caProvider"] = {"type": "Secret", "name": TRUST, "key": "ca.crt"}
        found.append(certificate(TRUST, args.namespace, issuer="internal", hosts=[f"{TRUST}.{args.namespace}.svc"]))
    store: Manifest = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": STORE, "namespace": args.namespace},
        "spec": {"provider": {"vault": vault}},
    }
    return [*found, store]
