"""Gateway API: the one way in, shared by all teams.

The gateway is carried by Cilium, which is the cluster's network anyway, so that no second proxy has to be run and
updated. Its custom resource definitions belong to the cluster layer: Cilium looks for them only when it starts.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from components.services.definition import Manifest, Place, ServiceDefinition, Values
from inputs.validate import FileModel

NAMESPACE = "gateway"
GATEWAY = "public"
CLASS = "kade"
"""A class of our own, so that the gateway does not depend on what Cilium's chart makes."""
ROUTES_LABEL = "kade/gateway"
"""Label of a namespace whose routes the gateway accepts; its value is the gateway's name."""

CERTIFICATES = {
    # cert-manager makes a certificate for every listener that names a Secret. So the gateway needs nothing of
    # cert-manager's to be made, and cert-manager can follow it: it refuses to start without the Gateway API's CRDs.
    "cert-manager.io/cluster-issuer": "public",
    # NCSC's guidelines for TLS call RSA below 3072 bits, cert-manager's default, to be phased out.
    "cert-manager.io/private-key-algorithm": "ECDSA",
    "cert-manager.io/private-key-size": "256",
    "cert-manager.io/private-key-rotation-policy": "Always",
}
"""How cert-manager is to make the certificates of the listeners."""


class GatewayApiSettings(FileModel):
    """Settings of the gateway."""

    domains: list[str] = Field(default_factory=list[str])
    """Domains whose hosts the gateway answers for, beside the cluster's own: those of the environments it carries.

    Each gets a listener and a wildcard certificate. Default: none, as one environment often has the cluster's domain.
    """
    address: str | None = None
    """Address of the gateway. Default: the first of the cluster's load-balancer range, so that DNS can be prepared."""


def domains(settings: GatewayApiSettings, place: Place) -> list[str]:
    """Return the domains that the gateway answers for, the cluster's own first."""
    return list(dict.fromkeys([place.cluster.domain, *settings.domains]))


def _listener(domain: str) -> dict[str, object]:
    return {
        "name": f"https-{domain.replace('.', '-')}"[:63].rstrip("-"),
        "hostname": f"*.{domain}",
        "port": 443,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": secret(domain)}]},
        "allowedRoutes": _labelled(),
    }


def _labelled() -> dict[str, object]:
    """Routes are accepted from labelled namespaces only: a host name cannot be taken by who was not let in."""
    return {"namespaces": {"from": "Selector", "selector": {"matchLabels": {ROUTES_LABEL: GATEWAY}}}}


def secret(domain: str) -> str:
    """Return the name of the Secret that holds a domain's certificate."""
    return f"{domain.replace('.', '-')}-tls"


def _values(_settings: GatewayApiSettings, _place: Place) -> dict[str, Values]:
    return {}


def _objects(settings: GatewayApiSettings, place: Place) -> list[Manifest]:
    address = settings.address or place.cluster.load_balancer_range[0]
    passthrough = {
        # OpenBao ends TLS itself: a proxy in between would read every secret.
        "name": "passthrough",
        "hostname": place.host("openbao"),
        "port": 443,
        "protocol": "TLS",
        "tls": {"mode": "Passthrough"},
        "allowedRoutes": _labelled(),
    }
    plain = {
        "name": "http",
        "port": 80,
        "protocol": "HTTP",
        # Only the redirect below, in this namespace, may use the unencrypted listener.
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    listeners: list[dict[str, Any]] = [plain, *(_listener(domain) for domain in domains(settings, place))]
    if "openbao" in place.services:
        listeners.append(passthrough)
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": "io.cilium/gateway-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": NAMESPACE, "annotations": CERTIFICATES},
            "spec": {
                "gatewayClassName": CLASS,
                "addresses": [{"type": "IPAddress", "value": address}],
                "listeners": listeners,
            },
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "redirect-to-https", "namespace": NAMESPACE},
            "spec": {
                "parentRefs": [{"name": GATEWAY, "sectionName": "http"}],
                "rules": [
                    {
                        "filters": [
                            {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
                        ]
                    }
                ],
            },
        },
    ]


SERVICE = ServiceDefinition(
    name="gateway-api",
    title="Gateway API",
    summary="The shared gateway: TLS for every host of the cluster, and a redirect from http to https.",
    category="networking",
    charts=(),
    namespace=NAMESPACE,
    pod_security="restricted",
    settings=GatewayApiSettings,
    values=_values,
    objects=_objects,
    bio2=("5.14.01", "8.24.01"),
    notes=(
        "Talos applies the custom resource definitions at bootstrap (`GATEWAY_API` in components/cluster/charts.py "
        "names their version); a cluster that was not made by Kade must bring them, before its network plugin starts.",
        "The minimum TLS version is Envoy's own: 1.2. Gateway API has no key for it and Cilium offers none, so this "
        "is a property of the pinned Cilium version, not something declared here.",
        "A wildcard certificate from an ACME server needs a DNS-01 solver.",
    ),
)
