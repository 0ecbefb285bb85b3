"""Fences: what bounds the namespaces of a team on the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies.kernel.finding import Subject
from policies.model.namespaces import TEAM_LABELS
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Data, Unknown, dig, items, mapping, text

BOUNDS = ("NetworkPolicy", "CiliumNetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount")
"""Kinds of objects that bound a namespace."""
_NAMESPACE = ("k8s:io.kubernetes.pod.namespace", "io.kubernetes.pod.namespace")
"""Labels by which a policy of Cilium for the whole cluster chooses a namespace."""


@dataclass(frozen=True, kw_only=True)
class NetworkRule:
    """A network policy, as far as closing a namespace goes."""

    subject: Subject
    everyone: bool | Unknown
    """Whether it is for every pod of the namespace."""
    closes: tuple[str, ...] | Unknown
    """Directions that it closes, `Ingress` and `Egress`: what no policy allows in them is refused."""
    opens: tuple[str, ...] = ()
    """Directions in which it allows everything, whatever other policies close."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A service account."""

    subject: Subject
    mounts: bool | Unknown | None
    """Whether pods get its token without asking; `None` where it does not say, which means yes."""


@dataclass(frozen=True, kw_only=True)
class Fence:
    """A namespace with what bounds it."""

    subject: Subject
    name: str
    labels: Data | Unknown
    policies: tuple[NetworkRule, ...]
    quotas: tuple[Subject, ...]
    limits: tuple[Subject, ...]
    accounts: tuple[Account, ...]
    strays: Mapping[str, tuple[Unknown, ...]]
    """Namespaces that are not known yet of objects that may belong here, by the objects' kind."""

    def label(self, name: str) -> str | Unknown | None:
        """Return a label; `None` where it is missing."""
        if isinstance(self.labels, Unknown):
            return self.labels
        return text(self.labels.get(name))

    def team(self, labels: tuple[str, ...] = TEAM_LABELS) -> str | Unknown | None:
        """Return whose it is: the first of the labels that is there."""
        return next((found for name in labels if (found := self.label(name)) is not None), None)


def fences(inventory: Inventory) -> tuple[Fence, ...]:
    """Return every namespace with what bounds it."""
    strays = {kind: _unplaced(inventory.objects(kind)) for kind in BOUNDS}
    policies = _by_namespace(inventory.objects("NetworkPolicy", "networking.k8s.io"))
    cilium = _by_namespace(inventory.objects("CiliumNetworkPolicy", "cilium.io"))
    wide = inventory.objects("CiliumClusterwideNetworkPolicy", "cilium.io")
    quotas = _by_namespace(inventory.objects("ResourceQuota", ""))
    limits = _by_namespace(inventory.objects("LimitRange", ""))
    accounts = _by_namespace(inventory.objects("ServiceAccount", ""))
    found: list[Fence] = []
    for item in inventory.objects("Namespace", ""):
        labels = item.get("metadata", "labels")
        found.append(
            Fence(
                subject=item.subject,
                name=item.name,
                labels=labels if isinstance(labels, Unknown) else mapping(labels),
                policies=(
                    *map(_policy, policies.get(item.name, ())),
                    *(_cilium(one) for one in cilium.get(item.name, ())),
                    *(_cilium(one, item.name) for one in wide),
                ),
                quotas=tuple(one.subject for one in quotas.get(item.name, ())),
                limits=tuple(one.subject for one in limits.get(item.name, ())),
                accounts=tuple(_account(one) for one in accounts.get(item.name, ())),
                strays=strays,
            )
        )
    return tuple(found)


def _unplaced(found: list[KubernetesObject]) -> tuple[Unknown, ...]:
    named = [item.get("metadata", "namespace") for item in found]
    return tuple(one for one in named if isinstance(one, Unknown))


def _by_namespace(found: list[KubernetesObject]) -> dict[str, list[KubernetesObject]]:
    result: dict[str, list[KubernetesObject]] = {}
    for item in found:
        result.setdefault(item.namespace, []).append(item)
    return result


def _policy(item: KubernetesObject) -> NetworkRule:
    selector = item.get("spec", "podSelector")
    types = item.get("spec", "policyTypes")
    closes: tuple[str, ...] | Unknown
    if isinstance(types, Unknown):
        closes = types
    elif types is None:
        # What Kubernetes assumes: incoming always, outgoing where something is said of it.
        closes = ("Ingress", "Egress") if dig(item.body, "spec", "egress") is not None else ("Ingress",)
    else:
        closes = tuple(one for one in items(types) if isinstance(one, str))
    opened = tuple(direction for direction in ("Ingress", "Egress") if _opens(item, direction.lower()))
    return NetworkRule(subject=item.subject, everyone=_everyone(selector), closes=closes, opens=opened)


def _opens(item: KubernetesObject, direction: str) -> bool:
    """Whether a policy allows everything in a direction: one empty rule."""
    return any(isinstance(rule, dict) and not rule for rule in items(dig(item.body, "spec", direction)))


def _cilium(item: KubernetesObject, namespace: str = "") -> NetworkRule:
    """Read a policy of Cilium: a direction that it speaks of is closed for the rest.

    `namespace`: the one that is asked about, of a policy for the whole cluster. Default: the policy's own.
    """
    selector = item.get("spec", "endpointSelector")
    spec = item.get("spec")
    closes: tuple[str, ...] | Unknown = (
        spec
        if isinstance(spec, Unknown)
        else tuple(word for word in ("Ingress", "Egress") if word.lower() in mapping(spec))
    )
    return NetworkRule(subject=item.subject, everyone=_everyone(selector, namespace), closes=closes)


def _everyone(selector: object, namespace: str = "") -> bool | Unknown:
    if isinstance(selector, Unknown):
        return selector
    labels = mapping(mapping(selector).get("matchLabels"))
    others = {
        key: value for key, value in labels.items() if not (key in _NAMESPACE and namespace and value == namespace)
    }
    return not others and not mapping(selector).get("matchExpressions")


def _account(item: KubernetesObject) -> Account:
    found = item.get("automountServiceAccountToken")
    return Account(subject=item.subject, mounts=found if isinstance(found, bool | Unknown) else None)
