"""pod_security-run-as-user: nobody asks to be user 0."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, number
from policies.rules.pod_security.shared import Bad, Level, contexts, pod_security, read


@pod_security(
    "run-as-user",
    "Nobody asks to be user 0",
    level=Level.RESTRICTED,
    control="Running as Non-root user",
    severity=Severity.MEDIUM,
    cis=("5.2.7",),
    rationale="User 0 is root, whatever the image says.",
    looks_at="`runAsUser` of the pod and of each container, which must not be 0. A pod with users of its own"
    " (`hostUsers: false`) may be root inside.",
    fix="Remove `runAsUser`, or write another number than 0.",
)
def run_as_user(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at pods without users of their own."""
    if pod.own_users is True:
        return
    for who, path, context in contexts(pod):
        user = number(read(context, "runAsUser"))
        if isinstance(user, Unknown):
            yield user
        elif user == 0:
            bad = Bad(f"{who} runs as root.", f"{path}.runAsUser", "not 0", 0)
            yield pod.own_users if isinstance(pod.own_users, Unknown) else bad
