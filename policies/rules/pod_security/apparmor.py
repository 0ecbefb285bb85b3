"""pod_security-apparmor: nobody leaves the AppArmor profile of the node."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.words import Severity
from policies.model.pods import Pod
from policies.model.values import Unknown
from policies.rules.pod_security.shared import Bad, Level, contexts, pod_security, read, shown

ALLOWED = ("RuntimeDefault", "Localhost")
ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


@pod_security(
    "apparmor",
    "AppArmor confines every container",
    level=Level.BASELINE,
    control="AppArmor",
    severity=Severity.MEDIUM,
    cis=("5.6.3",),
    rationale="AppArmor stops much of what breaks out of a container; `Unconfined` switches it off.",
    looks_at="`appArmorProfile.type` of the pod and of each container, and the older annotations: the runtime's profile"
    " or one of the node, or nothing said.",
    fix="Remove the profile, or use `RuntimeDefault`.",
)
def apparmor(pod: Pod) -> Iterator[Bad | Unknown]:
    """Look at fields and annotations."""
    for who, path, context in contexts(pod):
        profile = read(context, "appArmorProfile")
        kind = read(context, "appArmorProfile", "type")
        if isinstance(kind, Unknown):
            yield kind
        elif profile is not None and kind not in ALLOWED:
            sentence = f"{who} leaves AppArmor's profile."
            yield Bad(sentence, f"{path}.appArmorProfile.type", " or ".join(ALLOWED), shown(kind), ALLOWED[0])
    if isinstance(pod.annotations, Unknown):
        yield pod.annotations
        return
    for key, value in pod.annotations.items():
        if not key.startswith(ANNOTATION):
            continue
        if isinstance(value, Unknown):
            yield value
        elif value and value != "runtime/default" and not str(value).startswith("localhost/"):
            sentence = f"An annotation takes container {key.removeprefix(ANNOTATION)} out of AppArmor's profile."
            yield Bad(sentence, f"{pod.annotations_path}[{key}]", "runtime/default", shown(value), "runtime/default")
