"""The GitOps engine behind its interface."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from components.gitops import engine as interface
from components.gitops.argocd import ArgoCd
from components.gitops.engine import GitOps, Project, Release, Source
from components.gitops.manifest import logical, resource
from stacks.delivery import render_directory

ENGINE: GitOps = ArgoCd()


def opts() -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=k8s.Provider("provider", kubeconfig="made-up"))


def test_the_interface_has_no_word_of_an_engine() -> None:
    text = inspect.getsource(interface).lower()
    assert re.findall(r"argo|appproject|sync-?wave|flux|helmrelease|kustomization", text) == []


def test_a_release_keeps_itself_as_declared_and_tries_again(build: Any) -> None:
    release = Release(
        name="one",
        namespace="there",
        project="bounds",
        source=Source(repository="https://charts.voorbeeld.example", version="1.2.3", chart="app", values={"a": 1}),
    )
    spec = build(lambda: ENGINE.release("r", release, opts())).resources["r"].inputs["spec"]
    assert spec["source"]["helm"] == {"releaseName": "one", "valuesObject": {"a": 1}}
    assert spec["source"]["targetRevision"] == "1.2.3"
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "ServerSideApply=true" in spec["syncPolicy"]["syncOptions"]
    assert spec["syncPolicy"]["retry"]["limit"] == 5


def test_a_folder_of_git_is_delivered_without_helm(build: Any) -> None:
    source = Source(repository="https://git.voorbeeld.example/x.git", version="main", path="folder")
    release = Release(name="one", namespace="there", project="bounds", source=source)
    found = build(lambda: ENGINE.release("r", release, opts())).resources["r"].inputs["spec"]["source"]
    assert found["path"] == "folder"
    assert "helm" not in found
    assert "chart" not in found


@pytest.mark.parametrize("keep", [True, False])
def test_a_release_takes_what_it_installed_along_unless_it_is_kept(build: Any, keep: bool) -> None:
    source = Source(repository="https://charts.voorbeeld.example", version="1.2.3", chart="app")
    release = Release(name="one", namespace="there", project="bounds", source=source, keep=keep)
    metadata = build(lambda: ENGINE.release("r", release, opts())).resources["r"].inputs["metadata"]
    assert ("finalizers" in metadata) is not keep
    assert ("Delete=false" in metadata["annotations"]["argocd.argoproj.io/sync-options"]) is keep


def test_a_project_allows_what_is_named_and_nothing_cluster_wide(build: Any) -> None:
    project = Project(
        name="team",
        description="",
        repositories=["https://charts.voorbeeld.example"],
        namespaces=["one", "two"],
        forbidden=[("", "ResourceQuota")],
    )
    spec = build(lambda: ENGINE.project("p", project, opts())).resources["p"].inputs["spec"]
    assert [destination["namespace"] for destination in spec["destinations"]] == ["one", "two"]
    assert spec["clusterResourceWhitelist"] == []
    assert spec["namespaceResourceBlacklist"] == [{"group": "", "kind": "ResourceQuota"}]


def test_a_secret_is_never_made_from_a_manifest() -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}}
    with pytest.raises(ValueError, match="ExternalSecret"):
        resource("x", manifest, pulumi.ResourceOptions())


def test_a_kind_that_kubernetes_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind Deploiment in apps/v1"):
        resource("x", {"apiVersion": "apps/v1", "kind": "Deploiment", "metadata": {}}, pulumi.ResourceOptions())


@pytest.mark.parametrize(
    ("api", "kind", "token"),
    [
        ("v1", "Namespace", "kubernetes:core/v1:Namespace"),
        ("apps/v1", "StatefulSet", "kubernetes:apps/v1:StatefulSet"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"),
        ("networking.k8s.io/v1", "NetworkPolicy", "kubernetes:networking.k8s.io/v1:NetworkPolicy"),
        ("storage.k8s.io/v1", "StorageClass", "kubernetes:storage.k8s.io/v1:StorageClass"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"),
        ("external-secrets.io/v1", "SecretStore", "kubernetes:external-secrets.io/v1:SecretStore"),
    ],
)
def test_built_in_kinds_are_typed_and_others_are_custom(build: Any, api: str, kind: str, token: str) -> None:
    more: dict[str, Any] = {"provisioner": "p"} if kind == "StorageClass" else {}
    if kind == "StatefulSet":
        more = {"spec": {"serviceName": "x", "selector": {}, "template": {}}}
    if kind == "RoleBinding":
        more = {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"}}
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, **more}
    made = build(lambda: resource("made", manifest, opts())).resources["made"]
    assert made.type == token
    assert {key: made.inputs[key] for key in more} == more


def test_logical_names_tell_kinds_and_names_apart() -> None:
    assert logical({"kind": "NetworkPolicy", "metadata": {"name": "default-deny"}}) == "network-policy-default-deny"


def test_rendering_goes_where_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KADE_RENDER_DIRECTORY", raising=False)
    monkeypatch.setenv("KADE_OUT", str(tmp_path))
    assert render_directory("production-services") == tmp_path / "gitops" / "production-services"
    monkeypatch.setenv("KADE_RENDER_DIRECTORY", str(tmp_path / "here"))
    assert render_directory("production-services") == tmp_path / "here"
