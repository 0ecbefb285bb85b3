"""pod_security-proc-mount-restricted: not even a pod with users of its own sees all of /proc."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.proc_mount import unmasked
from policies.rules.pod_security.shared import Bad, Level, pod_security


@pod_security(
    "proc-mount-restricted",
    "Containers with users of their own see the masked /proc too",
    level=Level.RESTRICTED,
    control="/proc Mount Type",
    severity=Severity.LOW,
    rationale="Users of one's own make an unmasked /proc less dangerous, not harmless.",
    looks_at="`procMount` of each container of a pod with `hostUsers: false`; the others are the baseline rule's.",
    fix="Remove `procMount`.",
)
def proc_mount_restricted(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at the pods that the baseline rule lets choose."""
    if pod.own_users is True:
        yield from unmasked(pod)
    elif isinstance(pod.own_users, Unknown) and next(unmasked(pod), None) is not None:
        yield pod.own_users
