"""When an object counts as healthy, so that the next wave may come: as far as Argo CD's own assessments matter here."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal.backends.api import Object, dig, items


def waits_for(thing: Object) -> str | None:
    """Say what an object is still waiting for; `None` where it is healthy or has no health."""
    group = str(thing.get("apiVersion")).rpartition("/")[0]
    assess = _BY_KIND.get((group, str(thing.get("kind"))))
    return assess(thing) if assess else None


def _ready(thing: Object) -> str | None:
    return _condition(thing, "Ready")


def _condition(thing: Object, type_: str) -> str | None:
    for one in items(thing, "status", "conditions"):
        if dig(one, "type") == type_:
            return None if dig(one, "status") == "True" else f"is not {type_}: {dig(one, 'message')}"
    return f"is not {type_} yet"


def _application(thing: Object) -> str | None:
    health = dig(thing, "status", "health", "status")
    return None if health == "Healthy" else f"its health is {health or 'not known yet'}"


def _workload(thing: Object) -> str | None:
    wanted = int(dig(thing, "spec", "replicas") or 0)
    seen = dig(thing, "status", "observedGeneration") == dig(thing, "metadata", "generation")
    ready = int(dig(thing, "status", "readyReplicas") or 0)
    return None if seen and ready >= wanted else f"{ready} of {wanted} pods are ready"


def _claim(thing: Object) -> str | None:
    # A claim may wait for its first pod, which is of a later wave or of a chart.
    return "the volume is lost" if dig(thing, "status", "phase") == "Lost" else None


def _database(thing: Object) -> str | None:
    return None if dig(thing, "status", "phase") == "Cluster in healthy state" else "the servers are not healthy yet"


def _service(thing: Object) -> str | None:
    waits = dig(thing, "spec", "type") == "LoadBalancer" and not items(thing, "status", "loadBalancer", "ingress")
    return "it has no address yet" if waits else None


_BY_KIND: dict[tuple[str, str], Callable[[Object], str | None]] = {
    ("argoproj.io", "Application"): _application,
    ("cert-manager.io", "Certificate"): _ready,
    ("cert-manager.io", "ClusterIssuer"): _ready,
    ("cert-manager.io", "Issuer"): _ready,
    ("external-secrets.io", "ClusterSecretStore"): _ready,
    ("external-secrets.io", "SecretStore"): _ready,
    ("external-secrets.io", "ExternalSecret"): _ready,
    ("gateway.networking.k8s.io", "Gateway"): lambda thing: _condition(thing, "Programmed"),
    ("postgresql.cnpg.io", "Cluster"): _database,
    ("apps", "Deployment"): _workload,
    ("apps", "StatefulSet"): _workload,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
}
