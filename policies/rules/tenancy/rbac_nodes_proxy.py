"""tenancy-rbac-nodes-proxy: no team speaks to the kubelets."""

from __future__ import annotations

from policies.kernel.words import Severity
from policies.rules.tenancy.rbac import Ask, forbids

RULE = forbids(
    "rbac-nodes-proxy",
    "No team speaks to the kubelets",
    Ask(("get", "create", "update", "patch", "delete"), "", ("nodes/proxy",)),
    severity=Severity.CRITICAL,
    cis=("5.1.10",),
    rationale="Through `nodes/proxy` one enters every pod on a node, past admission and past the audit log.",
    what="Any verb on `nodes/proxy`",
)
