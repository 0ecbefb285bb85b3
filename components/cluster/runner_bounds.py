"""The bound around runners of teams' stacks: an admission policy that keeps them to teams' namespaces.

A role says which kinds, and cannot say "in namespaces of teams": those do not exist when the role is made.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from components.gitops.manifest import Manifest

TEAM_LABEL = "kade/team"
"""Label of a team's namespace; the fence sets it."""

PLATFORM_PROJECTS = ("default", "services")
"""Projects of the GitOps engine that are not a team's: the one it brings itself, and that of the services."""

KUBERNETES_OWN = ("default", "kube-node-lease", "kube-public", "kube-system")
"""Namespaces that Kubernetes makes itself."""


NAME = "kade-runners-of-teams"
"""Name of the policy and of its binding."""


def bounds(
    *, teams: Sequence[str], others: Sequence[str], engine_namespace: str, platform_namespaces: Sequence[str]
) -> list[Manifest]:
    """Return the policy and its binding.

    `teams` are the groups it bounds; who is in one of `others` too runs another layer and is not bounded by it.
    """
    api = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": NAME},
            "spec": _policy(teams, others, engine_namespace, platform_namespaces),
        },
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": NAME},
            "spec": {"policyName": NAME, "validationActions": ["Deny", "Audit"]},
        },
    ]


def _policy(
    teams: Sequence[str], others: Sequence[str], engine_namespace: str, platform_namespaces: Sequence[str]
) -> dict[str, Any]:
    closed = sorted({*KUBERNETES_OWN, *platform_namespaces} - {engine_namespace})
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"], "scope": "*"}
            ],
            # Asking what one may do changes nothing.
            "excludeResourceRules": [
                {
                    "apiGroups": ["authentication.k8s.io", "authorization.k8s.io"],
                    "apiVersions": ["*"],
                    "operations": ["*"],
                    "resources": ["*/*"],
                    "scope": "*",
                }
            ],
        },
        "matchConditions": [
            {"name": "runner-of-teams", "expression": f"request.userInfo.groups.exists(one, one in {_list(teams)})"},
            {
                "name": "of-no-other-layer",
                "expression": f"!request.userInfo.groups.exists(one, one in {_list(others)})",
            },
        ],
        "variables": [
            {"name": "objects", "expression": "[object, oldObject].filter(one, one != null)"},
            {
                "name": "isNamespace",
                "expression": 'request.resource.group == "" && request.resource.resource == "namespaces"',
            },
            {
                "name": "inEngine",
                "expression": f"!variables.isNamespace && request.namespace == {json.dumps(engine_namespace)}",
            },
        ],
        "validations": [
            {
                "expression": "!variables.isNamespace || variables.objects.all(one, "
                f'has(one.metadata.labels) && "{TEAM_LABEL}" in one.metadata.labels)',
                "message": f"runners of teams make and change only namespaces with the label {TEAM_LABEL}",
            },
            {
                "expression": "variables.isNamespace || variables.inEngine || (namespaceObject != null && "
                f'has(namespaceObject.metadata.labels) && "{TEAM_LABEL}" in namespaceObject.metadata.labels)',
                "message": f"runners of teams work only in namespaces with the label {TEAM_LABEL}",
            },
            {
                "expression": "!variables.inEngine || "
                '(request.resource.group == "argoproj.io" && '
                'request.resource.resource in ["applications", "appprojects"])',
                "message": "runners of teams make only Applications and AppProjects beside the GitOps engine",
            },
            {
                "expression": 'request.resource.resource != "applications" || variables.objects.all(one, '
                f"!(one.spec.project in {_list(PLATFORM_PROJECTS)}))",
                "message": "runners of teams touch no Application of the platform",
            },
            {
                "expression": 'request.resource.resource != "appprojects" || variables.objects.all(one, '
                f"!(one.metadata.name in {_list(PLATFORM_PROJECTS)}))",
                "message": "runners of teams touch no AppProject of the platform",
            },
            {
                "expression": 'request.resource.resource != "appprojects" || object == null || ('
                "(!has(object.spec.clusterResourceWhitelist) || size(object.spec.clusterResourceWhitelist) == 0) && "
                "has(object.spec.destinations) && object.spec.destinations.all(one, has(one.namespace) && "
                f'!one.namespace.contains("*") && !(one.namespace in {_list(closed)})))',
                "message": "a team's AppProject delivers into named namespaces of teams, and makes nothing outside",
            },
        ],
    }


def _list(names: Sequence[str]) -> str:
    """Write a list as CEL does, which is as JSON does."""
    return json.dumps(list(names))
