"""The GitOps player's own decisions, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.services.catalogue import CATALOGUE
from components.services.service import services_project
from rehearsal.backends.api import Kind, Object
from rehearsal.backends.gitops import Rendered, SyncError, load, placeholder
from rehearsal.backends.gitops_bounds import Bounds
from rehearsal.backends.gitops_health import waits_for


def manifest(kind: str, name: str, wave: str | None = None, api: str = "v1", namespace: str | None = None) -> str:
    lines = [f"apiVersion: {api}", f"kind: {kind}", "metadata:", f"  name: {name}"]
    lines += [f"  namespace: {namespace}"] if namespace else []
    lines += ["  annotations:", f"    argocd.argoproj.io/sync-wave: '{wave}'"] if wave is not None else []
    return "\n".join(lines) + "\n"


def test_objects_come_by_wave_then_kind_then_name(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.yaml").write_text(manifest("Service", "web") + "---\n" + manifest("ConfigMap", "settings"))
    (tmp_path / "deep" / "b.yaml").write_text(manifest("Namespace", "late", "3"))
    (tmp_path / "c.yaml").write_text("---\n" + manifest("Shop", "early", "-1", "shop.example/v1"))
    (tmp_path / "d.yaml").write_text(manifest("Namespace", "shop", "0") + "---\n")
    (tmp_path / "notes.txt").write_text("no manifest")
    found = [(one.file, str(one)) for one in load(tmp_path)]
    assert found == [
        ("c.yaml", "Shop early"), ("d.yaml", "Namespace shop"), ("a.yaml", "ConfigMap settings"),
        ("a.yaml", "Service web"), ("deep/b.yaml", "Namespace late"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is no YAML"), ("- a list", "holds something that is no Kubernetes object"), ("a: b", "no Kubernetes")],
)
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(SyncError, match=message) as caught:
        load(tmp_path)
    assert "bad.yaml" in str(caught.value)


def test_a_folder_that_is_not_there_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SyncError, match="Run `up` of its stack first"):
        load(tmp_path / "nothing")


@pytest.mark.parametrize("key", ["data", "stringData"])
def test_a_secret_with_values_is_refused_and_one_without_is_not(key: str) -> None:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
    assert placeholder(secret) is None
    assert "does not belong in git" in str(placeholder({**secret, key: {"password": "a digest"}}))
    assert placeholder({**secret, "kind": "ConfigMap", "data": {"a": "b"}}) is None


SERVER = "https://kubernetes.default.svc"
KINDS = {
    "ConfigMap": Kind("v1", "ConfigMap", "configmaps", True, frozenset()),
    "Role": Kind("rbac.authorization.k8s.io/v1", "Role", "roles", True, frozenset()),
    "Namespace": Kind("v1", "Namespace", "namespaces", False, frozenset()),
    "Node": Kind("v1", "Node", "nodes", False, frozenset()),
}


def bounds(**changed: Any) -> Bounds:
    spec = {
        "destinations": [{"server": SERVER, "namespace": "shop"}, {"server": SERVER, "namespace": "team-*"}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        "namespaceResourceBlacklist": [{"group": "rbac.authorization.k8s.io", "kind": "Role"}],
    }
    return Bounds("shop", {**spec, **changed}, SERVER, None)


@pytest.mark.parametrize(
    ("kind", "namespace", "fault"),
    [
        ("ConfigMap", "shop", None),
        ("ConfigMap", "team-web", None),
        ("ConfigMap", "kube-system", "does not allow namespace kube-system"),
        ("Role", "shop", "forbids rbac.authorization.k8s.io/Role"),
        ("Namespace", None, None),
        ("Node", None, "does not allow core/Node"),
    ],
)
def test_a_project_bounds_namespaces_and_kinds(kind: str, namespace: str | None, fault: str | None) -> None:
    found = bounds().fault({"metadata": {"namespace": namespace}}, KINDS[kind])
    assert (found is None) == (fault is None)
    assert fault is None or fault in str(found)


def test_another_cluster_is_outside_and_so_is_all_of_a_project_that_is_not_there() -> None:
    elsewhere = bounds(destinations=[{"server": "https://another.example", "namespace": "*"}])
    assert elsewhere.fault({"metadata": {"namespace": "shop"}}, KINDS["ConfigMap"])
    nobody = Bounds("shop", {}, SERVER, "its project shop is not there")
    assert nobody.fault({"metadata": {"namespace": "shop"}}, KINDS["ConfigMap"]) == "its project shop is not there"


def test_the_services_project_lets_in_what_services_are_made_of_and_no_more() -> None:
    project = services_project(list(CATALOGUE.values()), engine_namespace="argocd", repository="https://git.example")
    spec = {
        "destinations": [{"server": SERVER, "namespace": name} for name in project.namespaces],
        "clusterResourceWhitelist": [{"group": group, "kind": kind} for group, kind in project.cluster_wide],
    }
    limits = Bounds("services", spec, SERVER, None)
    assert limits.fault({"metadata": {"namespace": "grafana"}}, KINDS["ConfigMap"]) is None
    assert limits.fault({"metadata": {"namespace": "default"}}, KINDS["ConfigMap"])
    assert limits.fault({"metadata": {}}, KINDS["Node"])


@pytest.mark.parametrize(
    ("thing", "waits"),
    [
        ({"apiVersion": "v1", "kind": "ConfigMap"}, None),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}, "not known yet"),
        (
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "status": {"health": {"status": "Healthy"}}},
            None,
        ),
        (
            {"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
             "status": {"conditions": [{"type": "Ready", "status": "False", "message": "no issuer"}]}},
            "no issuer",
        ),
        ({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret"}, "is not Ready yet"),
        (
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2},
             "status": {"observedGeneration": 1, "readyReplicas": 2}},
            "pods are ready",
        ),
        ({"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer"}}, "no address"),
    ],
)  # fmt: skip
def test_what_holds_back_the_next_wave(thing: Object, waits: str | None) -> None:
    found = waits_for(thing)
    assert (found is None) == (waits is None)
    assert waits is None or waits in str(found)


def test_a_wave_that_is_no_number_counts_as_the_first() -> None:
    annotations = {"argocd.argoproj.io/sync-wave": "soon"}
    assert Rendered("a.yaml", {"kind": "A", "metadata": {"name": "a", "annotations": annotations}}).wave == 0
