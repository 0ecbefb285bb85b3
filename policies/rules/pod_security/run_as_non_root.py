"""pod_security-run-as-non-root: containers are made to run as somebody else than root."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, pod_security, read


@pod_security(
    "run-as-non-root",
    "Containers are made to run as somebody else than root",
    level=Level.RESTRICTED,
    control="Running as Non-root",
    severity=Severity.MEDIUM,
    cis=("5.2.7",),
    rationale="Root in a container is root on the node once it breaks out; the kubelet refuses it where this is set.",
    looks_at="`runAsNonRoot` of the pod, or of every container, which must be true. A pod with users of its own"
    " (`hostUsers: false`) may be root inside.",
    fix="Set `securityContext.runAsNonRoot` of the pod to true.",
)
def run_as_non_root(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at pods without users of their own."""
    if pod.own_users is True:
        return
    for one in _root(pod):
        yield pod.own_users if isinstance(pod.own_users, Unknown) else one


def _root(pod: Pod) -> Iterator[Bad | Unknown]:
    whole = read(pod.context, "runAsNonRoot")
    if whole is False:
        yield Bad("The pod may run as root.", f"{pod.path}.securityContext.runAsNonRoot", True, False, True)
    for container in pod.containers:
        own = read(container.context, "runAsNonRoot")
        if own is None and isinstance(whole, Unknown):
            yield whole
            return
        if isinstance(own, Unknown):
            yield own
        elif own is False or (own is None and whole is None):
            path = f"{container.path}.securityContext.runAsNonRoot"
            yield Bad(f"Container {container.name} may run as root.", path, True, own, True)
