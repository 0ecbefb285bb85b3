"""Issuers of cert-manager: what they are, and whether they can issue."""

from __future__ import annotations

from dataclasses import dataclass

from policies.kernel.finding import Subject
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Unknown, dig, items, mapping, text

KINDS = ("acme", "ca", "vault", "venafi", "selfSigned")

_REQUIRED = {
    "acme": (("server",), ("privateKeySecretRef", "name")),
    "ca": (("secretName",),),
    "vault": (("path",), ("server",), ("auth",)),
    "venafi": (("zone",),),
    "selfSigned": (),
}


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Something that signs certificates."""

    subject: Subject
    type: str | Unknown
    """One of `KINDS`, or `external` for another controller's."""
    missing: tuple[str, ...]
    """Paths that the type needs and that are not there."""
    unknown: tuple[Unknown, ...]
    """Needed values that are not known yet. A secret one is there, which is enough."""
    solvers: tuple[str, ...] = ()
    """Of `acme`: `dns01`, `http01-ingress`, `http01-gateway`."""


def issuers(inventory: Inventory) -> tuple[Issuer, ...]:
    """Return the issuers, of one namespace and of the cluster."""
    found: list[Issuer] = []
    for kind in ("ClusterIssuer", "Issuer"):
        found.extend(_issuer(item) for item in inventory.objects(kind, "cert-manager.io"))
    return tuple(found)


def _issuer(item: KubernetesObject) -> Issuer:
    spec = item.get("spec")
    if isinstance(spec, Unknown):
        return Issuer(subject=item.subject, type=spec, missing=(), unknown=())
    kind = next((kind for kind in KINDS if kind in mapping(spec)), "external")
    missing: list[str] = []
    unknown: list[Unknown] = []
    for path in _REQUIRED.get(kind, ()):
        value = dig(spec, kind, *path)
        if isinstance(value, Unknown):
            unknown.append(value.of(item.subject))
        elif value in (None, ""):
            missing.append(".".join(("spec", kind, *path)))
    solvers = tuple(_solver(solver) for solver in items(dig(spec, "acme", "solvers")))
    if kind == "acme" and not solvers:
        missing.append("spec.acme.solvers")
    return Issuer(subject=item.subject, type=kind, missing=tuple(missing), unknown=tuple(unknown), solvers=solvers)


def _solver(solver: object) -> str:
    if dig(solver, "dns01") is not None:
        return "dns01"
    return "http01-gateway" if dig(solver, "http01", "gatewayHTTPRoute") is not None else "http01-ingress"


def custom_resource_definitions(inventory: Inventory) -> tuple[str, ...]:
    """Return the names of the custom resource definitions that are declared by themselves."""
    names = (text(item.get("metadata", "name")) for item in inventory.objects("CustomResourceDefinition"))
    return tuple(sorted(name for name in names if isinstance(name, str)))
