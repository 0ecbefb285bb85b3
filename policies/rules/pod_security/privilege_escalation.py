"""pod_security-privilege-escalation: no process gets more rights than its parent."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, only_linux, pod_security, read, shown


@pod_security(
    "privilege-escalation",
    "No process gets more rights than its parent",
    level=Level.RESTRICTED,
    control="Privilege Escalation",
    severity=Severity.MEDIUM,
    cis=("5.2.6",),
    rationale="A program with the setuid bit makes root of any user, unless this says no.",
    looks_at="`allowPrivilegeEscalation` of each container, which must be false. Not asked of Windows.",
    fix="Set `securityContext.allowPrivilegeEscalation` of each container to false.",
)
def privilege_escalation(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at each container."""
    yield from only_linux(pod, _open(pod))


def _open(pod: Pod) -> Iterator[Bad | Unknown]:
    for container in pod.containers:
        value = read(container.context, "allowPrivilegeEscalation")
        if isinstance(value, Unknown):
            yield value
        elif value is not False:
            path = f"{container.path}.securityContext.allowPrivilegeEscalation"
            actual = None if value is None else shown(value)
            yield Bad(f"Container {container.name} may get more rights.", path, False, actual, False)
