"""What the model makes of resources, from whatever program they come."""

from __future__ import annotations

from datetime import date
from typing import Any

from pulumi.runtime import proto

from policies.fixtures import Example
from policies.kernel.verdict import Scope
from policies.model.model import Model
from policies.model.resource import Inventory, Resource
from policies.model.values import COMPUTED, SECRET, Count, Unknown
from policies.sources.preview import inventory
from policies.sources.wire import SECRET_SIGNATURE, SIGNATURE, merged, plain

UNKNOWN_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def struct(data: dict[str, Any]) -> Any:
    message = proto.AnalyzerResource()
    message.properties.update(data)
    return message.properties


def model(*resources: Example) -> Model:
    messages = []
    for resource in resources:
        message = proto.AnalyzerResource(type=resource.type, name=resource.name, urn=f"urn:{resource.name}")
        message.properties.update(resource.properties)
        for name, origins in resource.origins.items():
            message.propertyDependencies[name].urns.extend(f"urn:{origin}" for origin in origins)
        messages.append(message)
    return Model(inventory(messages), Scope(stack="demo"), date(2026, 11, 21))


def test_values_keep_their_kind_and_unknown_ones_their_path() -> None:
    data = plain(struct({"a": 3, "b": 1.5, "c": True, "d": None, "e": {"f": ["x", UNKNOWN_VALUE]}, "g": UNKNOWN_VALUE}))
    assert data == {
        "a": 3,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": {"f": ["x", Unknown("e.f[1]")]},
        "g": Unknown("g"),
    }
    assert isinstance(data["a"], int)


def test_secrets_are_dropped_wherever_they_stand() -> None:
    secret = {SIGNATURE: SECRET_SIGNATURE, "value": {"deep": "s3cr3t"}}
    data = plain(
        struct({"a": secret, "b": {"c": [secret]}, "hidden": "s3cr3t", "open": "x"}), "", frozenset({"hidden"})
    )
    assert "s3cr3t" not in str(data)
    assert data["a"] == Unknown("a", SECRET)
    assert data["b"]["c"][0] == Unknown("b.c[0]", SECRET)
    assert data["hidden"] == Unknown("hidden", SECRET)
    assert data["open"] == "x"


def test_the_data_of_a_secret_is_secret_without_a_mark() -> None:
    data = plain(struct({"data": {"k": "czNjcjN0"}, "metadata": {"name": "x"}}), "kubernetes:core/v1:Secret")
    assert "czNjcjN0" not in str(data)
    assert data["metadata"] == {"name": "x"}


def test_output_marks_and_resource_references_are_understood() -> None:
    output = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
    reference = "5cf8f73096256a8f31e491e813e4eb8e"
    data = plain(
        struct(
            {
                "known": {SIGNATURE: output, "value": "x"},
                "open": {SIGNATURE: output},
                "secret": {SIGNATURE: output, "value": "s3cr3t", "secret": True},
                "resource": {SIGNATURE: reference, "urn": "urn:x"},
            }
        )
    )
    assert data == {
        "known": "x",
        "open": Unknown("open"),
        "secret": Unknown("secret", SECRET),
        "resource": "urn:x",
    }


def test_what_the_program_asks_for_fills_what_an_output_leaves_open() -> None:
    outputs = {"a": Unknown("a"), "b": {"c": Unknown("b.c"), "d": 1}, "e": [Unknown("e[0]")], "f": Unknown("f", SECRET)}
    inputs = {"a": 1, "b": {"c": 2, "d": 9}, "e": [3], "f": "s3cr3t", "g": 4}
    assert merged(outputs, inputs) == {"a": 1, "b": {"c": 2, "d": 1}, "e": [3], "f": Unknown("f", SECRET), "g": 4}
    assert merged({"a": Unknown("a", COMPUTED)}, {}) == {"a": Unknown("a", COMPUTED)}


def test_properties_are_converted_only_when_something_asks() -> None:
    def refuse() -> Any:
        message = "converted"
        raise AssertionError(message)

    unread = Resource(type="kubernetes:core/v1:ServiceAccount", name="x", load=refuse)
    found = Model(Inventory((unread,)), Scope(stack="demo"), date(2026, 11, 21))
    assert found.nodes.pools == ()
    assert found.releases == ()


