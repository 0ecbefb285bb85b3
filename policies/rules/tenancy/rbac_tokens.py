"""tenancy-rbac-tokens: no team makes tokens of service accounts."""

from __future__ import annotations

from policies.kernel.words import Severity
from policies.rules.tenancy.rbac import Ask, forbids

RULE = forbids(
    "rbac-tokens",
    "No team makes tokens of service accounts",
    Ask(("create",), "", ("serviceaccounts/token",)),
    severity=Severity.HIGH,
    cis=("5.1.13",),
    rationale="A token lives on outside the cluster after its maker's rights were taken away.",
    what="Creating `serviceaccounts/token`",
)
