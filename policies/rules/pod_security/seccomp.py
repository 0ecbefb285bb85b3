"""pod_security-seccomp: nobody switches the filter of system calls off."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, contexts, pod_security, read, shown

ALLOWED = ("RuntimeDefault", "Localhost")


@pod_security(
    "seccomp",
    "Nobody switches the filter of system calls off",
    level=Level.BASELINE,
    control="Seccomp",
    severity=Severity.MEDIUM,
    cis=("5.6.2",),
    linux_when_restricted=True,
    rationale="The filter keeps system calls away that containers do not need and attackers do.",
    looks_at="`seccompProfile.type` of the pod and of each container: the runtime's or one of the node, or none."
    " Where restricted is asked, not asked of Windows.",
    fix="Use `RuntimeDefault`.",
)
def seccomp(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at every profile that is set."""
    for who, path, context in contexts(pod):
        kind = read(context, "seccompProfile", "type")
        if isinstance(kind, Unknown):
            yield kind
        elif kind not in (None, *ALLOWED) or (kind is None and read(context, "seccompProfile") is not None):
            sentence = f"{who} switches the filter of system calls off."
            yield Bad(sentence, f"{path}.seccompProfile.type", " or ".join(ALLOWED), shown(kind), ALLOWED[0])
