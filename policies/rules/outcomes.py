"""Short ways to say what a rule finds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policies.kernel.finding import Fix, Outcome, Scalar, Subject
from policies.kernel.words import Layer, Status
from policies.model.model import Model
from policies.model.values import Unknown


def passes(subject: Subject, sentence: str, **more: Any) -> Outcome:
    """Say that it is as it should be."""
    return Outcome(status=Status.PASS, subject=subject, sentence=sentence, **more)


def fails(
    subject: Subject, sentence: str, *, path: str, expected: Scalar, actual: Scalar, fix: Fix | None = None, **more: Any
) -> Outcome:
    """Say that it is wrong, where, and what is expected there."""
    return Outcome(
        status=Status.FAIL,
        subject=subject,
        sentence=sentence,
        path=path,
        expected=expected,
        actual=actual,
        fix=fix,
        **more,
    )


def undetermined(
    subject: Subject, sentence: str, unknown: Iterable[Unknown] = (), *, delegate: str = "", **more: Any
) -> Outcome:
    """Say that it cannot be known, and which property or who would have to say."""
    gaps = tuple(dict.fromkeys(item.gap for item in unknown))
    return Outcome(status=Status.UNDETERMINED, subject=subject, sentence=sentence, gaps=gaps, delegate=delegate, **more)


def not_here(model: Model, sentence: str) -> Outcome:
    """Say that there is nothing here that the rule looks at; undetermined where a part could not be read."""
    if model.gaps:
        return undetermined(model.cluster, f"{sentence} A part of the cluster could not be read.", model.gaps)
    return Outcome(status=Status.NOT_APPLICABLE, subject=model.cluster, sentence=sentence)


def absent(model: Model, layer: Layer, what: str, *, path: str, fix: Fix | None = None, **more: Any) -> Outcome:
    """Say what it means that something is not there.

    A fail where the layer is judged here in full; nothing where it belongs to another stack; undetermined where it is
    not known what else belongs to the cluster, or where something unseen may bring it.
    """
    held = model.holds(layer)
    if held is False:
        return not_here(model, f"{what}: the {layer} layer is another stack.")
    if held is None:
        if model.gaps:
            return undetermined(model.cluster, f"{what}, but a part of the cluster could not be read.", model.gaps)
        if not (model.releases or model.workloads or model.delegations):
            return not_here(model, f"{what}, and nothing of the {layer} layer is here.")
        open_end = [item.subject for item in model.delegations if not item.confined]
        delegate = f"what {', '.join(map(str, open_end))} delivers" if open_end else "the cluster's other stacks"
        return undetermined(model.cluster, f"{what}. It may be installed elsewhere.", delegate=delegate, **more)
    return fails(model.cluster, f"{what}.", path=path, expected="present", actual="absent", fix=fix, **more)


def tool_only(model: Model, sentence: str, delegate: str = "the official checker, on the running cluster") -> Outcome:
    """Say that only the official checker can decide: a question for a whole cluster, not for one layer of it."""
    if model.scope.layers is not None and not model.scope.whole:
        return not_here(model, f"{sentence} Asked for the whole cluster only.")
    return undetermined(model.cluster, sentence, delegate=delegate)
