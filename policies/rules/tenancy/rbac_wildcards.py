"""tenancy-rbac-wildcards: no role of a team holds a wildcard."""

from __future__ import annotations

from policies.kernel.words import Severity
from policies.rules.tenancy.rbac import Right, rights_rule


def _wildcard(right: Right) -> str | None:
    parts = {"verbs": right.grant.verbs, "resources": right.grant.resources, "apiGroups": right.grant.groups}
    found = [f"{name} {value}" for name, values in parts.items() for value in values if "*" in value]
    return ", ".join(found) or None


RULE = rights_rule(
    "rbac-wildcards",
    "No role of a team holds a wildcard",
    _wildcard,
    severity=Severity.HIGH,
    cis=("5.1.3",),
    rationale="A wildcard also gives what does not exist yet: the next custom resource, the next subresource.",
    looks_at="`*` in verbs, resources and API groups, in roles of teams' namespaces and in every role that is bound"
    " there or to their service accounts.",
)
