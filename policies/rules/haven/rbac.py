"""haven-rbac: the API server asks who may do what."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Layer, Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.haven.counting import computed
from policies.rules.haven.shared import DECIDED, haven
from policies.rules.outcomes import fails, not_here, passes, undetermined


@haven(
    "rbac",
    severity=Severity.CRITICAL,
    decidable=DECIDED,
    bio2=("5.15.01", "8.03.01"),
    exemptable=False,
    looks_at="The authorisation modes of every API server: `authorization-mode` and `authorizationConfig` in Talos"
    " patches, `extraArgs` of kubeadm. Where nothing is said, Talos and kubeadm use Node and RBAC.",
    fix="Remove the argument `authorization-mode`, or set it to `Node,RBAC`.",
)
def rbac(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look at the authorisation modes."""
    planes = model.control_planes
    if not planes:
        held = model.holds(Layer.CLUSTER)
        if held or (held is None and model.nodes.pools):
            yield undetermined(
                model.cluster,
                "No configuration of an API server is seen here.",
                delegate="whoever runs the control plane",
            )
        else:
            yield not_here(model, "The control plane is configured in another stack.")
        return
    unknown: list[Unknown] = []
    for plane in planes:
        modes = plane.authorization
        if isinstance(modes, Unknown):
            unknown.append(modes)
        elif modes is not None and ("RBAC" not in modes or "AlwaysAllow" in modes):
            fix = Fix(text="Set it to `Node,RBAC`, or remove it.", path=plane.authorization_path, value="Node,RBAC")
            sentence = (
                "The API server lets everyone do everything."
                if "AlwaysAllow" in modes
                else "RBAC is not among the modes."
            )
            yield fails(
                plane.subject,
                sentence,
                path=plane.authorization_path,
                expected="Node,RBAC",
                actual=",".join(modes),
                fix=fix,
            )
            return
    objects = tuple(sorted(plane.subject for plane in planes))
    if unknown:
        yield undetermined(model.cluster, "The authorisation modes are not known yet.", unknown, objects=objects)
        return
    modes = [plane.authorization for plane in planes if isinstance(plane.authorization, tuple)]
    said = sorted({",".join(found) for found in modes})
    what = f"the modes are {said[0]}" if said else f"{planes[0].distribution}'s own modes hold, Node and RBAC"
    yield passes(
        model.cluster,
        f"RBAC is on: {what}.",
        path=planes[0].authorization_path,
        expected="Node,RBAC",
        actual=said[0] if said else "not changed",
        objects=objects,
        notes=computed(model),
    )
