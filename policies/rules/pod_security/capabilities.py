"""pod_security-capabilities: containers add no capability beyond the usual ones."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, items
from policies.rules.pod_security.shared import Bad, Level, pod_security, read, shown

ALLOWED = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
"""What container runtimes give by themselves, without NET_RAW."""


@pod_security(
    "capabilities",
    "Containers add no dangerous capability",
    level=Level.BASELINE,
    control="Capabilities",
    severity=Severity.HIGH,
    cis=("5.2.8", "5.2.9"),
    linux_when_restricted=True,
    rationale="SYS_ADMIN is nearly root on the node, and NET_RAW lets a pod answer in another one's name.",
    looks_at="`capabilities.add` of each container: only what container runtimes give by themselves, NET_RAW not."
    " Where restricted is asked, not asked of Windows.",
    fix="Remove the capability from `capabilities.add`.",
)
def capabilities(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at what each container adds."""
    for container in pod.containers:
        added = read(container.context, "capabilities", "add")
        if isinstance(added, Unknown):
            yield added
        for index, one in enumerate(items(added)):
            if isinstance(one, Unknown):
                yield one
            elif one not in ALLOWED:
                path = f"{container.path}.securityContext.capabilities.add[{index}]"
                yield Bad(f"Container {container.name} adds the capability {one}.", path, "not added", shown(one))
