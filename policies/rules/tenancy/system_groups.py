"""tenancy-system-groups: nothing is given to everybody, and nobody is put above RBAC."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import fails, not_here, passes, undetermined
from policies.rules.tenancy.shared import Teams, tenancy

FORBIDDEN = {
    "system:masters": "a group that RBAC cannot take anything from",
    "system:unauthenticated": "everybody, without signing in",
    "system:anonymous": "everybody, without signing in",
    "system:authenticated": "everybody who signs in",
}
OWN = ("system:public-info-viewer", "system:basic-user", "system:discovery", "system:monitoring")
"""Roles that Kubernetes itself gives to everybody: they say what the API looks like, and whether it lives."""


@tenancy(
    "system-groups",
    title="Nothing is given to everybody",
    rationale="What everybody has, a stranger has; what system:masters has cannot be taken away without a new CA.",
    looks_at="Every binding to system:masters, system:unauthenticated, system:anonymous and system:authenticated,"
    " except those with which Kubernetes starts.",
    severity=Severity.CRITICAL,
    cis=("5.1.7",),
    fix="Bind a group of the directory.",
)
def system_groups(model: Model, _parameters: Teams) -> Iterator[Outcome]:
    """Look at who is bound."""
    wrong = False
    for binding in model.access.bindings:
        if binding.role in OWN or (binding.role == "cluster-admin" and binding.subject.name == "cluster-admin"):
            continue  # made by Kubernetes at every start
        if isinstance(binding.holders, Unknown):
            wrong = True
            yield undetermined(binding.subject, "Who is bound is not known yet.", [binding.holders], path="subjects")
            continue
        for holder in binding.holders:
            if isinstance(holder.name, Unknown):
                wrong = True
                yield undetermined(binding.subject, "Who is bound is not known yet.", [holder.name], path=holder.path)
            elif holder.name in FORBIDDEN:
                wrong = True
                path = f"{holder.path}.name"
                sentence = f"It gives rights to {holder.name}: {FORBIDDEN[holder.name]}."
                yield fails(
                    binding.subject, sentence, path=path, expected="a group of the directory", actual=holder.name
                )
    if not wrong:
        number = len(model.access.bindings)
        if number:
            yield passes(model.cluster, f"None of {number} bindings gives anything to everybody.")
        else:
            yield not_here(model, "There are no bindings here.")
