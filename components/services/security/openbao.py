"""OpenBao: the organisation's Vault, on the cluster. Secrets live here and nowhere else."""

from __future__ import annotations

from pydantic import Field

from components.services.definition import Chart, Manifest, Place, ServiceDefinition, Values
from components.services.networking.gateway_api import GATEWAY
from components.services.networking.gateway_api import NAMESPACE as GATEWAY_NAMESPACE
from components.services.shared import certificate, resources
from inputs.validate import FileModel

NAMESPACE = "openbao"
NAME = "openbao"
TLS = "openbao-tls"
TLS_FOLDER = f"/openbao/userconfig/{TLS}"
ADDRESS = f"https://{NAME}-active.{NAMESPACE}.svc:8200"
"""Address inside the cluster: the pod that leads."""

CHART = Chart(
    name="openbao",
    repository="https://openbao.github.io/openbao-helm",
    # renovate: datasource=helm depName=openbao registryUrl=https://openbao.github.io/openbao-helm
    version="0.29.3",
)


class OpenBaoSettings(FileModel):
    """Settings of OpenBao."""

    replicas: int = Field(default=3, ge=1, le=5)
    """Number of servers; Raft needs an odd one. Default: 3, which outlives the loss of one zone."""
    storage: str = "10Gi"
    """Size of each server's volume for secrets. Default: `10Gi`."""
    audit_storage: str = "20Gi"
    """Size of each server's volume for the audit log. Default: `20Gi`; OpenBao refuses to work when it is full."""


def _config(replicas: int, host: str) -> str:
    joins = "".join(
        f"""\
  retry_join {{
    leader_api_addr       = "https://{NAME}-{number}.{NAME}-internal:8200"
    leader_ca_cert_file   = "{TLS_FOLDER}/ca.crt"
    leader_tls_servername = "{host}"
  }}
"""
        for number in range(replicas)
    )
    return f"""\
ui = true

listener "tcp" {{
  address         = "[::]:8200"
  cluster_address = "[::]:8201"
  tls_cert_file   = "{TLS_FOLDER}/tls.crt"
  tls_key_file    = "{TLS_FOLDER}/tls.key"
  tls_min_version = "tls12"
}}

storage "raft" {{
  path = "/openbao/data"
{joins}}}

service_registration "kubernetes" {{}}

audit "file" "volume" {{
  description = "Every request, kept with the server."
  options {{
    file_path = "/openbao/audit/audit.log"
  }}
}}

audit "file" "stdout" {{
  description = "Every request, for the log store: tampering with one copy shows in the other."
  options {{
    file_path = "stdout"
  }}
}}
"""


def _values(settings: OpenBaoSettings, place: Place) -> dict[str, Values]:
    replicas = place.replicas(settings.replicas)
    host = place.host("openbao")
    return {
        CHART.name: {
            "fullnameOverride": NAME,
            "global": {"tlsDisable": False},
            # External Secrets brings secrets to apps; nothing is injected into pods.
            "injector": {"enabled": False},
            "csi": {"enabled": False},
            "server": {
                "resources": resources("250m", "512Mi"),
                "extraVolumes": [{"type": "secret", "name": TLS}],
                "extraEnvironmentVars": {"BAO_CACERT": f"{TLS_FOLDER}/ca.crt"},
                "dataStorage": {"enabled": True, "size": settings.storage, "storageClass": place.storage_class},
                "auditStorage": {
                    "enabled": True,
                    "size": settings.audit_storage,
                    "storageClass": place.storage_class,
                },
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
                "standalone": {"enabled": False},
                "ha": {
                    "enabled": True,
                    "replicas": replicas,
                    "raft": {"enabled": True, "setNodeId": True, "config": _config(replicas, host)},
                    "disruptionBudget": {"enabled": True, "maxUnavailable": 1},
                },
                "statefulSet": {
                    "securityContext": {
                        "container": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
                    }
                },
                # OpenBao ends TLS itself: the gateway passes the connection on without reading it.
                "gateway": {
                    "tlsRoute": {
                        "enabled": True,
                        "apiVersion": "gateway.networking.k8s.io/v1",
                        "hosts": [host],
                        "parentRefs": [{"name": GATEWAY, "namespace": GATEWAY_NAMESPACE, "sectionName": "passthrough"}],
                    }
                },
            },
            "ui": {"enabled": False},
        }
    }


def _objects(_settings: OpenBaoSettings, place: Place) -> list[Manifest]:
    hosts = [
        place.host("openbao"),
        NAME,
        f"{NAME}.{NAMESPACE}.svc",
        f"{NAME}-active.{NAMESPACE}.svc",
        f"*.{NAME}-internal",
    ]
    # Names inside the cluster can be signed by no public authority.
    return [certificate(TLS, NAMESPACE, issuer="internal", hosts=hosts)]


SERVICE = ServiceDefinition(
    name="openbao",
    title="OpenBao",
    summary="The organisation's Vault: secrets of services and teams, replicated, over TLS, with an audit log.",
    category="security",
    charts=(CHART,),
    namespace=NAMESPACE,
    pod_security="restricted",
    settings=OpenBaoSettings,
    values=_values,
    objects=_objects,
    requires=("cert-manager", "gateway-api"),
    # It is sealed until people bring their keys; waiting for health would wait for them.
    ready="synced",
    bio2=("8.24.01", "8.24.03", "8.15.01"),
    notes=(
        "After installation it is sealed. `kade vault init` initialises and unseals it, makes the engine `services`, "
        "the method of the cluster's service accounts (`jwt-<cluster>`) and those of people and runners: "
        "[Vault](../vault.md).",
        "Its certificate comes from the cluster's internal CA: clients outside the cluster have to trust that.",
        "Back up the Raft snapshots outside the cluster that it serves.",
    ),
)
