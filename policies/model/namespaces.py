"""Namespaces, teams in them, and what the outside can reach."""

from __future__ import annotations

from dataclasses import dataclass

from policies.kernel.finding import Subject
from policies.model.resource import Inventory
from policies.model.values import Unknown, dig, items, text

TEAM_LABELS = ("kade/team", "kade.dev/team", "team")
"""Labels that say whose a namespace is, the first found counts."""
_POD_SECURITY = "pod-security.kubernetes.io/"


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace."""

    subject: Subject
    team: str | Unknown | None
    enforce: str | Unknown | None
    """Pod Security level it enforces; `None` where it has no label."""
    audit: str | Unknown | None
    warn: str | Unknown | None


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team, as its namespaces show it."""

    name: str
    namespaces: tuple[Namespace, ...]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Something that answers to the outside."""

    subject: Subject
    path: str
    protocol: str | Unknown | None
    port: int | str | Unknown | None
    host: str | Unknown | None


def namespaces(inventory: Inventory) -> tuple[Namespace, ...]:
    """Return the namespaces."""
    return tuple(
        Namespace(
            subject=item.subject,
            team=next((text(item.labels[label]) for label in TEAM_LABELS if label in item.labels), None),
            enforce=text(item.labels.get(f"{_POD_SECURITY}enforce")),
            audit=text(item.labels.get(f"{_POD_SECURITY}audit")),
            warn=text(item.labels.get(f"{_POD_SECURITY}warn")),
        )
        for item in inventory.objects("Namespace", "")
    )


def teams(found: tuple[Namespace, ...]) -> tuple[Team, ...]:
    """Return the teams that own namespaces."""
    names = sorted({namespace.team for namespace in found if isinstance(namespace.team, str)})
    return tuple(Team(name=name, namespaces=tuple(n for n in found if n.team == name)) for name in names)


def listeners(inventory: Inventory) -> tuple[Listener, ...]:
    """Return the listeners of gateways, and of services that ask for an address of their own."""
    found: list[Listener] = []
    for item in inventory.objects("Gateway", "gateway.networking.k8s.io"):
        for index, part in enumerate(items(item.get("spec", "listeners"))):
            port = text(dig(part, "port"))
            found.append(
                Listener(
                    subject=item.subject,
                    path=f"spec.listeners[{index}]",
                    protocol=text(dig(part, "protocol")),
                    port=port,
                    host=text(dig(part, "hostname")),
                )
            )
    for item in inventory.objects("Service", ""):
        kind = text(item.get("spec", "type"))
        if isinstance(kind, Unknown) or kind in ("LoadBalancer", "NodePort"):
            for index, part in enumerate(items(item.get("spec", "ports"))):
                found.append(
                    Listener(
                        subject=item.subject,
                        path=f"spec.ports[{index}]",
                        protocol=text(dig(part, "protocol")),
                        port=text(dig(part, "port")),
                        host=None,
                    )
                )
    return tuple(found)
