"""pod_security-capabilities-restricted: containers drop every capability."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, items
from policies.rules.pod_security.capabilities import ALLOWED
from policies.rules.pod_security.shared import Bad, Level, only_linux, pod_security, read, shown

ONE = "NET_BIND_SERVICE"
"""The one capability that may be added: to listen on a port below 1024."""


@pod_security(
    "capabilities-restricted",
    "Containers drop every capability",
    level=Level.RESTRICTED,
    control="Capabilities",
    severity=Severity.MEDIUM,
    cis=("5.2.8", "5.2.9"),
    rationale="What a container does not have, nobody who breaks into it has.",
    looks_at="`capabilities.drop` of each container, which must hold ALL, and `capabilities.add`, which may only hold"
    f" {ONE}; what is worse is the baseline rule's. Not asked of Windows.",
    fix="Set `securityContext.capabilities.drop` of each container to `[ALL]`.",
)
def capabilities_restricted(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at what each container drops and adds."""
    yield from only_linux(pod, _kept(pod))


def _kept(pod: Pod) -> Iterator[Bad | Unknown]:
    for container in pod.containers:
        found = read(container.context, "capabilities")
        if isinstance(found, Unknown):
            yield found
            continue
        path = f"{container.path}.securityContext.capabilities"
        dropped = read(found, "drop")
        if isinstance(dropped, Unknown):
            yield dropped
        elif "ALL" not in items(dropped):
            unknown = next((one for one in items(dropped) if isinstance(one, Unknown)), None)
            kept = f"Container {container.name} keeps capabilities."
            actual = ", ".join(map(str, items(dropped))) or None
            yield unknown or Bad(kept, f"{path}.drop", "ALL", actual, "ALL")
        for index, one in enumerate(items(read(found, "add"))):
            if one != ONE and one in ALLOWED:
                sentence = f"Container {container.name} adds the capability {one}."
                yield Bad(sentence, f"{path}.add[{index}]", ONE, shown(one))
