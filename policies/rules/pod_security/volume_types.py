"""pod_security-volume-types: volumes are of the kinds that the cluster itself provides."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown, items, mapping
from policies.rules.pod_security.shared import Bad, Level, pod_security, shown

ALLOWED = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",  # since 1.33
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


@pod_security(
    "volume-types",
    "Volumes are of the kinds that the cluster provides",
    level=Level.RESTRICTED,
    control="Volume Types",
    severity=Severity.MEDIUM,
    cis=("5.6.3",),
    rationale="Kinds such as `nfs` or `iscsi` reach storage past the claims, quotas and drivers of the platform.",
    looks_at="The kind of each volume of the pod; `hostPath` is the baseline rule's.",
    fix="Use a claim.",
)
def volume_types(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at each volume's kind."""
    volumes = pod.spec.get("volumes")
    if isinstance(volumes, Unknown):
        yield volumes
    for index, volume in enumerate(items(volumes)):
        if isinstance(volume, Unknown):
            yield volume
            continue
        kinds = [key for key, value in mapping(volume).items() if key != "name" and value is not None]
        for kind in kinds:
            if kind not in ALLOWED and kind != "hostPath":
                path = f"{pod.path}.volumes[{index}].{kind}"
                yield Bad(f"A volume is of the kind {kind}.", path, "a kind of the cluster's own", shown(kind))
