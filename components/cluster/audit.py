"""What the API server writes into its audit log.

Enough to see who did what to whom (BIO2 8.15, 8.02.01), without the content of secrets, and without the noise that
fills a disk: reads by the system itself, leases and events.
"""

from __future__ import annotations

from typing import Any

RBAC = {
    "group": "rbac.authorization.k8s.io",
    "resources": ["clusterroles", "clusterrolebindings", "roles", "rolebindings"],
}
WRITES = ["create", "update", "patch", "delete", "deletecollection"]
HOLDERS_OF_SECRETS = [
    {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
    {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
]

AUDIT_POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version"]},
        {
            "level": "None",
            "resources": [
                {"group": "", "resources": ["events"]},
                {"group": "events.k8s.io", "resources": ["events"]},
                {"group": "coordination.k8s.io", "resources": ["leases"]},
            ],
        },
        {"level": "Metadata", "resources": HOLDERS_OF_SECRETS},
        {"level": "RequestResponse", "verbs": WRITES, "resources": [RBAC]},
        {"level": "None", "verbs": ["get", "list", "watch"], "userGroups": ["system:nodes"]},
        {"level": "Metadata"},
    ],
}
