"""External Secrets: brings secrets from Vault into the cluster, so that none of them passes git or Pulumi."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from components.services.definition import Chart, Manifest, Place, ServiceDefinition, Values
from components.services.security import openbao
from components.services.shared import RESTRICTED_CONTAINER, SECRET_STORE, external_secret, resources
from inputs.validate import FileModel

NAMESPACE = "external-secrets"
ACCOUNT = "external-secrets"
AUDIENCE = "openbao"
"""Audience of the tokens with which service accounts log in to Vault; a token for the API server is refused there."""

CHART = Chart(
    name="external-secrets",
    repository="https://charts.external-secrets.io",
    # renovate: datasource=helm depName=external-secrets registryUrl=https://charts.external-secrets.io
    version="2.10.0",
)


class ServiceSecret(FileModel):
    """A Secret that a service refers to in its settings, for example the key with which cert-manager changes DNS."""

    namespace: str
    """Namespace of the service."""
    name: str
    """Name of the Secret."""
    keys: dict[str, str] = Field(min_length=1)
    """Keys of the Secret, and their properties in Vault at `<namespace>/<name>`."""


class ExternalSecretsSettings(FileModel):
    """Settings of External Secrets."""

    role: str = "services"
    """Role in Vault under which the cluster's own services read. Default: `services`."""
    engine: str = "services"
    """Engine in Vault that holds the secrets of the cluster's own services. Default: `services`."""
    secrets: list[ServiceSecret] = Field(default_factory=list[ServiceSecret])
    """Secrets that settings of services refer to. Default: none; what a service always needs it asks for itself."""


def _values(_settings: ExternalSecretsSettings, place: Place) -> dict[str, Values]:
    part: Values = {
        "replicaCount": place.replicas(2),
        "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
        "resources": resources("50m", "256Mi"),
        "securityContext": RESTRICTED_CONTAINER
        | {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    return {
        CHART.name: {
            "installCRDs": True,
            "leaderElect": True,
            "serviceAccount": {"name": ACCOUNT},
            # Stores of a team are their own; ones for all namespaces are for the cluster's own services.
            "processClusterExternalSecret": False,
            "processPushSecret": False,
            **part,
            "webhook": part,
            "certController": part,
        }
    }


def jwt_login(cluster: str, role: str, account: dict[str, Any]) -> dict[str, Any]:
    """Return how External Secrets logs in to Vault: with a fresh token of a service account of this cluster."""
    return {
        "jwt": {
            "path": f"jwt-{cluster}",
            "role": role,
            "kubernetesServiceAccountToken": {
                "serviceAccountRef": account | {"audiences": [AUDIENCE]},
                "expirationSeconds": 600,
            },
        }
    }


def _objects(settings: ExternalSecretsSettings, place: Place) -> list[Manifest]:
    vault: dict[str, Any] = {
        "path": settings.engine,
        "version": "v2",
        "auth": jwt_login(place.cluster.name, settings.role, {"name": ACCOUNT, "namespace": NAMESPACE}),
    }
    if "openbao" in place.services:
        vault["server"] = openbao.ADDRESS
        vault["caProvider"] = {
            "type": "Secret",
            "name": openbao.TLS,
            "namespace": openbao.NAMESPACE,
            "key": "ca.crt",
        }
    elif place.cluster.vault_address:
        vault["server"] = place.cluster.vault_address
    else:
        return []
    return [
        {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterSecretStore",
            "metadata": {"name": SECRET_STORE},
            "spec": {
                "provider": {"vault": vault},
                # A team's namespace could otherwise ask for the platform's own secrets.
                "conditions": [{"namespaceSelector": {"matchLabels": {"kade/layer": "services"}}}],
            },
        },
        *(external_secret(secret.name, secret.namespace, secret.keys) for secret in settings.secrets),
    ]


SERVICE = ServiceDefinition(
    name="external-secrets",
    title="External Secrets",
    summary="Brings secrets from Vault into the cluster, with a login per namespace.",
    category="security",
    charts=(CHART,),
    namespace=NAMESPACE,
    pod_security="restricted",
    settings=ExternalSecretsSettings,
    values=_values,
    objects=_objects,
    requires=("cert-manager",),
    follows=("openbao",),
    bio2=("8.24.01", "5.17.01"),
    notes=(
        "Where the cluster has no OpenBao of its own, it reads from the address under `vault` in the cluster file; "
        "without that there is no store, and services that need secrets wait for one.",
    ),
)
