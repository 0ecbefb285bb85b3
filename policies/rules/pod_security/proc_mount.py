"""pod_security-proc-mount: containers see the masked /proc."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, pod_security, read, shown


def unmasked(pod: Pod) -> Iterator[Bad | Unknown]:
    """Yield the containers that ask for another /proc."""
    for container in pod.containers:
        value = read(container.context, "procMount")
        if isinstance(value, Unknown):
            yield value
        elif value not in (None, "Default"):
            path = f"{container.path}.securityContext.procMount"
            yield Bad(f"Container {container.name} sees all of /proc.", path, "Default", shown(value), "Default")


@pod_security(
    "proc-mount",
    "Containers see the masked /proc",
    level=Level.BASELINE,
    control="/proc Mount Type",
    severity=Severity.MEDIUM,
    cis=("5.6.3",),
    rationale="Without the masks a container reads and writes the kernel's own settings.",
    looks_at="`procMount` of each container. A pod with users of its own (`hostUsers: false`) may choose.",
    fix="Remove `procMount`.",
)
def proc_mount(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at pods without users of their own."""
    if pod.own_users is True:
        return
    for one in unmasked(pod):
        yield pod.own_users if isinstance(pod.own_users, Unknown) else one
