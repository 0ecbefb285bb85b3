"""tenancy-default-deny: a team's namespace is closed both ways."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.words import Severity
from policies.model.fences import Fence
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import fails, undetermined
from policies.rules.tenancy.shared import Teams, each, strays, tenancy

WAYS = {"Ingress": "in", "Egress": "out"}


@tenancy(
    "default-deny",
    title="A team's namespace is closed both ways",
    bio2=("8.03.01", "8.22.01"),
    cis=("5.3.2",),
    rationale="Without a closing policy every pod of every team can reach every other one, and the internet.",
    looks_at="The network policies of each team's namespace: in each direction one for all pods must close it, and none"
    " may open it for everything again. Policies of Cilium count.",
    severity=Severity.HIGH,
    fix="Add a NetworkPolicy with an empty `podSelector`, `policyTypes: [Ingress, Egress]` and no rules.",
)
def default_deny(model: Model, parameters: Teams) -> Iterator[Outcome]:
    """Look at each direction of each namespace."""
    return each(model, parameters, _look, "{} namespaces of teams are closed both ways.")


def _look(fence: Fence, _team: str) -> Iterator[Outcome]:
    for direction, way in WAYS.items():
        opened = [rule for rule in fence.policies if rule.everyone is True and direction in rule.opens]
        closed = [
            rule
            for rule in fence.policies
            if rule.everyone is True and not isinstance(rule.closes, Unknown) and direction in rule.closes
        ]
        if opened:
            path = f"spec.{direction.lower()}"
            sentence = f"It allows everything {way}, whatever other policies close."
            fix = Fix(text="Name who may be at the other end.", path=path)
            yield fails(opened[0].subject, sentence, path=path, expected="named peers", actual="everything", fix=fix)
        elif not closed:
            gaps = [one for rule in fence.policies for one in (rule.everyone, rule.closes) if isinstance(one, Unknown)]
            gaps += strays(fence, "NetworkPolicy", "CiliumNetworkPolicy")
            if gaps:
                yield undetermined(fence.subject, f"Whether the way {way} is closed is not known yet.", gaps)
            else:
                sentence = f"Nothing closes the namespace's way {way}."
                yield fails(fence.subject, sentence, path=direction, expected="closed", actual="open")
