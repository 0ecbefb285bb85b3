"""tenancy-rbac-escalation: no team can give itself more rights."""

from __future__ import annotations

from policies.kernel.words import Severity
from policies.rules.tenancy.rbac import Ask, forbids

RBAC = "rbac.authorization.k8s.io"
ROLES = ("roles", "clusterroles")
PEOPLE = ("users", "groups", "serviceaccounts")

RULE = forbids(
    "rbac-escalation",
    "No team can give itself more rights",
    Ask(("escalate", "bind"), RBAC, ROLES),
    Ask(("create", "update", "patch"), RBAC, ("clusterrolebindings", "clusterroles")),
    Ask(("impersonate",), "", PEOPLE),
    Ask(("impersonate",), "authentication.k8s.io", ("uids", "userextras")),
    severity=Severity.CRITICAL,
    cis=("5.1.8",),
    rationale="Who may escalate, bind or impersonate has every right that anybody has.",
    what="The verbs `escalate`, `bind` and `impersonate`, and writing cluster roles and their bindings",
)
