"""haven-multiaz: the nodes stand in more than one zone."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from policies.kernel.finding import Fix, Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.nodes import ZONE
from policies.model.values import Unknown
from policies.rules.haven.counting import computed, without_nodes
from policies.rules.haven.shared import DECIDED, haven
from policies.rules.outcomes import fails, passes, undetermined


class MultiAzParameters(Parameters):
    """Parameters of haven-multiaz."""

    minimum: int = Field(default=2, ge=2)
    """Number of zones. Default: 2, the checker's own number; it cannot be lowered."""


@haven(
    "multiaz",
    severity=Severity.HIGH,
    decidable=DECIDED,
    bio2=("8.14",),
    parameters=MultiAzParameters,
    looks_at=f"The distinct zones over all nodes together, control planes and workers: the label `{ZONE}` in Talos "
    "patches and on Node objects, failure domains of Cluster API, and tags of virtual machines. That two zones are "
    "really two is another rule: haven-failuredomains.",
    fix="Spread the nodes over two zones or more.",
)
def multiaz(model: Model, parameters: MultiAzParameters) -> Iterator[Outcome]:
    """Count zones."""
    beside = without_nodes(model)
    if beside is not None:
        yield beside
        return
    nodes = [pool.node for pool in model.nodes.pools if pool.count.upper != 0]
    zones = sorted({node.zone for node in nodes if isinstance(node.zone, str)})
    unknown = [node.zone for node in nodes if isinstance(node.zone, Unknown)]
    bare = [node for node in nodes if node.zone is None]
    path = next((node.zone_path for node in nodes if node.zone_path), f"machine.nodeLabels.{ZONE}")
    objects = tuple(sorted(node.subject for node in nodes))
    expected, actual = f">= {parameters.minimum} zones", f"{len(zones)}: {', '.join(zones) or 'none'}"
    if len(zones) >= parameters.minimum:
        notes = (*((f"{len(bare)} nodes have no zone.",) if bare else ()), *computed(model))
        sentence = f"The nodes stand in {len(zones)} zones: {', '.join(zones)}."
        yield passes(model.cluster, sentence, path=path, expected=expected, actual=actual, objects=objects, notes=notes)
    elif unknown:
        sentence = f"The zone of {len(unknown)} nodes is not known yet; known zones: {', '.join(zones) or 'none'}."
        yield undetermined(
            model.cluster, sentence, unknown, path=path, expected=expected, actual=actual, objects=objects
        )
    else:
        sentence = (
            f"All nodes stand in one zone, {zones[0]}." if zones else "Nothing says in which zone the nodes stand."
        )
        fix = Fix(text=f"Spread the nodes over at least {parameters.minimum} zones.", path="zones")
        yield fails(model.cluster, sentence, path=path, expected=expected, actual=actual, fix=fix, objects=objects)
