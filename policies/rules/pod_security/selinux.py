"""pod_security-selinux: nobody leaves the SELinux types of containers."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, contexts, pod_security, read, shown

TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")


@pod_security(
    "selinux",
    "SELinux confines every container",
    level=Level.BASELINE,
    control="SELinux",
    severity=Severity.MEDIUM,
    cis=("5.6.3",),
    rationale="A type such as `spc_t`, or a user or role of one's own, takes a container out of SELinux' bounds.",
    looks_at="`seLinuxOptions` of the pod and of each container: only the types of containers, no user and no role.",
    fix="Remove `type`, `user` and `role` from `seLinuxOptions`.",
)
def selinux(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at type, user and role."""
    for who, path, context in contexts(pod):
        options = read(context, "seLinuxOptions")
        if isinstance(options, Unknown):
            yield options
            continue
        if options is None:
            continue
        for key in ("type", "user", "role"):
            value = read(options, key)
            if isinstance(value, Unknown):
                yield value
            elif value and not (key == "type" and value in TYPES):
                expected = ", ".join(TYPES) if key == "type" else "not set"
                yield Bad(f"{who} sets SELinux' {key}.", f"{path}.seLinuxOptions.{key}", expected, shown(value))
