"""tenancy-project-cluster-wide: a team's project makes nothing outside namespaces."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.tenancy.projects import Projects, judge
from policies.rules.tenancy.shared import tenancy


@tenancy(
    "project-cluster-wide",
    title="A team's project makes nothing outside namespaces",
    rationale="An object without a namespace, such as a ClusterRoleBinding, is a way out of every fence.",
    looks_at="`clusterResourceWhitelist` of each AppProject that is not the platform's: it must be empty.",
    severity=Severity.HIGH,
    parameters=Projects,
    fix="Remove `clusterResourceWhitelist`.",
)
def project_cluster_wide(model: Model, parameters: Projects) -> Iterator[Outcome]:
    """Look at what each project may make."""
    return judge(
        model,
        parameters,
        lambda project: project.cluster_wide,
        lambda _project, value: f"The project makes objects of the kind {value or '*'} outside namespaces.",
        "none",
        "{} projects make nothing outside namespaces.",
    )
