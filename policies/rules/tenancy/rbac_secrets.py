"""tenancy-rbac-secrets: no team reads the secrets of all namespaces."""

from __future__ import annotations

from policies.kernel.words import Severity
from policies.rules.tenancy.rbac import Ask, forbids

RULE = forbids(
    "rbac-secrets",
    "No team reads the secrets of all namespaces",
    Ask(("get", "list", "watch"), "", ("secrets",)),
    severity=Severity.CRITICAL,
    cis=("5.1.2",),
    rationale="Secrets of all namespaces are everybody's passwords, those of the platform included.",
    what="Reading `secrets` in every namespace",
    everywhere=True,
)
