"""tenancy-project-repositories: a team's project takes from named repositories only."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.rules.tenancy.projects import Projects, judge
from policies.rules.tenancy.shared import tenancy


@tenancy(
    "project-repositories",
    title="A team's project takes from named repositories only",
    bio2=("8.03.01", "8.19"),
    nis2="21.2.d",
    rationale="A wildcard lets anybody who can make an Application run any chart of the internet.",
    looks_at="`sourceRepos` of each AppProject that is not the platform's: exact addresses.",
    severity=Severity.HIGH,
    parameters=Projects,
    fix="Write the repositories' addresses.",
)
def project_repositories(model: Model, parameters: Projects) -> Iterator[Outcome]:
    """Look at each repository."""
    return judge(
        model,
        parameters,
        lambda project: project.repositories,
        lambda _project, value: f"The project takes from {value or 'anywhere'}." if not value or "*" in value else None,
        "an exact address",
        "{} projects take from named repositories.",
    )
