"""tenancy-rbac-certificates: no team approves certificates of the cluster."""

from __future__ import annotations

from policies.kernel.words import Severity
from policies.rules.tenancy.rbac import Ask, forbids

GROUP = "certificates.k8s.io"

RULE = forbids(
    "rbac-certificates",
    "No team approves certificates of the cluster",
    Ask(("update", "patch"), GROUP, ("certificatesigningrequests/approval",)),
    Ask(("approve", "sign"), GROUP, ("signers",)),
    severity=Severity.CRITICAL,
    cis=("5.1.11",),
    rationale="Who approves requests makes a certificate for any user, which nobody can take back.",
    what="Approving requests for certificates and signing them",
)
