"""What holds for every service of the catalogue."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.services.catalogue import CATALOGUE, FOLDER, AnyService, in_order, position
from components.services.definition import Place
from components.services.observability.logs import ALLOY, COLLECTOR, LOKI, VICTORIA_LOGS, LogsSettings
from components.services.pages import FOLDER as PAGES
from components.services.pages import page
from components.services.security.kyverno import POLICIES
from inputs.validate import FileModel
from stacks.handles import cluster_declared
from stacks.loading import organisation

HAVEN = {"multiaz", "hamasters", "haworkers", "nodehardening", "privatenetworking", "kubernetesversion", "rbac"} | {
    "rwxvolumes", "cncf", "autocerts", "logs", "metrics", "havenversion", "clusteradmin", "shavalidation",
}  # fmt: skip
SERVICES = [pytest.param(service, id=service.name) for service in CATALOGUE.values()]
CLUSTERS = organisation().cluster_names()


def place(cluster: str = "production") -> Place:
    file = organisation().cluster(cluster)
    return Place(cluster=cluster_declared(file, keep_data=False), services=file.services)


def settings(service: AnyService, cluster: str = "production") -> FileModel:
    return organisation().cluster(cluster).services[service.name]


def test_the_first_eleven_are_there() -> None:
    assert list(CATALOGUE) == [
        "cert-manager", "cloudnative-pg", "external-secrets", "gateway-api", "grafana", "kyverno", "logs",
        "metrics-server", "openbao", "rwx-storage", "victoria-metrics",
    ]  # fmt: skip


def test_every_file_is_one_service_and_every_service_has_one_page() -> None:
    files = {
        path.relative_to(FOLDER).with_suffix("").as_posix()
        for path in FOLDER.glob("*/*.py")
        if path.name != "__init__.py"
    }
    assert files == {f"{service.category}/{service.name.replace('-', '_')}" for service in CATALOGUE.values()}
    assert {path.stem for path in PAGES.glob("*.md")} == set(CATALOGUE)


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_is_what_the_definition_says(service: AnyService) -> None:
    written = (PAGES / f"{service.name}.md").read_text(encoding="utf-8")
    assert written == page(service), "run `python -m components.services.pages`"


@pytest.mark.parametrize("service", SERVICES)
def test_versions_are_exact_and_renovate_finds_each(service: AnyService) -> None:
    text = (FOLDER / service.category / f"{service.name.replace('-', '_')}.py").read_text(encoding="utf-8")
    raised = re.findall(r'# renovate: datasource=\S+ depName=\S+.*\n\s+version="([^"]+)"', text)
    assert sorted(raised) == sorted(chart.version for chart in service.charts)
    assert all(re.fullmatch(r"v?\d+\.\d+\.\d+", version) for version in raised)


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_says_what_it_is(service: AnyService) -> None:
    fields = service.settings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
    assert service.settings.model_config["extra"] == "forbid"


@pytest.mark.parametrize("service", SERVICES)
def test_a_level_below_restricted_has_a_reason(service: AnyService) -> None:
    assert bool(service.pod_security_reason) == (service.pod_security != "restricted")


@pytest.mark.parametrize("service", SERVICES)
def test_what_it_requires_follows_and_serves_exists(service: AnyService) -> None:
    assert {*service.requires, *service.follows} <= set(CATALOGUE)
    assert set(service.haven) <= HAVEN


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("service", SERVICES)
def test_values_are_the_same_twice_and_can_be_written_as_json(service: AnyService, cluster: str) -> None:
    chosen, here = settings(service, cluster), place(cluster)

    def once() -> str:
        values = service.values(chosen, here)
        assert values.keys() <= {chart.name for chart in service.charts}
        objects = list(service.objects(chosen, here))
        assert values or objects, "a service installs something"
        return json.dumps([values, objects])

    assert once() == once()


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("service", SERVICES)
def test_no_object_is_a_secret_and_every_key_of_a_certificate_is_on_a_curve(service: AnyService, cluster: str) -> None:
    objects = service.objects(settings(service, cluster), place(cluster))
    assert [found for found in objects if found["kind"] == "Secret"] == []
    for found in objects:
        if found["kind"] == "Certificate":
            assert found["spec"]["privateKey"]["algorithm"] == "ECDSA"


def _keys(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [*value.items(), *(pair for item in value.values() for pair in _keys(item))]
    if isinstance(value, list):
        return [pair for item in value for pair in _keys(item)]
    return []


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_skips_the_check_of_a_certificate_or_reports_to_its_maker(service: AnyService) -> None:
    values = dict(service.values(settings(service), place()))
    found = _keys(values)
    skipping = {"insecureSkipVerify", "insecureSkipTLSVerify", "insecure_skip_verify", "tlsDisable", "tlsSkipVerify"}
    assert [pair for pair in found if pair[0] in skipping and pair[1]] == []
    assert "--kubelet-insecure-tls" not in json.dumps(values)
    assert [pair for pair in found if pair[0] in ("enableReporting", "reporting_enabled") and pair[1]] == []


def test_the_order_puts_every_service_after_what_it_needs() -> None:
    names = [service.name for service in in_order(CATALOGUE)]
    pairs = [(before, service.name) for service in CATALOGUE.values() for before in service.requires + service.follows]
    assert len(pairs) > 8
    assert all(names.index(before) < names.index(after) for before, after in pairs)
    assert position(CATALOGUE["grafana"]) > position(CATALOGUE["external-secrets"])


@pytest.mark.parametrize(
    ("profile", "charts"),
    [("loki-alloy", {LOKI.name, ALLOY.name}), ("victoria-logs", {VICTORIA_LOGS.name, COLLECTOR.name})],
)
def test_a_log_profile_installs_a_store_and_a_collector(profile: Any, charts: set[str]) -> None:
    values = CATALOGUE["logs"].values(LogsSettings(profile=profile), place())
    assert set(values) == charts


def test_logs_are_thrown_away_after_the_retention_and_not_before_half_a_year() -> None:
    loki = CATALOGUE["logs"].values(LogsSettings(), place())["loki"]["loki"]
    assert loki["limits_config"]["retention_period"] == f"{183 * 24}h"
    assert loki["compactor"]["retention_enabled"] is True


def test_alerts_reach_teams_and_mail_and_no_address_of_teams_stands_anywhere() -> None:
    service = CATALOGUE["victoria-metrics"]
    chosen, here = settings(service), place()
    config = service.values(chosen, here)["victoria-metrics-k8s-stack"]["alertmanager"]["config"]
    assert [receiver["name"] for receiver in config["receivers"]] == ["teams", "mail", "nobody"]
    (teams,) = config["receivers"][0]["msteamsv2_configs"]
    assert teams.keys() == {"webhook_url_file", "send_resolved"}
    (request,) = service.objects(chosen, here)
    assert request["kind"] == "ExternalSecret"


def test_namespaces_that_need_more_are_outside_the_policies_for_pods_and_no_others() -> None:
    chosen = settings(CATALOGUE["kyverno"])
    excluded = CATALOGUE["kyverno"].values(chosen, place())[POLICIES.name]["vpolExclude"]["excludeNamespaces"]
    special = {service.namespace for service in CATALOGUE.values() if service.pod_security != "restricted"}
    assert set(excluded) == special | {"kube-system", "vmware-system-csi"}


def test_replicas_never_exceed_the_workers() -> None:
    assert place("sandbox").replicas(99) == organisation().cluster("sandbox").workers.count


def test_the_gateway_sends_http_to_https_and_answers_for_every_domain() -> None:
    service = CATALOGUE["gateway-api"]
    one, gateway, redirect = service.objects(settings(service, "shared"), place("shared"))
    assert gateway["spec"]["gatewayClassName"] == one["metadata"]["name"]
    listeners = {listener["name"]: listener for listener in gateway["spec"]["listeners"]}
    hosts = {listener.get("hostname") for listener in listeners.values()}
    assert {"*.shared.voorbeeld.example", "*.test.voorbeeld.example", "*.acceptance.voorbeeld.example"} <= hosts
    assert listeners["http"]["allowedRoutes"] == {"namespaces": {"from": "Same"}}
    (rule,) = redirect["spec"]["rules"]
    assert rule["filters"][0]["requestRedirect"]["scheme"] == "https"
    assert "backendRefs" not in rule


def test_the_vault_is_replicated_over_tls_and_writes_down_every_request() -> None:
    service = CATALOGUE["openbao"]
    server = service.values(settings(service), place())["openbao"]["server"]
    config = server["ha"]["raft"]["config"]
    assert server["ha"]["replicas"] == 3
    assert 'tls_min_version = "tls12"' in config
    assert "tls_disable" not in config
    assert config.count("retry_join") == 3
    assert len(re.findall(r'^audit "file"', config, re.MULTILINE)) == 2
