"""tenancy-project-destinations: a team's project delivers into its own namespaces only."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.tenancy.projects import Projects, judge
from policies.rules.tenancy.shared import tenancy

SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "default")


@tenancy(
    "project-destinations",
    title="A team's project delivers into its own namespaces only",
    rationale="Argo CD has every right on the cluster: the project is all that keeps a team's git from using it.",
    looks_at="Namespace and cluster of each destination of an AppProject that is not the platform's: exact names, and"
    " none of Kubernetes' own.",
    severity=Severity.HIGH,
    parameters=Projects,
    fix="Name the team's namespaces and the cluster.",
)
def project_destinations(model: Model, parameters: Projects) -> Iterator[Outcome]:
    """Look at each destination."""

    def wrong(value: str) -> str | None:
        if not value or "*" in value:
            return f"The project delivers into {value or 'any namespace'}."
        return f"The project delivers into {value}, which is Kubernetes' own." if value in SYSTEM else None

    return judge(
        model,
        parameters,
        lambda project: (*project.namespaces, *project.clusters),
        wrong,
        "exact names",
        "{} projects deliver into named namespaces.",
    )
