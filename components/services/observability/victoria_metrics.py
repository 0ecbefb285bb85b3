"""VictoriaMetrics: metrics, the rules that watch them, and Alertmanager, which tells people."""

from __future__ import annotations

from pydantic import Field

from components.services.definition import Chart, Manifest, Place, ServiceDefinition, Values
from components.services.shared import external_secret, resources
from inputs.validate import FileModel

NAMESPACE = "monitoring"
RELEASE = "victoria-metrics"
RECEIVERS = "alertmanager-receivers"
RECEIVERS_FOLDER = "/etc/alertmanager/receivers"

CHART = Chart(
    name="victoria-metrics-k8s-stack",
    repository="https://victoriametrics.github.io/helm-charts/",
    # Not raised beyond 0.72 without reading the notes: later charts fetch dashboards and rules from the internet when
    # they are installed, with an image tagged `latest`; this one brings them along.
    # renovate: datasource=helm depName=victoria-metrics-k8s-stack registryUrl=https://victoriametrics.github.io/helm-charts/
    version="0.72.5",
)


class Mail(FileModel):
    """The second receiver of alerts, for when Teams does not answer."""

    to: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """Address that receives the alerts."""
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """Address that sends them."""
    server: str = Field(pattern=r"^[^:\s]+:[0-9]+$")
    """Mail server with its port, for example `smtp.voorbeeld.example:587`. TLS is required."""
    user: str | None = None
    """User name at the mail server; the password is the property `smtpPassword` of the service's secret in Vault.
    Default: none, for a relay that knows its clients by their address."""


class VictoriaMetricsSettings(FileModel):
    """Settings of metrics and alerts."""

    retention_days: int = Field(default=93, ge=7, le=3660)
    """How long metrics are kept, in days. Default: 93, a quarter: enough to compare months; not an audit record."""
    storage: str = "100Gi"
    """Size of the store's volume. Default: `100Gi`, roomy for 93 days of a cluster of ten nodes."""
    teams: bool = True
    """Whether alerts go to Microsoft Teams. The Workflows URL is a secret: the property `teamsWorkflowUrl` in Vault.
    Default: yes."""
    mail: Mail | None = None
    """The second receiver. Default: none, since a mail server is the organisation's own; production wants one."""


def _receivers(settings: VictoriaMetricsSettings) -> list[Values]:
    receivers: list[Values] = []
    if settings.teams:
        # `msteamsv2` speaks to Workflows; the connectors of `msteams` have been switched off by Microsoft.
        teams = {"webhook_url_file": f"{RECEIVERS_FOLDER}/teams-workflow-url", "send_resolved": True}
        receivers.append({"name": "teams", "msteamsv2_configs": [teams]})
    if settings.mail:
        mail: Values = {
            "to": settings.mail.to,
            "from": settings.mail.sender,
            "smarthost": settings.mail.server,
            "require_tls": True,
            "tls_config": {"min_version": "TLS12"},
            "send_resolved": True,
        }
        if settings.mail.user:
            mail["auth_username"] = settings.mail.user
            mail["auth_password_file"] = f"{RECEIVERS_FOLDER}/smtp-password"
        receivers.append({"name": "mail", "email_configs": [mail]})
    return [*receivers, {"name": "nobody"}]


