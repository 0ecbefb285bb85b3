"""The services layer, built under mocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.cluster.handle import ClusterHandle, ClusterObserved
from components.gitops.argocd import CASCADE
from stacks.handles import cluster_declared
from stacks.loading import organisation
from stacks.services import deploy_services

APPLICATION = "kubernetes:argoproj.io/v1alpha1:Application"
PLANTED = "kubeconfig-that-must-not-show"


def handle(cluster: str) -> ClusterHandle:
    observed = ClusterObserved(
        kubeconfig=pulumi.Output.secret(PLANTED),
        ca=pulumi.Output.from_input("ca"),
        uid=pulumi.Output.from_input("uid"),
    )
    return ClusterHandle(
        declared=cluster_declared(organisation().cluster(cluster), keep_data=cluster == "production"),
        observed=observed,
    )


def services(cluster: str, **changes: Any) -> Callable[[], object]:
    def program() -> None:
        found = organisation().cluster(cluster).model_copy(update=changes)
        import dataclasses

        own = handle(cluster)
        if "delivery" in changes:
            own = dataclasses.replace(own, declared=dataclasses.replace(own.declared, delivery=changes["delivery"]))
        deploy_services(found, own)

    return program


@pytest.mark.parametrize("cluster", organisation().cluster_names())
def test_every_service_of_the_file_is_built_with_its_namespace(build: Any, cluster: str) -> None:
    built = build(services(cluster), stack=f"{cluster}-services")
    named = {resource.name for resource in built.of_type("kade:services:Service")}
    assert named == set(organisation().cluster(cluster).services)
    levels = [
        resource.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for resource in built.of_type("kubernetes:core/v1:Namespace")
    ]
    assert len(levels) == len(named) + 1  # and the engine's
    assert levels.count("privileged") == 3


def test_git_and_direct_make_the_same_children_through_different_providers(build: Any) -> None:
    git = build(services("production", delivery="git"), stack="production-services")
    direct = build(services("production", delivery="direct"), stack="production-services")
    own = {"services-root", "services-rendered"}

    def children(built: Any) -> dict[str, Any]:
        return {
            name: resource.inputs
            for name, resource in built.resources.items()
            if resource.custom and name not in own and not resource.type.startswith("pulumi:providers:")
        }

    assert children(git) == children(direct)
    assert len(children(git)) > 40
    for built, provider in ((git, "services-rendered"), (direct, "services-cluster")):
        releases = [resource for resource in built.of_type(APPLICATION) if resource.name not in own]
        assert len(releases) >= 12
        assert {resource.provider.split("::")[-2] for resource in releases} == {provider}
    assert own <= git.resources.keys()
    assert not own & direct.resources.keys()


def test_in_git_pulumi_itself_applies_only_engine_project_and_root(build: Any) -> None:
    built = build(services("production"), stack="production-services")
    applied = {
        resource.name
        for resource in built.resources.values()
        if resource.custom and resource.provider.split("::")[-2:-1] == ["services-cluster"]
    }
    assert applied == {"gitops-namespace", "gitops-release", "gitops-project-services", "services-root"}
    root = built.resources["services-root"].inputs["spec"]
    assert root["source"]["repoURL"] == "https://git.voorbeeld.example/platform/gitops.git"
    assert root["source"]["path"] == "production-services"


def test_teardown_takes_children_first_then_projects_then_the_engine(build: Any) -> None:
    built = build(services("sandbox"), stack="sandbox")
    resources = built.resources
    project, engine = resources["gitops-project-services"], resources["gitops-release"]
    assert engine.urn in project.depends_on
    owners = built.of_type("kade:services:Service")
    assert len(owners) == 11
    assert all(project.urn in owner.depends_on for owner in owners)
    # A release cascades, so it needs the engine until it is gone.
    releases = built.of_type(APPLICATION)
    assert all(CASCADE in release.inputs["metadata"]["finalizers"] for release in releases)


def test_in_git_the_root_goes_before_the_projects(build: Any) -> None:
    resources = build(services("production"), stack="production-services").resources
    assert resources["gitops-project-services"].urn in resources["services-root"].depends_on
    assert resources["services-root"].inputs["metadata"]["finalizers"] == [CASCADE]


def test_a_service_waits_for_what_it_requires(build: Any) -> None:
    resources = build(services("sandbox"), stack="sandbox").resources
    assert resources["cert-manager-cert-manager"].urn in resources["metrics-server"].depends_on
    assert resources["external-secrets-external-secrets"].urn in resources["grafana"].depends_on


def test_waves_follow_the_order_of_requirements(build: Any) -> None:
    built = build(services("sandbox"), stack="sandbox")

    def wave(name: str) -> int:
        annotations = built.resources[name].inputs["metadata"]["annotations"]
        return int(annotations["argocd.argoproj.io/sync-wave"])

    chain = [
        "gateway-api-namespace", "gateway-api-gateway-public",
        "cert-manager-cert-manager", "cert-manager-cluster-issuer-public", "openbao-openbao",
        "external-secrets-external-secrets", "grafana-grafana",
    ]  # fmt: skip
    waves = [wave(name) for name in chain]
    assert waves == sorted(set(waves))


def test_a_sealed_vault_is_not_waited_for(build: Any) -> None:
    resources = build(services("sandbox"), stack="sandbox").resources
    waits = {
        name: resources[name].inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
        for name in ("openbao-openbao", "cert-manager-cert-manager")
    }
    assert "sync.status" in waits["openbao-openbao"]
    assert "health.status" in waits["cert-manager-cert-manager"]


def test_the_project_names_what_the_services_use_and_nothing_else(build: Any) -> None:
    built = build(services("production"), stack="production-services")
    spec = built.resources["gitops-project-services"].inputs["spec"]
    assert "*" not in spec["sourceRepos"]
    destinations = {destination["namespace"] for destination in spec["destinations"]}
    assert "*" not in destinations
    sources = {resource.inputs["spec"]["source"]["repoURL"] for resource in built.of_type(APPLICATION)}
    targets = {resource.inputs["spec"]["destination"]["namespace"] for resource in built.of_type(APPLICATION)}
    assert sources <= set(spec["sourceRepos"])
    assert targets <= destinations


def test_the_project_allows_every_kind_without_a_namespace_that_services_bring(build: Any) -> None:
    built = build(services("production"), stack="production-services")
    spec = built.resources["gitops-project-services"].inputs["spec"]
    allowed = {(entry["group"], entry["kind"]) for entry in spec["clusterResourceWhitelist"]}
    brought = {
        (resource.inputs["apiVersion"].rpartition("/")[0], resource.inputs["kind"])
        for resource in built.resources.values()
        if resource.custom
        and resource.provider.split("::")[-2:-1] == ["services-rendered"]
        and "namespace" not in resource.inputs["metadata"]
    }
    assert ("gateway.networking.k8s.io", "GatewayClass") in brought
    assert {pair for pair in brought if pair not in allowed and (pair[0], "*") not in allowed} == set()


def test_the_kubeconfig_is_secret_and_stands_in_the_provider_alone(build: Any) -> None:
    built = build(services("sandbox"), stack="sandbox")
    holders = [resource for resource in built.resources.values() if PLANTED in str(resource.inputs)]
    assert [resource.name for resource in holders] == ["services-cluster"]
    assert "kubeconfig" in holders[0].secrets


def test_nobody_enters_the_engine_with_a_shared_password(build: Any) -> None:
    values = build(services("production"), stack="production-services").resources["gitops-release"].inputs["values"]
    assert values["configs"]["cm"]["admin.enabled"] == "false"
    assert values["configs"]["rbac"]["policy.default"] == ""
    assert values["crds"]["keep"] is True


@pytest.mark.parametrize(("stack", "keep"), [("production-services", True), ("sandbox", False)])
def test_what_holds_a_services_data_is_protected_in_production_and_not_in_the_sandbox(
    build: Any, stack: str, keep: bool
) -> None:
    resources = build(services(stack.removesuffix("-services")), stack=stack).resources
    for name in ("openbao-namespace", "openbao-openbao", "victoria-metrics-namespace", "gitops-namespace"):
        assert (resources[name].protect, resources[name].retain_on_delete) == (keep, keep), name


@pytest.mark.parametrize(("stack", "keep"), [("production-services", True), ("sandbox", False)])
def test_the_engine_keeps_what_pulumi_keeps(build: Any, stack: str, keep: bool) -> None:
    resources = build(services(stack.removesuffix("-services")), stack=stack).resources
    for name in ("openbao-namespace", "openbao-openbao"):
        metadata = resources[name].inputs["metadata"]
        options = metadata["annotations"]["argocd.argoproj.io/sync-options"].split(",")
        assert ("Delete=false" in options, "Prune=false" in options) == (keep, keep), name
    assert ("finalizers" in resources["openbao-openbao"].inputs["metadata"]) == (not keep)
