"""haven-failuredomains: two zones are really two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from policies.kernel.finding import Fix, Outcome
from policies.kernel.registry import RULES
from policies.kernel.rule import Control, Parameters
from policies.kernel.words import Layer, Severity
from policies.model.machines import FailureDomain
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.haven.shared import DECIDED, VERSION, bio2_controls
from policies.rules.outcomes import fails, not_here, passes, undetermined

_FIX = Fix(text="Bind the machines of each zone to hosts of its own with a mandatory VM-host rule.", path="zones")


@RULES.rule(
    id="haven-failuredomains",
    title="Zones are failure domains",
    rationale="The checker counts labels. Two labels on the same hosts pass its check and fail together in the "
    "first outage.",
    category="Infrastructure",
    severity=Severity.HIGH,
    decidable=DECIDED,
    controls=(Control("Haven", VERSION, "multiaz"), *bio2_controls("8.14")),
    looks_at="On vSphere: for every zone that a machine's tag names, a mandatory VM-host rule that binds its "
    "machines to a group of hosts, and that no host is in the groups of two zones.",
    fix="Give each zone hosts of its own, and bind its machines to them with a mandatory VM-host rule.",
)
def failuredomains(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look at what stands behind the zones."""
    zones: dict[str, list[str]] = defaultdict(list)
    for machine in model.machines:
        if isinstance(machine.zone, str):
            zones[machine.zone].append(machine.urn)
    unknown = [machine.zone for machine in model.machines if isinstance(machine.zone, Unknown)]
    if not model.machines or (len(zones) < 2 and not unknown):
        what = "There are no two zones here." if model.holds(Layer.MACHINES) else "Machines belong to another stack."
        yield not_here(model, what)
        return
    if unknown:
        yield undetermined(model.cluster, "The zones of the machines are not known yet.", unknown)
        return
    behind: dict[str, FailureDomain] = {}
    for zone, urns in sorted(zones.items()):
        domain = next((d for d in model.failure_domains if d.mandatory is True and set(d.machines) >= set(urns)), None)
        if domain is None:
            sentence = f"Nothing keeps the machines of zone {zone} on hosts of its own: the label means nothing."
            yield fails(
                model.cluster,
                sentence,
                path="mandatory",
                expected="a mandatory VM-host rule",
                actual="absent",
                fix=_FIX,
                objects=tuple(sorted(d.subject for d in model.failure_domains)),
            )
            return
        behind[zone] = domain
    yield _apart(model, behind)


def _apart(model: Model, behind: dict[str, FailureDomain]) -> Outcome:
    objects = tuple(sorted(domain.subject for domain in behind.values()))
    gaps = [domain.hosts for domain in behind.values() if isinstance(domain.hosts, Unknown)]
    for (one, first), (other, second) in combinations(sorted(behind.items()), 2):
        if isinstance(first.hosts, frozenset) and isinstance(second.hosts, frozenset) and first.hosts & second.hosts:
            number = len(first.hosts & second.hosts)
            sentence = f"The zones {one} and {other} share {number} hosts: two labels on one failure domain."
            return fails(
                second.subject,
                sentence,
                path="affinityHostGroupName",
                expected="hosts of its own",
                actual=f"{number} shared",
                fix=_FIX,
                objects=objects,
            )
    if gaps:
        return undetermined(
            model.cluster, "Which hosts stand behind the zones is not known yet.", gaps, objects=objects
        )
    sentence = f"Each of the {len(behind)} zones has hosts of its own."
    return passes(
        model.cluster, sentence, path="hostSystemIds", expected="no shared hosts", actual="none shared", objects=objects
    )
