"""pod_security-host-process: no Windows container is a process of the node."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, contexts, pod_security, read


@pod_security(
    "host-process",
    "No Windows container is a process of the node",
    level=Level.BASELINE,
    control="HostProcess",
    severity=Severity.CRITICAL,
    cis=("5.2.10",),
    rationale="A HostProcess container has the rights of the node itself.",
    looks_at="`windowsOptions.hostProcess` of the pod and of each container.",
    fix="Remove `hostProcess`.",
)
def host_process(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at pod and containers."""
    for who, path, context in contexts(pod):
        value = read(context, "windowsOptions", "hostProcess")
        if isinstance(value, Unknown):
            yield value
        elif value:
            yield Bad(f"{who} is a process of the node.", f"{path}.windowsOptions.hostProcess", False, True, False)
