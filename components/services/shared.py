"""Manifests and values that several services need, written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.services.definition import Manifest, Values

SECRET_STORE = "openbao"
"""Name of the ClusterSecretStore from which the cluster's own services take their secrets."""


def certificate(name: str, namespace: str, *, issuer: str, hosts: Sequence[str]) -> Manifest:
    """Return a certificate whose Secret has the same name.

    The key is ECDSA P-256: NCSC's guidelines for TLS call RSA below 3072 bits, cert-manager's default, phased out.
    """
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "secretName": name,
            "dnsNames": list(hosts),
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": issuer},
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "usages": ["digital signature", "key encipherment", "server auth"],
        },
    }


def external_secret(name: str, namespace: str, keys: Mapping[str, str]) -> Manifest:
    """Return the request for a Secret of the cluster's own: `keys` are its keys, and the properties in Vault.

    The values stand in the engine `services`, under the namespace and the Secret's name; they never pass Pulumi.
    """
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": SECRET_STORE},
            "target": {"name": name, "creationPolicy": "Owner"},
            "data": [
                {"secretKey": key, "remoteRef": {"key": f"{namespace}/{name}", "property": prop}}
                for key, prop in keys.items()
            ],
        },
    }


def resources(cpu: str, memory: str, *, cpu_limit: str | None = None) -> Values:
    """Return requests with a memory limit of the same size.

    No processor limit unless asked for: it throttles without protecting anyone, as requests share processors fairly.
    """
    limits = {"memory": memory} | ({"cpu": cpu_limit} if cpu_limit else {})
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": limits}


def spread(labels: Mapping[str, str]) -> list[Values]:
    """Return constraints that spread pods over zones, then over nodes, without leaving them unscheduled."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


RESTRICTED_POD: Values = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
"""Security context of a pod that the Pod Security level `restricted` accepts."""

RESTRICTED_CONTAINER: Values = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
"""Security context of a container that the Pod Security level `restricted` accepts."""
