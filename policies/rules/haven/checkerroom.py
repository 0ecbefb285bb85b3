"""haven-checkerroom: our own hardening leaves the checker room to run."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.registry import RULES
from policies.kernel.rule import Control, Parameters
from policies.kernel.words import Severity
from policies.model.control_plane import PodSecurity
from policies.model.model import Model
from policies.model.values import Unknown, items
from policies.rules.haven.shared import DECLARED, VERSION
from policies.rules.outcomes import fails, not_here, passes, undetermined

_STRICT = ("baseline", "restricted")
_WHERE = "in which namespace the checker starts its pod, which is not published"


@RULES.rule(
    id="haven-checkerroom",
    title="The checker can run here",
    rationale="To look at a node the checker starts a pod on a control plane that reads the host. A cluster that "
    "refuses every such pod fails nodehardening however hard its nodes are.",
    category="Fundamental",
    severity=Severity.MEDIUM,
    decidable=DECLARED,
    controls=(Control("Haven", VERSION, "nodehardening"),),
    looks_at="The defaults and exemptions of the Pod Security admission in Talos patches, namespaces that enforce "
    "`privileged`, and the namespaces that Kyverno's Pod Security policies leave out.",
    fix="Leave one namespace in which a privileged pod may run, and name it to whoever runs the checker.",
)
def checkerroom(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look for a namespace in which a privileged pod may run."""
    admissions = [plane.pod_security for plane in model.control_planes]
    policies = [service for service in model.service("Kyverno policies") if service.release]
    if not admissions and not policies:
        yield not_here(model, "Admission is configured in another stack.")
        return
    unknown = [admission for admission in admissions if isinstance(admission, Unknown)]
    if unknown:
        yield undetermined(model.cluster, "What the Pod Security admission refuses is not known.", unknown)
        return
    kyverno = _kyverno(model)
    if isinstance(kyverno, Unknown):
        yield undetermined(model.cluster, "What Kyverno refuses is not known.", [kyverno])
        return
    known = [admission for admission in admissions if isinstance(admission, PodSecurity)]
    users = sorted({user for admission in known for user in admission.users if isinstance(user, str)})
    rooms = {space.subject.name for space in model.namespaces if space.enforce == "privileged"}
    rooms |= {name for admission in known for name in admission.exempt if isinstance(name, str)}
    if any(plane.distribution == "Talos" for plane in model.control_planes):
        rooms.add("kube-system")  # exempt in the configuration that Talos generates; patches only add to it
    # Without a word about it Talos enforces baseline; kubeadm nothing.
    strict = any(plane.pod_security is None and plane.distribution == "Talos" for plane in model.control_planes)
    strict = strict or any(admission.enforce in _STRICT for admission in known)
    yield _answer(model, strict, rooms, users, kyverno)


def _kyverno(model: Model) -> set[str] | Unknown | None:
    """Return the namespaces that Kyverno's Pod Security policies leave out; `None` where they refuse nothing."""
    for service in model.service("Kyverno policies"):
        settings = service.settings
        action, level = settings.get("validationFailureAction"), settings.get("podSecurityStandard")
        left_out = settings.get("vpolExclude.excludeNamespaces")
        for value in (action, level, left_out):
            if isinstance(value, Unknown):
                return value
        if action == "Enforce" and level != "custom":
            return {str(name) for name in items(left_out)}
    return None


def _answer(model: Model, strict: bool, rooms: set[str], users: list[str], kyverno: set[str] | None) -> Outcome:
    if kyverno is not None:
        return _beside_kyverno(model, (rooms & kyverno) if strict and not users else kyverno)
    if not strict:
        return passes(model.cluster, "Nothing refuses a privileged pod by default.", path="defaults.enforce")
    if users:
        sentence = f"Pod Security leaves the pods of {', '.join(users)} alone: as that user the checker can run."
        return passes(
            model.cluster,
            sentence,
            path="exemptions.usernames",
            expected="room for the checker",
            actual=", ".join(users),
            notes=("Run the checker as that user.",),
        )
    return _in_a_namespace(model, rooms)


def _beside_kyverno(model: Model, rooms: set[str]) -> Outcome:
    if rooms:
        return _in_a_namespace(model, rooms)
    fix = Fix(text="Leave one namespace out of Kyverno's Pod Security policies.", path="vpolExclude.excludeNamespaces")
    return fails(
        model.cluster,
        "Kyverno refuses a privileged pod in every namespace that Pod Security leaves open.",
        path="vpolExclude.excludeNamespaces",
        expected="one namespace",
        actual="none",
        fix=fix,
    )


def _in_a_namespace(model: Model, rooms: set[str]) -> Outcome:
    if not rooms:
        fix = Fix(text="Exempt one namespace from Pod Security.", path="admissionControl.exemptions.namespaces")
        return fails(
            model.cluster,
            "Every namespace refuses a privileged pod: the checker cannot look at a node.",
            path="admissionControl.exemptions.namespaces",
            expected="one namespace",
            actual="none",
            fix=fix,
        )
    sentence = (
        f"A privileged pod may run in {', '.join(sorted(rooms))}; that the checker starts its pod there is not known."
    )
    return undetermined(model.cluster, sentence, delegate=_WHERE)
