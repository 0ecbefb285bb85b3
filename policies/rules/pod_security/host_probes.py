"""pod_security-host-probes: probes and lifecycle hooks call the pod itself, no other host."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, dig
from policies.rules.pod_security.shared import Bad, Level, pod_security, shown

CALLERS = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)


@pod_security(
    "host-probes",
    "Probes and lifecycle hooks call the pod itself",
    level=Level.BASELINE,
    control="Host Probes / Lifecycle Hooks",
    severity=Severity.MEDIUM,
    rationale="The kubelet makes these calls from the node: with a host of its own a pod has it call what the pod could"
    " not reach.",
    looks_at="`host` of `httpGet` and `tcpSocket` in the three probes and in `postStart` and `preStop`.",
    fix="Remove `host`.",
)
def host_probes(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at each call that the kubelet makes for a container."""
    for container in pod.containers:
        for caller in CALLERS:
            if caller[0] not in container.body:
                continue
            for way in ("httpGet", "tcpSocket"):
                host = dig(container.body, *caller, way, "host")
                if isinstance(host, Unknown):
                    yield host
                    break
                if host:
                    path = ".".join((container.path, *caller, way, "host"))
                    sentence = f"Container {container.name} has the kubelet call another host."
                    yield Bad(sentence, path, "not set", shown(host))
