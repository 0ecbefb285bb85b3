"""What rules on images, rights and Vault make of what is written."""

from __future__ import annotations

from typing import Any

import pytest

from policies.kernel.words import Stage, Status
from policies.model.resource import Inventory, Resource
from policies.model.values import Unknown
from policies.model.vault import POLICY, vault_policies
from policies.rules.supply_chain.shared import Image, below
from tests.policies.rules.conftest import Judge


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("nginx", Image("docker.io", "library/nginx", "", "")),
        ("bitnami/redis:8", Image("docker.io", "bitnami/redis", "8", "")),
        ("localhost/x:1", Image("localhost", "x", "1", "")),
        ("r.example:5000/a/b:v1@sha256:0", Image("r.example:5000", "a/b", "v1", "sha256:0")),
        ("r.example:5000/a", Image("r.example:5000", "a", "", "")),
    ],
)
def test_an_image_is_taken_apart_as_container_runtimes_do(text: str, image: Image) -> None:
    assert Image.of(text) == image


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.3", "1.2.3-alpine", "17.2-3", "2026-11-21", "20261121", "4f2a9c1b77de"])
def test_a_tag_that_names_one_build_is_exact(tag: str) -> None:
    assert Image.of(f"ghcr.io/x/y:{tag}").exact


@pytest.mark.parametrize("tag", ["1", "1.27", "v2", "latest", "main", "stable-alpine", "edge"])
def test_a_tag_that_moves_is_not(tag: str) -> None:
    assert not Image.of(f"ghcr.io/x/y:{tag}").exact


def test_a_registry_is_compared_by_whole_parts_of_its_name() -> None:
    assert below("ghcr.io/kade/x", "ghcr.io/kade")
    assert below("ghcr.io/kade", "ghcr.io/kade/")
    assert not below("ghcr.io/kadeaster/x", "ghcr.io/kade")
    assert not below("ghcr.io.example/x", "ghcr.io")


def policy(text: str) -> Any:
    resource = Resource(type=POLICY, name="x", load=lambda: {"name": "x", "policy": text})
    return vault_policies(Inventory((resource,)))[0].paths


def test_a_policy_of_vault_is_read_with_comments_and_parameters() -> None:
    paths = policy(
        """
        # path "commented/out" { capabilities = ["read"] }
        /* path "also/out" { capabilities = ["read"] } */
        path "a/data/*" { capabilities = ["read", "list"]  # why
          allowed_parameters = { "x" = [] }
        }
        path "b" { capabilities=["sudo"] }
        """
    )
    assert [(one.path, one.capabilities) for one in paths] == [("a/data/*", ("read", "list")), ("b", ("sudo",))]


def test_a_policy_of_vault_that_cannot_be_read_is_not_known() -> None:
    assert isinstance(policy("what is this"), Unknown)
    assert isinstance(policy('{"path": '), Unknown)
    assert isinstance(policy('path "a/*" { capabilities = ["read"] }\npath "sys/*" { x { y { z {} } } }'), Unknown)
    assert policy("") == ()


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "labels": {"kade/team": "web"}}}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "x", "namespace": "web"},
    "rules": [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}],
}


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        (None, Status.FAIL),
        (Stage.SANDBOX, Status.PASS),
        (Stage.TEST, Status.PASS),
        (Stage.ACCEPTANCE, Status.FAIL),
        (Stage.PRODUCTION, Status.FAIL),
    ],
)
def test_pods_are_entered_in_the_lower_stages_only(judge: Judge, stage: Stage | None, status: Status) -> None:
    (found,) = judge("tenancy-rbac-exec", NAMESPACE, ROLE, stage=stage)
    assert found.status is status


def test_a_label_of_ones_own_makes_a_namespace_a_teams(judge: Judge) -> None:
    namespace = NAMESPACE | {"metadata": {"name": "web", "labels": {"gemeente/dienst": "web"}}}
    (found,) = judge("tenancy-quota", namespace)
    assert found.status is Status.NOT_APPLICABLE
    (found,) = judge("tenancy-quota", namespace, teamLabels=["gemeente/dienst"])
    assert found.status is Status.FAIL
    assert found.subject is not None
    assert found.subject.name == "web"


def test_signatures_are_demanded_once_it_is_said_what_is_signed(judge: Judge) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"name": "c"}]}}
    (found,) = judge("supply_chain-signatures", pod)
    assert found.status is Status.UNDETERMINED
    assert found.delegate


def test_a_password_in_an_address_never_reaches_a_finding(judge: Judge) -> None:
    spec = {"sourceRepos": ["https://jan:s3cr3t@git.voorbeeld.example/*"]}
    project = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "web"}, "spec": spec}
    (found,) = judge("tenancy-project-repositories", project)
    assert found.status is Status.FAIL
    assert found.actual == "https://git.voorbeeld.example/*"
    assert "s3cr3t" not in str(found)


def project(repository: str) -> dict[str, Any]:
    destinations = [{"server": "https://kubernetes.default.svc", "namespace": name} for name in ("web", "argocd")]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "web-root", "namespace": "argocd"},
        "spec": {"sourceRepos": [repository], "destinations": destinations},
    }


def test_only_what_comes_from_the_platforms_repository_may_be_made_beside_the_gitops_engine(judge: Judge) -> None:
    own = "https://git.voorbeeld.example/platform/gitops.git"
    for given, trusted, status in (
        (own, (own,), Status.PASS),
        (own, (), Status.FAIL),
        ("https://x", (own,), Status.FAIL),
    ):
        (found,) = judge("tenancy-project-destinations", project(given), platform_repositories=trusted)
        assert found.status is status, (given, trusted)


def test_a_group_that_the_settings_call_the_platforms_may_be_cluster_admin(judge: Judge) -> None:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    group = [{"kind": "Group", "name": "oidc:helpers"}]
    api = "rbac.authorization.k8s.io/v1"
    view = {**role, "name": "view"}
    bodies: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "labels": {"kade/team": "web"}}},
        {
            "apiVersion": api,
            "kind": "RoleBinding",
            "metadata": {"name": "r", "namespace": "web"},
            "roleRef": view,
            "subjects": group,
        },
        {
            "apiVersion": api,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "c"},
            "roleRef": role,
            "subjects": group,
        },
    ]
    (found,) = judge("tenancy-cluster-admin", *bodies)
    assert (found.status, found.path) == (Status.FAIL, "subjects[0]")
    (found,) = judge("tenancy-cluster-admin", *bodies, platform_groups=("oidc:help*",))
    assert found.status is Status.PASS
