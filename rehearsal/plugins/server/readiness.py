"""When an object is ready, kind by kind, as the official provider waits for it. Pure: looks at objects only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

from rehearsal.plugins.server.client import Object
from rehearsal.plugins.server.conditions import conditions


@dataclass(frozen=True)
class State:
    """How far an object is."""

    kind: Literal["ready", "waiting", "failed"]
    """`failed`: it will not become ready by waiting."""
    why: str = ""


READY = State("ready")
Look = Callable[[str], Object | None]
"""Fetches another object of the cluster by its path."""


def state(live: Object, look: Look) -> State:
    """Say how far an object is. A kind that nobody waits for is ready as soon as it exists."""
    check = _CHECKS.get(f"{live.get('apiVersion')}/{live.get('kind')}")
    return check(live, look) if check is not None else READY


def seconds(live: Object) -> float:
    """Return how long the official provider waits for a kind when nobody says otherwise."""
    return _SECONDS.get(f"{live.get('apiVersion')}/{live.get('kind')}", 600.0 if _waited_for(live) else 300.0)


def _waited_for(live: Object) -> bool:
    return f"{live.get('apiVersion')}/{live.get('kind')}" in _CHECKS


def _part(live: Object, name: str) -> Object:
    found: Any = live.get(name)
    return cast("Object", found) if isinstance(found, dict) else {}


def _number(part: Object, key: str, default: int = 0) -> int:
    value = part.get(key)
    return value if isinstance(value, int) else default


def _seen(live: Object) -> bool:
    """Say whether the controller has seen the newest version of the object."""
    return _number(_part(live, "status"), "observedGeneration") >= _number(_part(live, "metadata"), "generation")


def _message(condition: Object) -> str:
    return ": ".join(str(condition[key]) for key in ("reason", "message") if condition.get(key))


def _replicas(live: Object, keys: tuple[str, ...], wanted: int) -> State:
    status = _part(live, "status")
    short = [f"{key} {_number(status, key)} of {wanted}" for key in keys if _number(status, key) < wanted]
    return State("waiting", ", ".join(short)) if short else READY


def _deployment(live: Object, look: Look) -> State:
    del look
    for condition in conditions(live, "Progressing"):
        if condition.get("reason") == "ProgressDeadlineExceeded":
            return State("failed", _message(condition))
    if not _seen(live):
        return State("waiting", "its controller has not seen it yet")
    wanted = _number(_part(live, "spec"), "replicas", 1)
    rolled_out = _replicas(live, ("updatedReplicas", "availableReplicas"), wanted)
    if rolled_out is not READY:
        failed = [_message(c) for c in conditions(live, "ReplicaFailure") if c.get("status") == "True"]
        return State("waiting", "; ".join([rolled_out.why, *failed]))
    old = _number(_part(live, "status"), "replicas") - _number(_part(live, "status"), "updatedReplicas")
    return State("waiting", f"{old} replicas of the version before are still there") if old > 0 else READY


def _stateful_set(live: Object, look: Look) -> State:
    del look
    if not _seen(live):
        return State("waiting", "its controller has not seen it yet")
    spec, status = _part(live, "spec"), _part(live, "status")
    wanted = _number(spec, "replicas", 1)
    strategy = _part(spec, "updateStrategy")
    updated = wanted - _number(_part(strategy, "rollingUpdate"), "partition")
    if strategy.get("type") != "OnDelete" and _number(status, "updatedReplicas") < updated:
        return State("waiting", f"updatedReplicas {_number(status, 'updatedReplicas')} of {updated}")
    return _replicas(live, ("readyReplicas",), wanted)


def _daemon_set(live: Object, look: Look) -> State:
    del look
    if not _seen(live):
        return State("waiting", "its controller has not seen it yet")
    wanted = _number(_part(live, "status"), "desiredNumberScheduled")
    on_delete = _part(_part(live, "spec"), "updateStrategy").get("type") == "OnDelete"
    keys = ("numberAvailable",) if on_delete else ("updatedNumberScheduled", "numberAvailable")
    return _replicas(live, keys, wanted)


def _pod(live: Object, look: Look) -> State:
    del look
    phase = _part(live, "status").get("phase")
    if phase == "Succeeded" or any(c.get("status") == "True" for c in conditions(live, "Ready")):
        return READY
    if phase == "Failed":
        status = _part(live, "status")
        return State("failed", _message(status) or "the pod failed")
    pending = [_message(c) for c in conditions(live) if c.get("status") == "False" and _message(c)]
    return State("waiting", "; ".join(pending) or f"phase {phase}")


def _job(live: Object, look: Look) -> State:
    del look
    if any(c.get("status") == "True" for c in conditions(live, "Complete")):
        return READY
    failed = [_message(c) for c in conditions(live, "Failed") if c.get("status") == "True"]
    if failed:
        return State("failed", failed[0])
    wanted = _number(_part(live, "spec"), "completions", 1)
    return State("waiting", f"succeeded {_number(_part(live, 'status'), 'succeeded')} of {wanted}")


def _service(live: Object, look: Look) -> State:
    spec = _part(live, "spec")
    if spec.get("type") == "LoadBalancer" and not _part(_part(live, "status"), "loadBalancer").get("ingress"):
        return State("waiting", "no address has been assigned")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return READY
    metadata = _part(live, "metadata")
    path = f"/apis/discovery.k8s.io/v1/namespaces/{metadata['namespace']}/endpointslices"
    slices = look(f"{path}?labelSelector=kubernetes.io%2Fservice-name%3D{metadata['name']}") or {}
    for entry in cast("list[Object]", slices.get("items") or []):
        endpoints: list[Object] = entry.get("endpoints") or []
        if any(_part(endpoint, "conditions").get("ready") for endpoint in endpoints):
            return READY
    return State("waiting", "no ready pod matches its selector")


def _claim(live: Object, look: Look) -> State:
    phase = _part(live, "status").get("phase")
    if phase == "Bound":
        return READY
    if phase == "Lost":
        return State("failed", "its volume is gone")
    name = _part(live, "spec").get("storageClassName")
    if name and (look(f"/apis/storage.k8s.io/v1/storageclasses/{name}") or {}).get("volumeBindingMode") == (
        "WaitForFirstConsumer"
    ):
        return READY  # it is bound when a pod needs it
    return State("waiting", f"phase {phase}: no volume is bound to it (storage class {name or 'none'})")


def _volume(live: Object, look: Look) -> State:
    del look
    phase = _part(live, "status").get("phase")
    return READY if phase in ("Available", "Bound") else State("waiting", f"phase {phase}")


def _quota(live: Object, look: Look) -> State:
    del look
    same = _part(_part(live, "status"), "hard") == _part(_part(live, "spec"), "hard")
    return READY if same else State("waiting", "its controller has not counted yet")


def _namespace(live: Object, look: Look) -> State:
    del look
    phase = _part(live, "status").get("phase")
    return READY if phase == "Active" else State("waiting", f"phase {phase}")


def _definition(live: Object, look: Look) -> State:
    del look
    refused = [_message(c) for c in conditions(live, "NamesAccepted") if c.get("status") == "False"]
    if refused:
        return State("failed", refused[0])
    established = any(c.get("status") == "True" for c in conditions(live, "Established"))
    return READY if established else State("waiting", "not established")


_CHECKS: dict[str, Callable[[Object, Look], State]] = {
    "apiextensions.k8s.io/v1/CustomResourceDefinition": _definition,
    "apps/v1/DaemonSet": _daemon_set,
    "apps/v1/Deployment": _deployment,
    "apps/v1/StatefulSet": _stateful_set,
    "batch/v1/Job": _job,
    "v1/Namespace": _namespace,
    "v1/PersistentVolume": _volume,
    "v1/PersistentVolumeClaim": _claim,
    "v1/Pod": _pod,
    "v1/ResourceQuota": _quota,
    "v1/Service": _service,
}
_SECONDS = {
    "v1/PersistentVolume": 300.0,
    "v1/PersistentVolumeClaim": 300.0,
    "v1/Pod": 300.0,
    "v1/ResourceQuota": 60.0,
}
