"""pod_security-seccomp-restricted: every container has a filter of system calls."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, only_linux, pod_security, read


@pod_security(
    "seccomp-restricted",
    "Every container has a filter of system calls",
    level=Level.RESTRICTED,
    control="Seccomp",
    severity=Severity.MEDIUM,
    cis=("5.6.2",),
    rationale="Where nothing is said, the kubelet's own default decides, which is no filter unless somebody set one.",
    looks_at="Whether `seccompProfile` is set, by the pod or by each container. Not asked of Windows.",
    fix="Set `securityContext.seccompProfile.type` of the pod to `RuntimeDefault`.",
)
def seccomp_restricted(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look for containers without a profile."""
    yield from only_linux(pod, _silent(pod))


def _silent(pod: Pod) -> Iterator[Bad | Unknown]:
    whole = read(pod.context, "seccompProfile")
    if whole is not None and not isinstance(whole, Unknown):
        return
    for container in pod.containers:
        own = read(container.context, "seccompProfile")
        if own is None and isinstance(whole, Unknown):
            yield whole
            return
        if isinstance(own, Unknown):
            yield own
        elif own is None:
            path = f"{container.path}.securityContext.seccompProfile.type"
            sentence = f"Container {container.name} has no filter of system calls."
            yield Bad(sentence, path, "RuntimeDefault or Localhost", None, "RuntimeDefault")
