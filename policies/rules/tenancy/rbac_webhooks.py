"""tenancy-rbac-webhooks: no team decides what the API server admits."""

from __future__ import annotations

from policies.kernel.words import Severity
from policies.rules.tenancy.rbac import Ask, forbids

KINDS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")

RULE = forbids(
    "rbac-webhooks",
    "No team decides what the API server admits",
    Ask(("create", "update", "patch", "delete"), "admissionregistration.k8s.io", KINDS),
    severity=Severity.CRITICAL,
    cis=("5.1.12",),
    rationale="A webhook of one's own reads and changes every object that anybody writes, secrets included.",
    what="Writing webhooks of admission",
)
