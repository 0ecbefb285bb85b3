"""Which changes of a Kubernetes object make a new one, and which kinds have no namespace.

The table follows the official provider (pulumi/pulumi-kubernetes, provider/pkg/provider/diff.go) and the API's own
rules: fields that an API server refuses to change.
"""

from __future__ import annotations

from rehearsal.plugins.values import Path

_SELECTOR = ("spec.selector",)
_STATEFUL = (
    "spec.podManagementPolicy",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "apps/v1/Deployment": _SELECTOR,
    "apps/v1/DaemonSet": _SELECTOR,
    "apps/v1/ReplicaSet": _SELECTOR,
    "apps/v1/StatefulSet": _STATEFUL,
    "batch/v1/Job": ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    "rbac.authorization.k8s.io/v1/RoleBinding": ("roleRef",),
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ("roleRef",),
    "storage.k8s.io/v1/StorageClass": (
        "parameters",
        "provisioner",
        "reclaimPolicy",
        "volumeBindingMode",
    ),
    "v1/PersistentVolumeClaim": ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
    "v1/ResourceQuota": ("spec.scopes",),
    "v1/Secret": ("type",),
    "v1/Service": ("spec.clusterIP",),
}
"""Immutable fields by API version and kind."""

_EVERYWHERE = frozenset({"apiVersion", "kind", "metadata.name", "metadata.namespace"})
_WITH_IMMUTABLE = frozenset({"data", "binaryData", "stringData"})

CLUSTER_SCOPED = frozenset(
    {
        "APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "CSIDriver", "CSINode",
        "CustomResourceDefinition", "FlowSchema", "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node",
        "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass", "StorageClass",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
        "VolumeAttachment", "VolumeAttributesClass",
    }
)  # fmt: skip
"""Kinds of Kubernetes itself that have no namespace."""

_CUSTOM_CLUSTER_SCOPED = frozenset(
    {"GatewayClass", "MutatingPolicy", "ValidatingPolicy", "VolumeSnapshotClass", "VolumeSnapshotContent"}
)
"""The same of definitions that Kade uses. By convention a kind called `Cluster…` has none either."""


def cluster_scoped(kind: str) -> bool:
    """Say whether objects of a kind have no namespace.

    The official provider asks the cluster. Here no cluster is there, so a custom kind is decided by its name.
    """
    named = kind.startswith("Cluster") and kind != "Cluster"
    return kind in CLUSTER_SCOPED or kind in _CUSTOM_CLUSTER_SCOPED or named


def replaces(api_version: str, kind: str, path: Path, immutable: bool) -> bool:
    """Say whether a change at a path makes a new object; `immutable` is the object's own field of that name."""
    dotted = ".".join(str(part) for part in path)
    if dotted in _EVERYWHERE or (immutable and str(path[0]) in _WITH_IMMUTABLE):
        return True
    fields = IMMUTABLE.get(f"{api_version}/{kind}", ())
    return any(dotted == field or dotted.startswith(f"{field}.") for field in fields)
