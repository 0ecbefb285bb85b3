"""What a destroyed environment leaves on purpose: production keeps its data, and what cannot be told from data.

Each rule names who keeps a thing and where that is written, so that anything else that is left counts as left over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.backends import api
from rehearsal.rehearse import Rehearsal

_OBJECT = re.compile(r"kubernetes (?P<kind>\w+)\.(?P<group>\S*) (?P<namespace>[^/\s]*)/(?P<name>\S+)")
_OF_EVERY_NAMESPACE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
RETAINED = "retained by their stack"
"""The reason that stands in a stack's state (`retainOnDelete`)."""


@dataclass(frozen=True)
class Kept:
    """Things that are left on purpose, with the reason of each, and things that should have been and are gone."""

    reasons: dict[str, str]
    """Reason by thing."""
    missing: tuple[str, ...]

    def __str__(self) -> str:
        """Return how many are kept for which reason, for people."""
        found = list(self.reasons.values())
        return ", ".join(f"{found.count(reason)} {reason}" for reason in dict.fromkeys(found))


def retained(resources: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield what the engine leaves when it destroys these resources of a state, as the inventory names it."""
    for one in resources:
        if not one.get("retainOnDelete"):
            continue
        inputs: dict[str, Any] = one.get("inputs") or {}
        package, _, kind = str(one["type"]).partition(":")
        if package == "kubernetes":
            group = str(inputs["apiVersion"]).rpartition("/")[0]
            metadata = api.mapping(inputs, "metadata")
            yield f"kubernetes {inputs['kind']}.{group} {metadata.get('namespace', '')}/{metadata['name']}"
        elif kind.endswith(":VirtualMachine"):
            yield f"vcenter VirtualMachine {inputs['name']}"
            yield f"kubernetes Node. /{inputs['name']}"  # it goes on running
        elif kind.endswith(":Folder"):
            yield f"vcenter Folder {inputs['path']}"
        elif kind.endswith(":Mount"):
            yield f"openbao mount {inputs['path']}/"


def kept(place: Rehearsal, promised: Iterable[str], left: Iterable[str], there: Iterable[str]) -> Kept:
    """Return which of the things that are left were left on purpose.

    Args:
        place: the rehearsal, after everything was destroyed.
        promised: what `retained` said before.
        left: what is there and was not before the environment came.
        there: everything that is there.

    """
    assert place.endpoints.kubernetes is not None
    client = api.connect(Path(place.endpoints.kubernetes.kubeconfig))
    wanted = set(promised)
    reasons: dict[str, str] = {}
    for thing in left:
        reason = RETAINED if thing in wanted else _reason(client, thing, wanted)
        if reason:
            reasons[thing] = reason
    return Kept(reasons, tuple(sorted(wanted - set(there))))


def _reason(client: api.Client, thing: str, promised: set[str]) -> str:
    """Return who keeps an object of a retained namespace, or nothing."""
    parts = _OBJECT.fullmatch(thing)
    if parts is None or f"kubernetes Namespace. /{parts['namespace']}" not in promised:
        return ""
    if (parts["kind"], parts["name"]) in _OF_EVERY_NAMESPACE:
        return "of every namespace"
    metadata = api.mapping(_read(client, parts), "metadata")
    annotations, labels = api.mapping(metadata, "annotations"), api.mapping(metadata, "labels")
    if "Delete=false" in str(annotations.get("argocd.argoproj.io/sync-options", "")).split(","):
        return "never deleted by Argo CD (`Delete=false`)"
    if parts["kind"] == "Secret" and "cert-manager.io/certificate-name" in annotations:
        return "left by cert-manager, as its default is"
    if parts["kind"] == "Secret" and labels.get("reconcile.external-secrets.io/managed") == "true":
        return "orphaned by its ExternalSecret (`creationPolicy: Orphan`)"
    if parts["kind"] == "ServiceAccount" and "kade/played-by" in annotations:
        return "of a release that is kept"
    if parts["kind"] == "PersistentVolumeClaim" and "app.kubernetes.io/instance" in labels:
        return "claimed by a StatefulSet that is kept"
    return ""


def _read(client: api.Client, parts: re.Match[str]) -> api.Object:
    found = (kind for kind in client.kinds() if (kind.kind, kind.group) == (parts["kind"], parts["group"]))
    return client.get(next(found).path(parts["namespace"], parts["name"]))
