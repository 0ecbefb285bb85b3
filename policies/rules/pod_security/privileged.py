"""pod_security-privileged: no container is privileged."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, pod_security, read


@pod_security(
    "privileged",
    "No container is privileged",
    level=Level.BASELINE,
    control="Privileged Containers",
    severity=Severity.CRITICAL,
    cis=("5.2.2",),
    rationale="A privileged container is root on the node: every boundary between teams ends there.",
    looks_at="`privileged` of each container.",
    fix="Remove `privileged`, and ask for the one capability that is needed.",
)
def privileged(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at each container."""
    for container in pod.containers:
        value = read(container.context, "privileged")
        if isinstance(value, Unknown):
            yield value
        elif value:
            path = f"{container.path}.securityContext.privileged"
            yield Bad(f"Container {container.name} is privileged.", path, False, True, False)
