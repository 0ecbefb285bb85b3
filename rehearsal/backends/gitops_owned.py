"""What a root of the GitOps engine has made, and how it goes: what is gone from the folder, or all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rehearsal.backends.api import ApiError, Client, Object, dig, items, mapping

TRACKING = "argocd.argoproj.io/tracking-id"
"""Annotation by which the engine knows what is its own: release, kind, namespace and name."""
OPTIONS = "argocd.argoproj.io/sync-options"
NAMESPACE = "argocd"
APPLICATIONS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"

ORDER = ("Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount", "Secret", "ConfigMap",
         "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole",
         "ClusterRoleBinding", "Role", "RoleBinding", "Service", "DaemonSet", "Pod", "ReplicaSet", "Deployment",
         "StatefulSet", "Job", "CronJob", "Ingress")  # fmt: skip
"""Kinds within a wave, first to last; all others follow them."""


def rank(kind: str) -> int:
    """Return a kind's place in `ORDER`."""
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


@dataclass(frozen=True)
class Owned:
    """One live object that belongs to a root."""

    path: str
    rank: int
    """Its kind's place in `ORDER`."""
    tracking: str
    options: str
    going: bool


def owned(client: Client, root: Object) -> list[Owned]:
    """Return what belongs to a root, in the reverse of the order in which it came. Raises ApiError.

    The root's own status says what it has made; only what carries its mark still counts.
    """
    stack = str(dig(root, "metadata", "name"))
    found: list[Owned] = []
    for one in items(root, "status", "resources"):
        api = "/".join(part for part in (dig(one, "group"), dig(one, "version")) if part)
        try:
            kind = client.kind(api, str(dig(one, "kind")))
            path = kind.path(str(dig(one, "namespace") or NAMESPACE), str(dig(one, "name")))
            live = client.get(path)
        except ApiError as error:
            if error.status != 404:
                raise
            continue
        annotations = mapping(live, "metadata", "annotations")
        tracking = str(annotations.get(TRACKING, ""))
        if tracking.startswith(f"{stack}:"):
            going = dig(live, "metadata", "deletionTimestamp") is not None
            found.append(Owned(path, rank(kind.kind), tracking, str(annotations.get(OPTIONS, "")), going))
    return sorted(found, key=lambda one: one.rank, reverse=True)


def prune(client: Client, root: Object, kept: Iterable[str]) -> int:
    """Delete what belongs to a root and is no longer in its folder; return how many. Raises ApiError."""
    kept = set(kept)
    doomed = [one for one in owned(client, root) if one.tracking not in kept and "Prune=false" not in one.options]
    for one in doomed:
        client.delete(one.path)
    return len(doomed)


def cascade(client: Client, root: Object) -> int:
    """Delete all that belongs to a root that goes; return how many objects are still there. Raises ApiError."""
    left = [one for one in owned(client, root) if "Delete=false" not in one.options]
    for one in left:
        if not one.going:
            client.delete(one.path)
    return len(left)
