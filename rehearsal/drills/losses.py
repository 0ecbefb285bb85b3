"""A node, or a whole zone, goes: what still runs, and what the verdict says of what is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rehearsal import judging
from rehearsal.backends import api
from rehearsal.drills.outcome import Outcome
from rehearsal.rehearse import Rehearsal

ZONE = "topology.kubernetes.io/zone"
REPLICAS = 6
WAIT_SECONDS = 60.0


def node_lost(place: Rehearsal) -> Outcome:
    """Take one worker away."""
    return _lose(place, "node-lost", _one_worker)


def zone_lost(place: Rehearsal) -> Outcome:
    """Take every node of one zone away."""
    return _lose(place, "zone-lost", _one_zone)


def _lose(place: Rehearsal, drill: str, choose: Callable[[list[api.Object]], list[api.Object]]) -> Outcome:
    """Take nodes away, see where a spread workload goes, judge, and bring them back."""
    assert place.endpoints.kubernetes is not None
    kubeconfig = Path(place.endpoints.kubernetes.kubeconfig)
    client = api.connect(kubeconfig)
    nodes = [api.mapping(node) for node in api.items(client.get("/api/v1/nodes"), "items")]
    lost = choose(nodes)
    workload = f"kade-drill-{drill}"  # a namespace of its own: that of the drill before may still be going
    _spread(client, workload)
    try:
        before = _ready(client, workload)
        for node in lost:
            client.delete(f"/api/v1/nodes/{node['metadata']['name']}")
        after = _ready(client, workload, away={str(node["metadata"]["name"]) for node in lost})
        said, line = judging.live(kubeconfig, place.environment, place.workspace.out / drill)
    finally:
        for node in lost:
            client.create("/api/v1/nodes", _again(node))
        client.delete(f"/api/v1/namespaces/{workload}")
    zone = said["multiaz"]
    failing = ", ".join(sorted(name for name, check in said.items() if check.status == "fail")) or "none"
    names = ", ".join(sorted(str(node["metadata"]["name"]) for node in lost))
    return Outcome(
        drill=drill, point=f"{names} gone", converged=int(before == REPLICAS and after == REPLICAS),
        seen=f"{after} of {REPLICAS} pods run on what is left, {before} before; multiaz {zone.status}: {zone.sentence} "
        f"Failing: {failing}. {line}",
    )  # fmt: skip


def _one_worker(nodes: list[api.Object]) -> list[api.Object]:
    role = "node-role.kubernetes.io/control-plane"
    return [node for node in nodes if role not in api.mapping(node, "metadata", "labels")][:1]


def _one_zone(nodes: list[api.Object]) -> list[api.Object]:
    last = max(_zone(node) for node in nodes)
    return [node for node in nodes if _zone(node) == last]


def _zone(node: api.Object) -> str:
    return str(api.mapping(node, "metadata", "labels").get(ZONE, ""))


def _again(node: api.Object) -> api.Object:
    """Return a node as it registers when its machine is back."""
    metadata = {key: node["metadata"][key] for key in ("name", "labels", "annotations") if key in node["metadata"]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": node["spec"], "status": node["status"]}


def _spread(client: api.Client, namespace: str) -> None:
    """Make a workload of its own, spread over nodes and zones."""
    labels = {"app": "spread"}
    container = {
        "name": "spread", "image": "registry.example/spread:1.0.0",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }  # fmt: skip
    spread = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": labels},
        }
        for key in ("kubernetes.io/hostname", ZONE)
    ]
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "topologySpreadConstraints": spread},
    }
    client.apply(f"/api/v1/namespaces/{namespace}", _object("v1", "Namespace", namespace), "drill")
    deployment = _object("apps/v1", "Deployment", "spread", namespace) | {
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template}
    }
    client.apply(f"/apis/apps/v1/namespaces/{namespace}/deployments/spread", deployment, "drill")


def _object(version: str, kind: str, name: str, namespace: str = "") -> api.Object:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _ready(client: api.Client, namespace: str, away: set[str] | None = None) -> int:
    """Return how many pods run on nodes that are there, waiting until all of them do."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        pods = api.items(client.get(f"/api/v1/namespaces/{namespace}/pods"), "items")
        running = sum(
            api.dig(pod, "status", "phase") == "Running"
            and not api.dig(pod, "metadata", "deletionTimestamp")
            and api.dig(pod, "spec", "nodeName") not in (away or set())
            for pod in pods
        )
        if running >= REPLICAS or time.monotonic() > until:
            return running
        time.sleep(0.5)
