"""pod_security-host-ports: no container takes a port of the node."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, dig, items
from policies.rules.pod_security.shared import Bad, Level, pod_security, shown


@pod_security(
    "host-ports",
    "No container takes a port of the node",
    level=Level.BASELINE,
    control="Host Ports",
    severity=Severity.MEDIUM,
    cis=("5.2.12",),
    rationale="A port of the node is reached past the gateway and past network policies.",
    looks_at="`hostPort` of each port of each container.",
    fix="Remove `hostPort`, and reach the pod through a Service.",
)
def host_ports(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at each port."""
    for container in pod.containers:
        ports = container.body.get("ports")
        if isinstance(ports, Unknown):
            yield ports
        for index, port in enumerate(items(ports)):
            found = port if isinstance(port, Unknown) else dig(port, "hostPort")
            if isinstance(found, Unknown):
                yield found
            elif found:
                path = f"{container.path}.ports[{index}].hostPort"
                yield Bad(f"Container {container.name} takes a port of the node.", path, "not set", shown(found))
