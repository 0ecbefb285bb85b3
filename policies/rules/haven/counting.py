"""Counting nodes of a role: shared by the checks on control planes and on workers."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.words import Layer
from policies.model.model import Model
from policies.rules.outcomes import fails, not_here, passes, undetermined


def without_nodes(model: Model) -> Outcome | None:
    """Return the outcome where nodes belong to another stack; `None` where they belong here."""
    if model.nodes.pools or model.holds(Layer.MACHINES) or model.holds(Layer.CLUSTER):
        return None
    return not_here(model, "No nodes are declared here.")


def enough(
    model: Model, role: str, minimum: int, *, word: str, key: str, notes: tuple[str, ...] = ()
) -> Iterator[Outcome]:
    """Decide whether there are enough nodes of a role."""
    beside = without_nodes(model)
    if beside is not None:
        yield beside
        return
    count = model.nodes.count(role)
    pools = [pool for pool in model.nodes.pools if pool.node.role == role]
    objects = tuple(sorted(pool.node.subject for pool in pools))
    path = next((pool.count_path or pool.node.role_path for pool in pools), "") or "configPatches[*].machine.type"
    answer = count.at_least(minimum)
    if answer:
        sentence = f"{count} {word} nodes are declared, as {model.nodes.seen_as}."
        yield passes(
            model.cluster,
            sentence,
            path=path,
            expected=f">= {minimum}",
            actual=str(count),
            objects=objects,
            notes=(*notes, *computed(model)),
        )
    elif answer is None:
        sentence = f"The number of {word} nodes is not known yet: {count}, where {minimum} are needed."
        yield undetermined(
            model.cluster,
            sentence,
            count.unknown,
            path=path,
            expected=f">= {minimum}",
            actual=str(count),
            objects=objects,
        )
    else:
        own = next((pool.count_path for pool in pools if pool.count_path), "")
        fix = Fix(text=f"Raise the number of {word} nodes to {minimum}.", path=own or key, value=minimum)
        sentence = f"{count} {word} node{'' if count.exact == 1 else 's'} declared, at least {minimum} are needed."
        yield fails(
            model.cluster, sentence, path=path, expected=f">= {minimum}", actual=count.exact, fix=fix, objects=objects
        )


def computed(model: Model) -> tuple[str, ...]:
    """Return a sentence on parts of machines that are computed while applying; nothing where there are none."""
    found = [node for node in model.nodes.all if node.computed]
    if not found:
        return ()
    which = sorted({path for node in found for path in node.computed})
    return (f"{', '.join(which)} of {len(found)} machines is computed while applying, and taken not to change this.",)
