"""What people of a team may do in its namespaces: rules without wildcards, bound to directory groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.cluster.patches import GROUPS_PREFIX
from components.gitops.manifest import Manifest

LOOK = ("get", "list", "watch")

SEEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("configmaps", "events", "persistentvolumeclaims", "pods", "pods/log", "serviceaccounts", "services")),
    ("", ("limitranges", "resourcequotas")),
    ("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("batch", ("cronjobs", "jobs")),
    ("external-secrets.io", ("externalsecrets", "secretstores")),
    ("gateway.networking.k8s.io", ("httproutes",)),
    ("metrics.k8s.io", ("pods",)),
    ("networking.k8s.io", ("networkpolicies",)),
    ("policy", ("poddisruptionbudgets",)),
    ("postgresql.cnpg.io", ("clusters", "databases")),
)
"""What may be looked at. Secrets are not among it: they are read in Vault, where reading leaves a trace."""


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def view_rules() -> list[dict[str, Any]]:
    """Return what the group `view` may do."""
    return [_rule(group, resources, LOOK) for group, resources in SEEN]


def deploy_rules(*, debug: bool) -> list[dict[str, Any]]:
    """Return what the group `deploy` may do beside looking.

    Changes come from git; by hand a pod may be restarted and a job be stopped. `debug` adds entering a pod, which also
    shows its secrets: never in production.
    """
    rules = [_rule("", ["pods"], ["delete"]), _rule("batch", ["jobs"], ["delete"])]
    if debug:
        rules.append(_rule("", ["pods/exec", "pods/portforward"], ["create", "get"]))
    return rules


def access(namespace: str, *, deploy: str, view: str, debug: bool) -> list[Manifest]:
    """Return roles and bindings of a namespace; `deploy` and `view` are names of directory groups."""
    roles = {"deploy": [*view_rules(), *deploy_rules(debug=debug)], "view": view_rules()}
    groups = {"deploy": deploy, "view": view}
    found: list[Manifest] = []
    for name, rules in roles.items():
        metadata = {"name": name, "namespace": namespace}
        api = "rbac.authorization.k8s.io/v1"
        group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"{GROUPS_PREFIX}{groups[name]}"}
        found += [
            {"apiVersion": api, "kind": "Role", "metadata": metadata, "rules": rules},
            {
                "apiVersion": api,
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                "subjects": [group],
            },
        ]
    return found