def test_a_release_of_each_kind_is_one_release() -> None:
    found = model(
        Example("kubernetes:helm.sh/v3:Release", "a", {"chart": "metrics-server", "values": {"args": ["x"]}}, {}),
        Example(
            "kubernetes:argoproj.io/v1alpha1:Application",
            "b",
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": "b", "namespace": "argocd"},
                "spec": {
                    "sources": [
                        {"repoURL": "https://x", "path": "y"},
                        {
                            "chart": "cert-manager",
                            "helm": {
                                "values": "crds: {enabled: false}",
                                "parameters": [{"name": "crds.enabled", "value": "true"}],
                            },
                        },
                    ]
                },
            },
            {},
        ),
        Example(
            "kubernetes:helm.toolkit.fluxcd.io/v2:HelmRelease",
            "c",
            {
                "metadata": {"name": "c", "namespace": "flux"},
                "spec": {
                    "chart": {"spec": {"chart": "cert-manager", "version": "1.2.3"}},
                    "values": {"crds": {"enabled": True}},
                    "valuesFrom": [{"kind": "Secret", "name": "x"}],
                },
            },
            {},
        ),
    )
    assert [(r.via, r.known) for r in found.releases] == [
        ("helm", "metrics-server"),
        ("argocd", "cert-manager"),
        ("flux", "cert-manager"),
    ]
    helm, argo, flux = found.releases
    assert helm.settings == {"args": ["x"]}
    assert argo.settings["crds.enabled"] == "true"
    assert flux.settings["crds.enabled"] is True
    assert isinstance(flux.settings["installCRDs"], Unknown)
    assert [d.path for d in found.delegations] == ["y"]


def test_values_that_no_rule_reads_never_enter_the_model() -> None:
    found = model(
        Example(
            "kubernetes:helm.sh/v3:Release",
            "a",
            {"chart": "cert-manager", "values": {"password": "s3cr3t", "crds": {"enabled": True, "token": "s3cr3t"}}},
            {},
        )
    )
    assert "s3cr3t" not in str(found.releases)


def test_workloads_of_every_kind_have_one_shape_and_no_environment() -> None:
    container = {
        "name": "x",
        "image": "registry.k8s.io/metrics-server/metrics-server:v1@sha256:0",
        "env": [{"v": "s3cr3t"}],
    }
    pod = {"spec": {"containers": [container]}}
    found = model(
        Example("kubernetes:core/v1:Pod", "pod", {"metadata": {"name": "pod"}, **pod}, {}),
        Example("kubernetes:apps/v1:Deployment", "dep", {"metadata": {"name": "dep"}, "spec": {"template": pod}}, {}),
        Example(
            "kubernetes:batch/v1:CronJob",
            "cron",
            {"metadata": {"name": "cron"}, "spec": {"jobTemplate": {"spec": {"template": pod}}}},
            {},
        ),
    )
    assert sorted(w.subject.kind for w in found.workloads) == ["CronJob", "Deployment", "Pod"]
    assert {w.known for w in found.workloads} == {("metrics-server",)}
    assert "s3cr3t" not in str(found.workloads)
    paths = {w.subject.kind: w.containers[0].path for w in found.workloads if not isinstance(w.containers, Unknown)}
    assert paths["CronJob"] == "spec.jobTemplate.spec.template.spec.containers[0]"
    replicas = {w.subject.kind: w.replicas for w in found.workloads}
    assert replicas == {"Pod": Count(1, 1), "Deployment": Count(1, 1), "CronJob": Count(0, None)}


def test_namespaces_teams_and_listeners() -> None:
    found = model(
        Example(
            "kubernetes:core/v1:Namespace",
            "ns",
            {
                "metadata": {
                    "name": "ns",
                    "labels": {"kade/team": "burgerzaken", "pod-security.kubernetes.io/enforce": "restricted"},
                }
            },
            {},
        ),
        Example(
            "kubernetes:gateway.networking.k8s.io/v1:Gateway",
            "gw",
            {
                "metadata": {"name": "gw"},
                "spec": {"listeners": [{"port": 443, "protocol": "HTTPS", "hostname": "*.x"}]},
            },
            {},
        ),
        Example(
            "kubernetes:core/v1:Service",
            "lb",
            {"metadata": {"name": "lb"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}},
            {},
        ),
        Example(
            "kubernetes:core/v1:Service", "in", {"metadata": {"name": "in"}, "spec": {"ports": [{"port": 80}]}}, {}
        ),
    )
    (namespace,) = found.namespaces
    assert (namespace.team, namespace.enforce, namespace.warn) == ("burgerzaken", "restricted", None)
    assert [team.name for team in found.teams] == ["burgerzaken"]
    assert [(x.subject.name, x.port) for x in found.listeners] == [("gw", "443"), ("lb", "80")]


def test_a_json_patch_is_read_like_a_merge_patch() -> None:
    patch = '[{"op": "add", "path": "/machine/nodeLabels", "value": {"topology.kubernetes.io/zone": "a"}}]'
    found = model(
        Example(
            "talos:machine/configurationApply:ConfigurationApply",
            "n",
            {"node": "10.0.0.1", "configPatches": ["machine: {type: worker}", patch, "{broken"]},
            {},
        )
    )
    (node,) = found.nodes.all
    assert node.zone == "a"
    assert node.computed == ("configPatches[2]",)


def test_a_hostname_may_stand_in_a_document_of_its_own() -> None:
    document = "apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: own-name\n"
    found = model(
        Example(
            "talos:machine/configurationApply:ConfigurationApply",
            "n",
            {"node": "10.0.0.1", "configPatches": ["machine: {type: worker}", document]},
            {},
        )
    )
    assert found.nodes.all[0].subject.name == "own-name"
