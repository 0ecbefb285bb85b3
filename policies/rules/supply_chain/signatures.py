"""supply_chain-signatures: the cluster runs only what somebody signed."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Layer, Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import absent, fails, not_here, passes, undetermined
from policies.rules.supply_chain.shared import supply_chain


class Signed(Parameters):
    """What the organisation signs."""

    signed: tuple[str, ...] = ()
    """Registries or paths whose images are signed. Default: none, because only the organisation knows its keys."""


@supply_chain(
    "signatures",
    title="The cluster runs only what somebody signed",
    bio2=("8.19", "8.24"),
    rationale="A trusted registry that was broken into serves what the intruder pushed; a signature it cannot make.",
    looks_at="A policy that checks signatures: `verifyImages` or an ImageValidatingPolicy of Kyverno, or a"
    " ClusterImagePolicy of sigstore; it must refuse, not only report. Which images are signed says the parameter;"
    " while it names none, a cluster without such a policy is undetermined.",
    severity=Severity.MEDIUM,
    parameters=Signed,
    fix="Declare a policy that checks the signatures of your images, and refuses what has none.",
)
def signatures(model: Model, parameters: Signed) -> Iterator[Outcome]:
    """Look for what checks signatures."""
    found = model.verifications
    unknown = [one.refuses for one in found if isinstance(one.refuses, Unknown)]
    refusing = [one for one in found if one.refuses is True]
    objects = tuple(sorted(one.subject for one in found))
    what = "Nothing here checks the signatures of images"
    if refusing:
        sentence = f"{refusing[0].subject} refuses images without a signature."
        yield passes(model.cluster, sentence, objects=objects)
    elif unknown:
        yield undetermined(model.cluster, "Whether images are refused is not known yet.", unknown, objects=objects)
    elif found:
        first = found[0]
        sentence = "It only reports images without a signature."
        yield fails(first.subject, sentence, path=first.path, expected="refuses", actual="reports")
    elif parameters.signed:
        yield absent(model, Layer.SERVICES, what, path="verifyImages")
    elif model.holds(Layer.SERVICES) is False or not (model.pods or model.releases):
        yield not_here(model, f"{what}; nothing here decides what the cluster admits.")
    else:
        delegate = "the organisation, which has not said which of its images are signed"
        yield undetermined(model.cluster, f"{what}.", delegate=delegate)
