"""CloudNativePG: PostgreSQL databases that apps ask for with a custom resource."""

from __future__ import annotations

from components.services.definition import Chart, Place, ServiceDefinition, Values
from components.services.shared import RESTRICTED_CONTAINER, RESTRICTED_POD, resources, spread
from inputs.validate import FileModel

NAMESPACE = "cnpg-system"

CHART = Chart(
    name="cloudnative-pg",
    repository="https://cloudnative-pg.github.io/charts",
    # renovate: datasource=helm depName=cloudnative-pg registryUrl=https://cloudnative-pg.github.io/charts
    version="0.28.3",
)


class CloudNativePgSettings(FileModel):
    """The operator has no settings: databases are asked for by apps."""


def _values(_settings: CloudNativePgSettings, place: Place) -> dict[str, Values]:
    return {
        CHART.name: {
            "replicaCount": place.replicas(2),
            # The CRDs carry the databases; the chart marks them to be kept.
            "crds": {"create": True},
            "resources": resources("100m", "256Mi"),
            "podSecurityContext": RESTRICTED_POD,
            "containerSecurityContext": RESTRICTED_CONTAINER | {"runAsUser": 10001, "runAsGroup": 10001},
            "topologySpreadConstraints": spread({"app.kubernetes.io/name": CHART.name}),
        }
    }


SERVICE = ServiceDefinition(
    name="cloudnative-pg",
    title="CloudNativePG",
    summary="The operator of PostgreSQL: replication, fail-over and extensions such as PostGIS.",
    category="data",
    charts=(CHART,),
    namespace=NAMESPACE,
    pod_security="restricted",
    settings=CloudNativePgSettings,
    values=_values,
    bio2=("8.13.01", "8.14"),
    notes=("Backups of databases come with the backup service; the operator alone makes none.",),
)
