"""Grafana: dashboards over metrics and logs, entered with the organisation's own sign-on."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from components.services.definition import Chart, Manifest, Place, ServiceDefinition, Values
from components.services.networking.gateway_api import GATEWAY
from components.services.networking.gateway_api import NAMESPACE as GATEWAY_NAMESPACE
from components.services.observability import logs, victoria_metrics
from components.services.shared import RESTRICTED_CONTAINER, external_secret, resources
from inputs.validate import FileModel

NAMESPACE = "grafana"
ADMIN = "grafana-admin"
SIGN_ON = "grafana-sign-on"

CHART = Chart(
    name="grafana",
    repository="https://grafana-community.github.io/helm-charts",
    # renovate: datasource=helm depName=grafana registryUrl=https://grafana-community.github.io/helm-charts
    version="12.11.2",
)


class GrafanaSettings(FileModel):
    """Settings of Grafana."""

    admin_group: str = Field(default="platform-admins", pattern=r"^[A-Za-z0-9 _.:/-]+$")
    """Directory group whose members administer Grafana; everyone else who may sign in looks only.
    Default: `platform-admins`."""
    client_id: str = "grafana"
    """Client at the organisation's OpenID Connect provider; its secret is the property `clientSecret` in Vault.
    Default: `grafana`."""
    storage: str = "10Gi"
    """Size of the volume for dashboards made by hand. Default: `10Gi`."""


def _datasources(place: Place) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "victoria-metrics" in place.services:
        found.append(
            {
                "name": "VictoriaMetrics",
                "uid": "metrics",
                # VictoriaMetrics answers the Prometheus API, so no plug-in has to be downloaded.
                "type": "prometheus",
                "url": f"http://vmsingle-{victoria_metrics.RELEASE}.{victoria_metrics.NAMESPACE}.svc:8428",
                "isDefault": True,
            }
        )
    settings = place.services.get("logs")
    if isinstance(settings, logs.LogsSettings) and settings.profile == "loki-alloy":
        found.append({"name": "Loki", "uid": "logs", "type": "loki", "url": logs.LOKI_ADDRESS})
    return found


def _ini(settings: GrafanaSettings, place: Place) -> Values:
    ini: Values = {
        "server": {"root_url": f"https://{place.host('grafana')}"},
        "analytics": {"reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False},
        "news": {"news_feed_enabled": False},
        "security": {
            "cookie_secure": True,
            "cookie_samesite": "lax",
            "disable_gravatar": True,
            "strict_transport_security": True,
        },
        "users": {"allow_sign_up": False, "auto_assign_org_role": "Viewer"},
        "auth.anonymous": {"enabled": False},
    }
    if issuer := place.cluster.identity_issuer:
        ini["auth"] = {"disable_login_form": True, "oauth_auto_login": True}
        ini["auth.generic_oauth"] = {
            "enabled": True,
            "name": "organisation",
            "client_id": settings.client_id,
            "client_secret": "$__env{CLIENT_SECRET}",
            "scopes": "openid profile email groups",
            "auth_url": f"{issuer}/protocol/openid-connect/auth",
            "token_url": f"{issuer}/protocol/openid-connect/token",
            "api_url": f"{issuer}/protocol/openid-connect/userinfo",
            "use_pkce": True,
            "role_attribute_path": f"contains(groups[*], '{settings.admin_group}') && 'Admin' || 'Viewer'",
            "role_attribute_strict": True,
        }
    return ini


def _values(settings: GrafanaSettings, place: Place) -> dict[str, Values]:
    values: Values = {
        "replicas": 1,
        # The administrator's password comes from Vault; the chart's own would be made anew at every rendering.
        "admin": {"existingSecret": ADMIN, "userKey": "user", "passwordKey": "password"},
        "grafana.ini": _ini(settings, place),
        "datasources": {
            "datasources.yaml": {
                "apiVersion": 1,
                "datasources": [{"access": "proxy", "editable": False, **source} for source in _datasources(place)],
            }
        },
        "sidecar": {"dashboards": {"enabled": True, "searchNamespace": "ALL", "resource": "configmap"}},
        # A volume of one writer: two pods at once would wait for each other for ever.
        "deploymentStrategy": {"type": "Recreate"},
        "persistence": {"enabled": True, "size": settings.storage, "storageClassName": place.storage_class},
        # Changing the owner of the volume needs root; the pod's fsGroup does the same without.
        "initChownData": {"enabled": False},
        "testFramework": {"enabled": False},
        "rbac": {"namespaced": False, "pspEnabled": False},
        "containerSecurityContext": RESTRICTED_CONTAINER | {"seccompProfile": {"type": "RuntimeDefault"}},
        "resources": resources("100m", "512Mi"),
    }
    if place.cluster.identity_issuer:
        values["envValueFrom"] = {"CLIENT_SECRET": {"secretKeyRef": {"name": SIGN_ON, "key": "client-secret"}}}
    return {CHART.name: values}


def _objects(_settings: GrafanaSettings, place: Place) -> list[Manifest]:
    objects = [external_secret(ADMIN, NAMESPACE, {"user": "user", "password": "password"})]
    if place.cluster.identity_issuer:
        objects.append(external_secret(SIGN_ON, NAMESPACE, {"client-secret": "clientSecret"}))
    route: Manifest = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "grafana", "namespace": NAMESPACE},
        "spec": {
            "parentRefs": [{"name": GATEWAY, "namespace": GATEWAY_NAMESPACE}],
            "hostnames": [place.host("grafana")],
            "rules": [{"backendRefs": [{"name": "grafana", "port": 80}]}],
        },
    }
    return [*objects, route]


SERVICE = ServiceDefinition(
    name="grafana",
    title="Grafana",
    summary="Dashboards over metrics and logs; people enter with the organisation's own sign-on.",
    category="observability",
    charts=(CHART,),
    namespace=NAMESPACE,
    pod_security="restricted",
    settings=GrafanaSettings,
    values=_values,
    objects=_objects,
    requires=("external-secrets", "gateway-api"),
    follows=("victoria-metrics", "logs"),
    bio2=("5.16.02", "5.17.01", "8.15.03"),
    notes=(
        "Without `identity` in the cluster file only the administrator of the Secret can enter.",
        "The addresses of sign-on are Keycloak's, below the issuer; another provider has others.",
        f"Put `user` and `password` of the administrator into Vault: engine `services`, path `{NAMESPACE}/{ADMIN}`; "
        f"and `clientSecret` into `{NAMESPACE}/{SIGN_ON}`.",
        "Logs of the profile `victoria-logs` have no data source here: its plug-in would have to be downloaded.",
    ),
)
