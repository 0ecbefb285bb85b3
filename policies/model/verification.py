"""What checks the signatures of images before they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.kernel.finding import Subject
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Unknown, dig, items, text


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A policy that checks signatures."""

    subject: Subject
    refuses: bool | Unknown
    """Whether it refuses what is not signed; else it only reports."""
    path: str
    """What decides that."""


def verifications(inventory: Inventory) -> tuple[Verification, ...]:
    """Return the policies of Kyverno and of sigstore's policy controller that check signatures."""
    return tuple(_all(inventory))


def _all(inventory: Inventory) -> Iterator[Verification]:
    for kind in ("ClusterPolicy", "Policy"):
        for item in inventory.objects(kind, "kyverno.io"):
            rules = [rule for rule in items(item.get("spec", "rules")) if items(dig(rule, "verifyImages"))]
            if rules:
                yield _kyverno(item, rules)
    for kind in ("ImageValidatingPolicy", "NamespacedImageValidatingPolicy"):
        for item in inventory.objects(kind, "policies.kyverno.io"):
            actions = item.get("spec", "validationActions")
            given = actions if isinstance(actions, Unknown) else "Deny" in items(actions) or actions is None
            yield Verification(subject=item.subject, refuses=given, path="spec.validationActions")
    for item in inventory.objects("ClusterImagePolicy", "policy.sigstore.dev"):
        mode = text(item.get("spec", "mode"))
        refuses = mode if isinstance(mode, Unknown) else mode != "warn"
        yield Verification(subject=item.subject, refuses=refuses, path="spec.mode")


def _kyverno(item: KubernetesObject, rules: list[object]) -> Verification:
    path = "spec.validationFailureAction"
    for index, rule in enumerate(rules):
        for place, one in enumerate(items(dig(rule, "verifyImages"))):
            own = text(dig(one, "failureAction"))
            if own is not None:
                where = f"spec.rules[{index}].verifyImages[{place}].failureAction"
                refuses = own if isinstance(own, Unknown) else own == "Enforce"
                return Verification(subject=item.subject, refuses=refuses, path=where)
    action = text(item.get("spec", "validationFailureAction"))
    refuses = action if isinstance(action, Unknown) else str(action).lower() == "enforce"
    return Verification(subject=item.subject, refuses=refuses, path=path)
