"""Logs: every container's output, collected on each node and kept in one store.

Two profiles do the same work. `loki-alloy` is the default because it is the one that a run of the official Haven
checker is known to have recognised; that its recogniser knows VictoriaLogs is not proven, so with that profile the
check stays undetermined however well it works.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.services.definition import Chart, Place, ServiceDefinition, Values
from components.services.shared import resources
from inputs.validate import FileModel

NAMESPACE = "logging"

LOKI = Chart(
    name="loki",
    repository="https://grafana.github.io/helm-charts",
    # renovate: datasource=helm depName=loki registryUrl=https://grafana.github.io/helm-charts
    version="6.55.0",
)
ALLOY = Chart(
    name="alloy",
    repository="https://grafana.github.io/helm-charts",
    # renovate: datasource=helm depName=alloy registryUrl=https://grafana.github.io/helm-charts
    version="1.7.0",
)
VICTORIA_LOGS = Chart(
    name="victoria-logs-single",
    repository="https://victoriametrics.github.io/helm-charts/",
    # renovate: datasource=helm depName=victoria-logs-single registryUrl=https://victoriametrics.github.io/helm-charts/
    version="0.13.9",
)
COLLECTOR = Chart(
    name="victoria-logs-collector",
    repository="https://victoriametrics.github.io/helm-charts/",
    # renovate: datasource=helm depName=victoria-logs-collector registryUrl=https://victoriametrics.github.io/helm-charts/
    version="0.3.7",
)

LOKI_ADDRESS = f"http://loki.{NAMESPACE}.svc:3100"
VICTORIA_LOGS_ADDRESS = f"http://victoria-logs.{NAMESPACE}.svc:9428"

PIPELINE = f"""\
discovery.kubernetes "pods" {{
  role = "pod"
  selectors {{
    role  = "pod"
    field = "spec.nodeName=" + sys.env("HOSTNAME")
  }}
}}
discovery.relabel "pods" {{
  targets = discovery.kubernetes.pods.targets
  rule {{
    source_labels = ["__meta_kubernetes_namespace"]
    target_label  = "namespace"
  }}
  rule {{
    source_labels = ["__meta_kubernetes_pod_name"]
    target_label  = "pod"
  }}
  rule {{
    source_labels = ["__meta_kubernetes_pod_container_name"]
    target_label  = "container"
  }}
  rule {{
    source_labels = ["__meta_kubernetes_pod_uid", "__meta_kubernetes_pod_container_name"]
    separator     = "/"
    target_label  = "__path__"
    replacement   = "/var/log/pods/*$1/*.log"
  }}
}}
local.file_match "pods" {{
  path_targets = discovery.relabel.pods.output
}}
loki.source.file "pods" {{
  targets    = local.file_match.pods.targets
  forward_to = [loki.process.pods.receiver]
}}
loki.process "pods" {{
  stage.cri {{ }}
  forward_to = [loki.write.store.receiver]
}}
loki.write "store" {{
  endpoint {{
    url = "{LOKI_ADDRESS}/loki/api/v1/push"
  }}
}}
"""
"""What Alloy does on each node: find the pods there, read their files, send the lines to Loki."""


class LogsSettings(FileModel):
    """Settings of log collection."""

    profile: Literal["loki-alloy", "victoria-logs"] = "loki-alloy"
    """Which programs collect and keep. Default: `loki-alloy`, the one that the official checker is known to accept."""
    retention_days: int = Field(default=183, ge=7, le=3660)
    """How long lines are kept, in days. Default: 183, since BIO2 8.18.02 asks for half a year of admin logs."""
    storage: str = "200Gi"
    """Size of the store's volume. Default: `200Gi`, about a gibibyte a day over the default retention."""


def _loki(settings: LogsSettings, place: Place) -> Values:
    none = {"replicas": 0}
    return {
        "deploymentMode": "SingleBinary",
        "loki": {
            # One tenant: who may read which namespace is decided in Grafana.
            "auth_enabled": False,
            "analytics": {"reporting_enabled": False},
            "commonConfig": {"replication_factor": 1},
            "storage": {"type": "filesystem"},
            "schemaConfig": {
                "configs": [
                    {
                        "from": "2024-04-01",
                        "store": "tsdb",
                        "object_store": "filesystem",
                        "schema": "v13",
                        "index": {"prefix": "index_", "period": "24h"},
                    }
                ]
            },
            "limits_config": {"retention_period": f"{settings.retention_days * 24}h"},
            # Without these two Loki knows a retention and keeps everything nonetheless.
            "compactor": {"retention_enabled": True, "delete_request_store": "filesystem"},
        },
        "singleBinary": {
            "replicas": 1,
            "persistence": {"enabled": True, "size": settings.storage, "storageClass": place.storage_class},
            "resources": resources("250m", "2Gi"),
        },
        "read": none,
        "write": none,
        "backend": none,
        # A gateway and caches serve many stores; there is one.
        "gateway": {"enabled": False},
        "chunksCache": {"enabled": False},
        "resultsCache": {"enabled": False},
        "lokiCanary": {"enabled": False},
        "test": {"enabled": False},
        "minio": {"enabled": False},
    }


def _alloy() -> Values:
    return {
        "alloy": {
            "configMap": {"create": True, "content": PIPELINE},
            "enableReporting": False,
            "mounts": {"varlog": True},
            "resources": resources("50m", "256Mi"),
            "securityContext": {"allowPrivilegeEscalation": False},
        },
        "controller": {
            "type": "daemonset",
            # Control planes too: their logs are the ones that matter in an incident.
            "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        },
    }


def _values(settings: LogsSettings, place: Place) -> dict[str, Values]:
    if settings.profile == "loki-alloy":
        return {LOKI.name: _loki(settings, place), ALLOY.name: _alloy()}
    return {
        VICTORIA_LOGS.name: {
            "server": {
                "fullnameOverride": "victoria-logs",
                "retentionPeriod": f"{settings.retention_days}d",
                "persistentVolume": {
                    "enabled": True,
                    "size": settings.storage,
                    "storageClassName": place.storage_class,
                },
                "resources": resources("250m", "1Gi"),
            }
        },
        COLLECTOR.name: {
            "remoteWrite": [{"url": VICTORIA_LOGS_ADDRESS}],
            "resources": resources("50m", "128Mi"),
            "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        },
    }


SERVICE = ServiceDefinition(
    name="logs",
    title="Logs",
    summary="The output of every container, collected on each node and kept in one store.",
    category="observability",
    charts=(LOKI, ALLOY, VICTORIA_LOGS, COLLECTOR),
    namespace=NAMESPACE,
    pod_security="privileged",
    pod_security_reason="the collector reads the nodes' log files through a host path",
    settings=LogsSettings,
    values=_values,
    haven=("logs",),
    bio2=("8.15.01", "8.15.04", "8.18.02"),
    notes=(
        "Profile `victoria-logs` needs less memory, but that the official checker recognises its collector is not "
        "proven: the Haven check `logs` stays undetermined with it.",
        "One store without replication. BIO2 5.28.01 asks for three years of incident records: export those elsewhere.",
    ),
)
