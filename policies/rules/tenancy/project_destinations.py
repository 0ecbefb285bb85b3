"""tenancy-project-destinations: a team's project delivers into its own namespaces only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from policies.kernel.finding import Outcome
from policies.kernel.rule import weakens
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.projects import Project
from policies.rules.tenancy.projects import Projects, judge
from policies.rules.tenancy.shared import tenancy

ENGINES = ("argocd", "flux-system")
"""Namespaces of GitOps engines: who makes an Application there chooses its project, and so what holds for it."""
SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "default")


class Destinations(Projects):
    """Which projects may deliver to the GitOps engine itself."""

    platform_repositories: Annotated[tuple[str, ...], weakens("any")] = ()
    """Repositories that only the platform's people merge into, by address. Projects that take from these alone may
    deliver into the engine's namespace. Default: none."""


@tenancy(
    "project-destinations",
    title="A team's project delivers into its own namespaces only",
    rationale="Argo CD has every right on the cluster: the project is all that keeps a team's git from using it.",
    looks_at="Namespace and cluster of each destination of an AppProject that is not the platform's: exact names, and"
    " none of Kubernetes' own. The namespace of the GitOps engine only for a project that takes from the platform's own"
    " repositories alone: who makes an Application there decides in which project it is.",
    severity=Severity.HIGH,
    parameters=Destinations,
    fix="Name the team's namespaces and the cluster.",
)
def project_destinations(model: Model, parameters: Destinations) -> Iterator[Outcome]:
    """Look at each destination."""
    own = set(parameters.platform_repositories)

    def wrong(project: Project, value: str) -> str | None:
        if not value or "*" in value:
            return f"The project delivers into {value or 'any namespace'}."
        if value in SYSTEM:
            return f"The project delivers into {value}, which is Kubernetes' own."
        if value in ENGINES and not {place.value for place in project.repositories} <= own:
            return f"The project delivers into {value}: what is made there may be in any project."
        return None

    return judge(
        model,
        parameters,
        lambda project: (*project.namespaces, *project.clusters),
        wrong,
        "exact names",
        "{} projects deliver into named namespaces.",
    )
