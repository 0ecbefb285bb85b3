"""pod_security-sysctls: pods set only kernel parameters that touch nobody else."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, dig, items
from policies.rules.pod_security.shared import Bad, Level, pod_security, read, shown

SAFE = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",  # since 1.27
        "net.ipv4.tcp_keepalive_time",  # since 1.29
        "net.ipv4.tcp_fin_timeout",  # since 1.29
        "net.ipv4.tcp_keepalive_intvl",  # since 1.29
        "net.ipv4.tcp_keepalive_probes",  # since 1.29
        "net.ipv4.tcp_rmem",  # since 1.32
        "net.ipv4.tcp_wmem",  # since 1.32
        "net.ipv4.tcp_slow_start_after_idle",  # since 1.37
        "net.ipv4.tcp_notsent_lowat",  # since 1.37
    }
)
"""Parameters that are apart for each pod, with the version of Kubernetes that calls them safe."""


@pod_security(
    "sysctls",
    "Pods set only safe kernel parameters",
    level=Level.BASELINE,
    control="Sysctls",
    severity=Severity.MEDIUM,
    cis=("5.6.3",),
    rationale="Other parameters hold for the whole node, or let one pod take what others need.",
    looks_at="`securityContext.sysctls` of the pod: only the 14 names that Kubernetes calls safe; older versions know"
    " fewer.",
    fix="Remove the parameter, or set it on the nodes.",
)
def sysctls(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at each name."""
    found = read(pod.context, "sysctls")
    if isinstance(found, Unknown):
        yield found
    for index, one in enumerate(items(found)):
        name = one if isinstance(one, Unknown) else dig(one, "name")
        if isinstance(name, Unknown):
            yield name
        elif name not in SAFE:
            path = f"{pod.path}.securityContext.sysctls[{index}].name"
            yield Bad(f"The pod sets the kernel parameter {name}.", path, "a safe parameter", shown(name))
