"""Network policies of a team's namespace: closed both ways, and what is opened in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.gitops.manifest import Manifest

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that Kubernetes itself puts on every namespace; nobody can claim another one's."""


@dataclass(frozen=True, kw_only=True)
class OpeningArgs:
    """A declared exception to default-deny."""

    name: str
    """Its name."""
    reason: str
    """Why it is needed; stands on the policy."""
    direction: Literal["in", "out"]
    """Who calls: others (`in`) or the team's pods (`out`)."""
    namespace: str | None
    """Namespace at the other end; this or `range` is given."""
    range: str | None
    """Range of addresses at the other end."""
    ports: Sequence[int]
    """TCP ports."""


def _policy(namespace: str, name: str, spec: dict[str, Any], annotations: dict[str, str] | None = None) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if annotations:
        metadata["annotations"] = annotations
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {"podSelector": {}, **spec},
    }


def policies(namespace: str, openings: Sequence[OpeningArgs]) -> list[Manifest]:
    """Return the policies of a namespace, the closing one first."""
    return [
        _policy(namespace, "default-deny", {"policyTypes": ["Ingress", "Egress"]}),
        _policy(
            namespace,
            "same-namespace",
            {
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [{"podSelector": {}}]}],
                "egress": [{"to": [{"podSelector": {}}]}],
            },
        ),
        _policy(
            namespace,
            "names",
            {
                "policyTypes": ["Egress"],
                "egress": [
                    {
                        "to": [
                            {
                                "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: "kube-system"}},
                                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                            }
                        ],
                        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
                    }
                ],
            },
        ),
        {
            # Cilium's gateway has no pods and no namespace that a NetworkPolicy could name.
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": {"name": "from-gateway", "namespace": namespace},
            "spec": {"endpointSelector": {}, "ingress": [{"fromEntities": ["ingress"]}]},
        },
        *(_opening(namespace, opening) for opening in openings),
    ]


def _opening(namespace: str, opening: OpeningArgs) -> Manifest:
    if opening.namespace:
        other: dict[str, Any] = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: opening.namespace}}}
    else:
        other = {"ipBlock": {"cidr": opening.range}}
    ports = [{"protocol": "TCP", "port": port} for port in opening.ports]
    if opening.direction == "in":
        spec: dict[str, Any] = {"policyTypes": ["Ingress"], "ingress": [{"from": [other], "ports": ports}]}
    else:
        spec = {"policyTypes": ["Egress"], "egress": [{"to": [other], "ports": ports}]}
    return _policy(namespace, f"opening-{opening.name}", spec, {"kade/reason": opening.reason})
