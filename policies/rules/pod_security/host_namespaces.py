"""pod_security-host-namespaces: a pod does not share the node's network, processes or memory."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, pod_security

SHARED = {"hostNetwork": "network", "hostPID": "processes", "hostIPC": "memory between processes"}


@pod_security(
    "host-namespaces",
    "Pods do not share the node's namespaces",
    level=Level.BASELINE,
    control="Host Namespaces",
    severity=Severity.HIGH,
    cis=("5.2.3", "5.2.4", "5.2.5"),
    rationale="Who shares the node's processes can read their memory and environment; who shares its network passes"
    " every network policy.",
    looks_at="`hostNetwork`, `hostPID` and `hostIPC` of the pod.",
    fix="Remove `hostNetwork`, `hostPID` and `hostIPC`.",
)
def host_namespaces(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at the three switches."""
    for key, what in SHARED.items():
        value = pod.spec.get(key)
        if isinstance(value, Unknown):
            yield value
        elif value:
            yield Bad(f"The pod shares the node's {what}.", f"{pod.path}.{key}", False, True, False)
