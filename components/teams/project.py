"""The bounds within which the GitOps engine works for a team."""

from __future__ import annotations

from collections.abc import Iterable

from components.gitops.engine import Project

FENCE = (
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("external-secrets.io", "SecretStore"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
)
"""What the fence is made of: a team's chart cannot bring it, so it cannot open the fence from within."""


def team_project(name: str, title: str, *, repositories: Iterable[str], namespaces: Iterable[str]) -> Project:
    """Return a team's project: its namespaces and repositories, nothing cluster-wide, nothing of the fence."""
    return Project(
        name=name,
        description=f"Apps of {title}.",
        repositories=sorted(set(repositories)),
        namespaces=sorted(namespaces),
        forbidden=FENCE,
    )


def root_project(
    name: str, title: str, *, repository: str, engine_namespace: str, namespaces: Iterable[str]
) -> Project:
    """Return the project of what stands in git for a team: its releases, and the objects around them.

    It is apart from the team's own project, because whoever may make releases decides which project they are in.
    """
    return Project(
        name=name,
        description=f"What the organisation's repository holds for {title}.",
        repositories=[repository],
        namespaces=sorted({*namespaces, engine_namespace}),
    )
