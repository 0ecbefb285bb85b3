"""The real input: Open Zaak by its own chart, for a team of a municipality."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.apps.app import AppArgs, data_manifests, release_of, route_manifests, secret_manifests
from stacks.apps import app_args
from stacks.handles import cluster_declared
from stacks.loading import organisation

ENVIRONMENTS = organisation().environment_names()


def openzaak(name: str) -> AppArgs:
    files = organisation()
    environment = files.environment(name)
    (app,) = files.apps("burgerzaken", name)
    declared = cluster_declared(files.cluster(environment.cluster), keep_data=False)
    return app_args(environment, files.team("burgerzaken"), app, declared, project="p", keep_data=False)


def values(name: str) -> Any:
    return release_of(openzaak(name)).source.values


def by_kind(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {manifest["kind"]: manifest for manifest in manifests}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_chart_is_the_project_s_own_at_an_exact_version(name: str) -> None:
    release = release_of(openzaak(name))
    assert release.source.repository == "https://maykinmedia.github.io/charts/"
    assert (release.source.chart, release.source.version) == ("openzaak", "1.14.2")
    assert release.installed_as == "openzaak"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_placeholder_is_left(name: str) -> None:
    assert re.findall(r"\$\{[^}]*\}", str(values(name))) == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_database_is_reached_over_tls_under_the_names_that_the_operator_makes(name: str) -> None:
    data = by_kind(data_manifests(openzaak(name)))
    database = values(name)["settings"]["database"]
    cluster, contents = data["Cluster"], data["Database"]
    assert database["host"] == f"{cluster['metadata']['name']}-rw"
    assert database["port"] == 5432
    assert database["name"] == contents["spec"]["name"] == cluster["spec"]["bootstrap"]["initdb"]["database"]
    assert database["sslmode"] == "require"
    assert {found["name"] for found in contents["spec"]["extensions"]} == {"postgis", "pg_trgm"}
    assert "postgis" in cluster["spec"]["imageName"]
    assert contents["spec"]["databaseReclaimPolicy"] == "retain"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_passwords_come_from_secrets_that_are_made_in_the_cluster(name: str) -> None:
    args = openzaak(name)
    variables = {found["name"]: found for found in values(name)["extraEnvVars"]}
    assert variables["DB_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "openzaak-database-app", "key": "password"}
    cache = variables["CACHE_PASSWORD"]["valueFrom"]["secretKeyRef"]
    requests = {
        manifest["spec"]["target"]["name"]
        for manifest in [*secret_manifests(args), *data_manifests(args)]
        if manifest["kind"] == "ExternalSecret"
    }
    assert requests == {"openzaak", cache["name"]}
    assert values(name)["existingSecret"] == "openzaak"
    assert "password" not in values(name)["settings"]["database"]
    # Kubernetes fills in a variable only after it is defined.
    order = [found["name"] for found in values(name)["extraEnvVars"]]
    assert order.index("CACHE_PASSWORD") < min(order.index(used) for used in order if used.startswith("CELERY"))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_chart_s_own_redis_is_off_and_both_queues_go_to_the_app_s_valkey(name: str) -> None:
    service = by_kind(data_manifests(openzaak(name)))["Service"]["metadata"]["name"]
    assert values(name)["tags"] == {"redis": False}
    variables = {found["name"]: found.get("value", "") for found in values(name)["extraEnvVars"]}
    for variable in ("CACHE_DEFAULT", "CACHE_AXES", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
        assert f"@{service}:6379/" in variables[variable]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_documents_lie_on_a_volume_that_all_pods_write(name: str) -> None:
    claim = by_kind(data_manifests(openzaak(name)))["PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["spec"]["storageClassName"] == "rwx"
    assert values(name)["persistence"]["existingClaim"] == claim["metadata"]["name"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_gateway_reaches_the_app_under_its_host_and_says_hsts(name: str) -> None:
    args = openzaak(name)
    (route,) = route_manifests(args)
    host = f"openzaak.{organisation().environment(name).domain}"
    assert route["spec"]["hostnames"] == [host]
    assert values(name)["settings"]["allowedHosts"] == values(name)["settings"]["siteDomain"] == host
    (rule,) = route["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "openzaak-nginx", "port": 80}]
    (header,) = rule["filters"][0]["responseHeaderModifier"]["set"]
    assert header["name"] == "Strict-Transport-Security"


def restricted(pod: dict[str, Any], container: dict[str, Any]) -> bool:
    """Pod Security `restricted`, as far as security contexts say it."""
    return (
        (pod.get("runAsNonRoot") or container.get("runAsNonRoot")) is True
        and pod.get("seccompProfile", {}).get("type") == "RuntimeDefault"
        and container.get("allowPrivilegeEscalation") is False
        and container.get("capabilities", {}).get("drop") == ["ALL"]
        and container.get("runAsUser") != 0
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_pod_is_fit_for_the_level_restricted(name: str) -> None:
    found = values(name)
    assert restricted(found["podSecurityContext"], found["securityContext"])
    assert restricted(found["podSecurityContext"], found["nginx"]["securityContext"])
    assert found["securityContext"]["runAsUser"] != found["nginx"]["securityContext"]["runAsUser"]
    pod = by_kind(data_manifests(openzaak(name)))["StatefulSet"]["spec"]["template"]["spec"]
    assert restricted(pod["securityContext"], pod["containers"][0]["securityContext"])
    assert found["serviceAccount"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_the_app_asks_for_fits_into_its_namespace(name: str) -> None:
    """Memory of one of each pod at its replicas: quota counts requests, and a pod that does not fit never starts."""
    from stacks.models.team import amount

    found, args = values(name), openzaak(name)
    assert args.database
    assert args.cache
    assert args.volume
    memory = sum(
        replicas * amount(part["resources"]["requests"]["memory"])
        for replicas, part in [
            (found["replicaCount"], found),
            (found["worker"]["replicaCount"], found["worker"]),
            (found["nginx"]["replicaCount"], found["nginx"]),
            (1, found["beat"]),
        ]
    )
    memory += args.database.instances * amount(args.database.memory) + amount(args.cache.memory)
    storage = args.database.instances * amount(args.database.storage) + amount(args.cache.storage)
    storage += amount(args.volume.size)
    (app,) = organisation().apps("burgerzaken", name)
    # A rolling update starts one more of each before it stops the old one.
    assert memory + 2 * 2**30 <= amount(app.differs.capacity.memory)
    assert storage <= amount(app.differs.capacity.storage)


def test_images_name_their_registry() -> None:
    found = values("production")
    images = [found["image"]["repository"], found["nginx"]["image"]["repository"]]
    assert all(image.startswith("docker.io/") for image in images)


def test_the_cache_password_is_in_a_file_and_in_no_argument() -> None:
    pod = by_kind(data_manifests(openzaak("production")))["StatefulSet"]["spec"]["template"]["spec"]
    arguments = " ".join(pod["containers"][0]["args"])
    assert "--aclfile /etc/valkey/users.acl" in arguments
    assert "pass" not in arguments
    assert "env" not in pod["containers"][0]
