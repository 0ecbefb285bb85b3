"""pod_security-host-path: no volume is a folder of the node."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, dig, items
from policies.rules.pod_security.shared import Bad, Level, pod_security, shown


@pod_security(
    "host-path",
    "No volume is a folder of the node",
    level=Level.BASELINE,
    control="HostPath Volumes",
    severity=Severity.HIGH,
    cis=("5.2.11",),
    rationale="A folder of the node holds what other teams' pods wrote, and often the way to the node's own keys.",
    looks_at="`hostPath` of each volume of the pod.",
    fix="Use a claim, a `configMap`, an `emptyDir` or a CSI volume.",
)
def host_path(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at each volume."""
    volumes = pod.spec.get("volumes")
    if isinstance(volumes, Unknown):
        yield volumes
    for index, volume in enumerate(items(volumes)):
        found = volume if isinstance(volume, Unknown) else dig(volume, "hostPath")
        if isinstance(found, Unknown):
            yield found
        elif found is not None:
            path = f"{pod.path}.volumes[{index}].hostPath"
            folder = dig(found, "path")
            yield Bad("A volume is a folder of the node.", path, "no hostPath", shown(folder))