def _alertmanager_config(settings: VictoriaMetricsSettings) -> Values:
    receivers = _receivers(settings)
    told = [receiver["name"] for receiver in receivers[:-1]]
    return {
        "route": {
            "receiver": told[0] if told else "nobody",
            "group_by": ["alertname", "namespace"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [
                # Shows that alerting works, and is always there; telling people would be noise.
                {"receiver": "nobody", "matchers": ['alertname=~"Watchdog|InfoInhibitor"']},
                # Every receiver hears of it: one of them may be what is broken.
                *({"receiver": name, "matchers": ['severity="critical"'], "continue": True} for name in told),
            ],
        },
        "inhibit_rules": [
            {
                "source_matchers": ['severity="critical"'],
                "target_matchers": ['severity=~"warning|info"'],
                "equal": ["namespace", "alertname"],
            }
        ],
        "receivers": receivers,
    }


def _secret_keys(settings: VictoriaMetricsSettings) -> dict[str, str]:
    keys = {"teams-workflow-url": "teamsWorkflowUrl"} if settings.teams else {}
    if settings.mail and settings.mail.user:
        keys["smtp-password"] = "smtpPassword"
    return keys


def _values(settings: VictoriaMetricsSettings, place: Place) -> dict[str, Values]:
    volumes = [{"name": "receivers", "secret": {"secretName": RECEIVERS}}] if _secret_keys(settings) else []
    mounts = [{"name": "receivers", "mountPath": RECEIVERS_FOLDER, "readOnly": True}] if volumes else []
    claim = {"storageClassName": place.storage_class, "accessModes": ["ReadWriteOnce"]}
    return {
        CHART.name: {
            "fullnameOverride": RELEASE,
            "argocdReleaseOverride": RELEASE,
            "victoria-metrics-operator": {
                "operator": {"disable_prometheus_converter": False},
                "resources": resources("50m", "256Mi"),
            },
            "vmsingle": {
                "spec": {
                    "retentionPeriod": f"{settings.retention_days}d",
                    "storage": claim | {"resources": {"requests": {"storage": settings.storage}}},
                    "resources": resources("500m", "2Gi"),
                    "useStrictSecurity": True,
                }
            },
            "vmagent": {"spec": {"resources": resources("100m", "512Mi"), "useStrictSecurity": True}},
            "vmalert": {"spec": {"resources": resources("50m", "128Mi"), "useStrictSecurity": True}},
            "alertmanager": {
                "spec": {
                    "replicaCount": place.replicas(2),
                    "resources": resources("20m", "64Mi"),
                    "useStrictSecurity": True,
                    "volumes": volumes,
                    "volumeMounts": mounts,
                },
                "config": _alertmanager_config(settings),
            },
            # Grafana is a service of its own, with single sign-on; this chart's has a generated password.
            "grafana": {"enabled": False, "forceDeployDatasource": False},
            "prometheus-node-exporter": {"resources": resources("20m", "64Mi")},
            "kube-state-metrics": {"resources": resources("20m", "128Mi")},
            "kubelet": {
                "vmScrape": {
                    "spec": {
                        # The chart skips verification; kubelets here serve with certificates of the cluster's CA.
                        "tlsConfig": {
                            "insecureSkipVerify": False,
                            "caFile": "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
                        }
                    }
                }
            },
            # Cilium replaces kube-proxy; the others listen on the nodes' own loopback only.
            "kubeProxy": {"enabled": False},
            "kubeControllerManager": {"enabled": False},
            "kubeScheduler": {"enabled": False},
            "kubeEtcd": {"enabled": False},
        }
    }


def _objects(settings: VictoriaMetricsSettings, _place: Place) -> list[Manifest]:
    keys = _secret_keys(settings)
    return [external_secret(RECEIVERS, NAMESPACE, keys)] if keys else []


SERVICE = ServiceDefinition(
    name="victoria-metrics",
    title="VictoriaMetrics",
    summary="Metrics of the cluster and its apps, rules that watch them, and alerts to Microsoft Teams and by mail.",
    category="observability",
    charts=(CHART,),
    namespace=NAMESPACE,
    pod_security="privileged",
    pod_security_reason="node-exporter reads the nodes' own file systems and network",
    settings=VictoriaMetricsSettings,
    values=_values,
    objects=_objects,
    requires=("external-secrets",),
    bio2=("8.15.01", "8.16.04"),
    notes=(
        "Put the Workflows URL of the Teams channel into Vault: engine `services`, path "
        f"`{NAMESPACE}/{RECEIVERS}`, property `teamsWorkflowUrl`.",
        "One store without replication: losing its volume loses the metrics, not the alerts' delivery.",
    ),
)
