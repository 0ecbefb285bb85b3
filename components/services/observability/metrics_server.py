"""metrics-server: processor and memory use of pods and nodes, for autoscaling and for `kubectl top`."""

from __future__ import annotations

from components.services.definition import Chart, Place, ServiceDefinition, Values
from components.services.shared import resources, spread
from inputs.validate import FileModel

CHART = Chart(
    name="metrics-server",
    repository="https://kubernetes-sigs.github.io/metrics-server/",
    # renovate: datasource=helm depName=metrics-server registryUrl=https://kubernetes-sigs.github.io/metrics-server/
    version="3.13.1",
)

CLUSTER_CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


class MetricsServerSettings(FileModel):
    """metrics-server has no settings: everything follows from the cluster."""


def _values(_settings: MetricsServerSettings, place: Place) -> dict[str, Values]:
    return {
        CHART.name: {
            "replicas": place.replicas(2),
            # Kubelets serve with certificates that the cluster's CA signed (`rotate-server-certificates` and the
            # approver of the cluster layer). They are verified; `--kubelet-insecure-tls` never stands here.
            "args": [f"--kubelet-certificate-authority={CLUSTER_CA}"],
            "tls": {"type": "cert-manager"},
            "apiService": {"insecureSkipTLSVerify": False},
            "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
            "resources": resources("100m", "200Mi"),
            "topologySpreadConstraints": spread({"app.kubernetes.io/name": CHART.name}),
            "priorityClassName": "system-cluster-critical",
        }
    }


SERVICE = ServiceDefinition(
    name="metrics-server",
    title="metrics-server",
    summary="Processor and memory use of pods and nodes, over verified TLS on both sides.",
    category="observability",
    charts=(CHART,),
    namespace="metrics-server",
    pod_security="restricted",
    settings=MetricsServerSettings,
    values=_values,
    requires=("cert-manager",),
    haven=("metrics",),
    bio2=("8.16.04",),
    notes=(
        "Without serving certificates that the cluster's CA signed it reports nothing: the cluster layer's kubelet "
        "certificate approver is a precondition.",
    ),
)
