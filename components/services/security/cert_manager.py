"""cert-manager: certificates that renew themselves, and the issuers that sign them."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from components.services.definition import Chart, Manifest, Place, ServiceDefinition, Values
from components.services.networking.gateway_api import GATEWAY
from components.services.networking.gateway_api import NAMESPACE as GATEWAY_NAMESPACE
from components.services.shared import RESTRICTED_CONTAINER, RESTRICTED_POD, resources
from inputs.validate import FileModel, RuleOfFile

NAMESPACE = "cert-manager"

CHART = Chart(
    name="cert-manager",
    repository="https://charts.jetstack.io",
    # renovate: datasource=helm depName=cert-manager registryUrl=https://charts.jetstack.io
    version="v1.21.2",
)


class Issuer(FileModel):
    """Who signs the certificates of the gateway."""

    kind: Literal["acme", "ca"]
    """`acme`: a server that speaks ACME, public or of the organisation. `ca`: a certificate authority whose key stands
    in a Secret of the cluster. No default: who vouches for the hosts is a decision."""
    server: str | None = Field(default=None, pattern="^https://")
    """Directory address of the ACME server. Needed with `acme`."""
    email: str | None = None
    """Mail address for the ACME account: the server warns it of certificates about to expire. Needed with `acme`."""
    dns01: dict[str, Any] | None = None
    """Solver of DNS-01 challenges, as `solvers[].dns01` of an issuer; credentials only as a reference to a Secret.

    Default: none, and then HTTP-01 through the gateway, which cannot prove wildcards.
    """
    ca_secret: str | None = None
    """Secret in the namespace `cert-manager` that holds the CA's `tls.crt` and `tls.key`. Default with `ca`: the
    cluster's own internal CA, which no browser knows; fit for a sandbox."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "acme" and not (self.server and self.email):
            msg = "an ACME issuer needs a server and a mail address"
            raise RuleOfFile(msg, "Add `server` and `email`.")
        if self.kind == "ca" and (self.server or self.email or self.dns01):
            msg = "`server`, `email` and `dns01` belong to kind `acme`"
            raise RuleOfFile(msg, "Remove them, or choose `acme`.")
        return self


class CertManagerSettings(FileModel):
    """Settings of cert-manager."""

    issuer: Issuer
    """Issuer of the gateway's certificates; it becomes the ClusterIssuer `public`."""


def _values(_settings: CertManagerSettings, place: Place) -> dict[str, Values]:
    pod = {
        "securityContext": RESTRICTED_POD,
        "containerSecurityContext": RESTRICTED_CONTAINER,
    }
    budget = {"enabled": True, "minAvailable": 1}
    return {
        CHART.name: {
            # The CRDs stay when the release goes: with them, every certificate in the cluster would go.
            "crds": {"enabled": True, "keep": True},
            "global": {"leaderElection": {"namespace": NAMESPACE}},
            "config": {
                "apiVersion": "controller.config.cert-manager.io/v1alpha1",
                "kind": "ControllerConfiguration",
                "enableGatewayAPI": True,
            },
            "replicaCount": place.replicas(2),
            "podDisruptionBudget": budget,
            "resources": resources("50m", "256Mi"),
            **pod,
            "webhook": {
                "replicaCount": place.replicas(3),
                "podDisruptionBudget": budget,
                "resources": resources("20m", "64Mi"),
                **pod,
            },
            "cainjector": {
                "replicaCount": place.replicas(2),
                "podDisruptionBudget": budget,
                "resources": resources("20m", "256Mi"),
                **pod,
            },
            "startupapicheck": {"resources": resources("10m", "64Mi"), **pod},
        }
    }


def _cluster_issuer(name: str, spec: dict[str, Any]) -> Manifest:
    return {"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": name}, "spec": spec}


def _public(issuer: Issuer) -> dict[str, Any]:
    if issuer.kind == "ca":
        return {"ca": {"secretName": issuer.ca_secret or "internal-ca"}}
    gateway = {"name": GATEWAY, "namespace": GATEWAY_NAMESPACE, "kind": "Gateway", "sectionName": "http"}
    solver = {"dns01": issuer.dns01} if issuer.dns01 else {"http01": {"gatewayHTTPRoute": {"parentRefs": [gateway]}}}
    return {
        "acme": {
            "server": issuer.server,
            "email": issuer.email,
            "privateKeySecretRef": {"name": "public-acme-account"},
            "solvers": [solver],
        }
    }


def _objects(settings: CertManagerSettings, place: Place) -> list[Manifest]:
    authority: Manifest = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "internal-ca", "namespace": NAMESPACE},
        "spec": {
            "isCA": True,
            "commonName": f"{place.cluster.name} internal CA",
            "secretName": "internal-ca",
            # Ten years, renewed a year before: everything that trusts the CA has a year to learn the new one.
            "duration": "87600h",
            "renewBefore": "8760h",
            "privateKey": {"algorithm": "ECDSA", "size": 256},
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "self-signed"},
        },
    }
    return [
        _cluster_issuer("self-signed", {"selfSigned": {}}),
        authority,
        # For names that no public authority can sign: services inside the cluster.
        _cluster_issuer("internal", {"ca": {"secretName": "internal-ca"}}),
        _cluster_issuer("public", _public(settings.issuer)),
    ]


SERVICE = ServiceDefinition(
    name="cert-manager",
    title="cert-manager",
    summary="Certificates that renew themselves: an issuer for the gateway's hosts, and an internal one.",
    category="security",
    charts=(CHART,),
    namespace=NAMESPACE,
    pod_security="restricted",
    settings=CertManagerSettings,
    values=_values,
    objects=_objects,
    requires=("gateway-api",),
    haven=("autocerts",),
    bio2=("5.14.01", "8.24.01", "8.24.02"),
    notes=(
        "BIO2 5.14.02 asks for publicly trusted OV certificates where sensitive data is exchanged; Let's Encrypt "
        "issues DV only. Choose an ACME server that issues OV, or `ca` with a PKIoverheid certificate.",
        "The HTTP-01 solver attaches to the gateway's unencrypted listener, which accepts routes of its own namespace "
        "only; with HTTP-01 that listener has to be opened for the solver. DNS-01 needs no such thing.",
    ),
)
