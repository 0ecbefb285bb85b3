"""What runners with credentials of their own may do on the cluster: rights per layer, and a bound around teams' ones.

Without this there is the administrator's kubeconfig alone. Rights are held by groups; which identity is in a group is
the business of who gives it out (client certificates, the organisation's sign-on).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.base import Component
from components.cluster.runner_bounds import bounds
from components.gitops.manifest import Manifest, logical, resource
from components.teams.access import deploy_rules, view_rules

MANAGE = ("get", "list", "watch", "create", "update", "patch", "delete")
LOOK = ("get", "list", "watch")

RBAC_API = "rbac.authorization.k8s.io"

Kinds = tuple[tuple[str, tuple[str, ...]], ...]
"""Resources by their group."""

ENGINE: Kinds = (
    ("", ("configmaps", "namespaces", "secrets", "serviceaccounts", "services")),
    ("apiextensions.k8s.io", ("customresourcedefinitions",)),
    ("apps", ("deployments", "statefulsets")),
    ("argoproj.io", ("applications", "appprojects")),
    ("batch", ("jobs",)),
    ("networking.k8s.io", ("networkpolicies",)),
    ("policy", ("poddisruptionbudgets",)),
    (RBAC_API, ("clusterrolebindings", "clusterroles", "rolebindings", "roles")),
)
"""What the services layer makes itself: the GitOps engine's release with its history, its projects and its root."""

SERVICES: Kinds = (
    ("cert-manager.io", ("certificates", "clusterissuers")),
    ("external-secrets.io", ("clustersecretstores", "externalsecrets")),
    ("gateway.networking.k8s.io", ("gatewayclasses", "gateways", "httproutes")),
    ("policies.kyverno.io", ("validatingpolicies",)),
    ("storage.k8s.io", ("storageclasses",)),
)
"""What it makes beside that where delivery is `direct`."""

FENCE: Kinds = (
    ("", ("limitranges", "namespaces", "resourcequotas", "serviceaccounts")),
    ("argoproj.io", ("applications", "appprojects")),
    ("cert-manager.io", ("certificates",)),
    ("cilium.io", ("ciliumnetworkpolicies",)),
    ("external-secrets.io", ("secretstores",)),
    ("networking.k8s.io", ("networkpolicies",)),
    (RBAC_API, ("rolebindings", "roles")),
)
"""What a team's stack makes itself: the fence, its projects and its root."""

APPS: Kinds = (
    ("", ("persistentvolumeclaims", "services")),
    ("apps", ("statefulsets",)),
    ("external-secrets.io", ("externalsecrets",)),
    ("gateway.networking.k8s.io", ("httproutes",)),
    ("generators.external-secrets.io", ("passwords",)),
    ("postgresql.cnpg.io", ("clusters", "databases")),
)
"""What it makes beside that where delivery is `direct`."""

WATCHED: Kinds = (
    ("", ("endpoints", "events", "pods")),
    ("apps", ("replicasets",)),
    ("discovery.k8s.io", ("endpointslices",)),
)
"""What the provider looks at while it waits until something is ready."""


@dataclass(frozen=True, kw_only=True)
class RunnersArgs:
    """Who runs which layer."""

    services: Sequence[str]
    """Groups of runners of the services layer."""
    teams: Sequence[str]
    """Groups of runners of teams' stacks."""
    direct: bool
    """Whether Pulumi applies the children itself (`delivery: direct`)."""
    debug: bool
    """Whether people may enter the pods of an environment on this cluster: who hands on a right must have it."""
    engine_namespace: str
    """Namespace of the GitOps engine."""
    platform_namespaces: Sequence[str]
    """Namespaces of the services."""


class Runners(Component):
    """Rights of the runners of services and teams."""

    layer = "cluster"

    def __init__(self, name: str, args: RunnersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        bound = [resource(f"{name}-{logical(one)}", one, self.child()) for one in _bounds(args)]
        # The bound first: no right is there without it.
        after = self.child(pulumi.ResourceOptions(depends_on=bound))
        for manifest in granted(args):
            resource(f"{name}-{logical(manifest)}", manifest, after)
        self.register_outputs({})


def _bounds(args: RunnersArgs) -> list[Manifest]:
    """Return the bound around teams' runners; nothing where there are none."""
    if not args.teams:
        return []
    return bounds(
        teams=args.teams,
        others=args.services,
        engine_namespace=args.engine_namespace,
        platform_namespaces=args.platform_namespaces,
    )


def granted(args: RunnersArgs) -> list[Manifest]:
    """Return the roles and who has them."""
    found: list[Manifest] = []
    if args.services:
        found += _role("services", services_rules(direct=args.direct), args.services)
    if args.teams:
        found += _role("teams", teams_rules(direct=args.direct, debug=args.debug), args.teams)
    return found


def services_rules(*, direct: bool) -> list[dict[str, Any]]:
    """Return what runners of the services layer may do.

    `escalate` and `bind`: the GitOps engine has every right, so whoever installs it can have every right through it.
    The list keeps a slip from reaching nodes, volumes or people's pods; it is no bound against who means harm.
    """
    kinds = ENGINE + (SERVICES if direct else ())
    roles = {"apiGroups": [RBAC_API], "resources": ["clusterroles", "roles"], "verbs": ["escalate", "bind"]}
    return [*_rules(kinds, MANAGE), *_rules(WATCHED, LOOK), roles]


def teams_rules(*, direct: bool, debug: bool) -> list[dict[str, Any]]:
    """Return what runners of teams' stacks may do.

    No `escalate` and no `bind`: they may hand on to a team's groups only what they have themselves, so what the fence
    gives to people stands here too.
    """
    kinds = FENCE + (APPS if direct else ())
    return [*_rules(kinds, MANAGE), *_rules(WATCHED, LOOK), *view_rules(), *deploy_rules(debug=debug)]


def _rules(kinds: Kinds, verbs: Iterable[str]) -> list[dict[str, Any]]:
    return [{"apiGroups": [group], "resources": list(names), "verbs": list(verbs)} for group, names in kinds]


def _role(layer: str, rules: list[dict[str, Any]], groups: Sequence[str]) -> list[Manifest]:
    name = f"kade:runners:{layer}"
    api = f"{RBAC_API}/v1"
    return [
        {"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": api,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC_API, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": RBAC_API, "kind": "Group", "name": group} for group in groups],
        },
    ]
