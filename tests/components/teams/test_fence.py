"""A team's fence, built under mocks from the example organisation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.cluster.handle import ClusterHandle, ClusterObserved
from components.teams.access import view_rules
from components.teams.network import OpeningArgs, policies
from components.teams.vault import reader_policy, writer_policy
from stacks.handles import cluster_declared
from stacks.loading import organisation
from stacks.teams import deploy_team

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
TEAMS = [
    (environment, team)
    for environment in organisation().environment_names()
    for team in organisation().team_names(environment)
]
PLANTED = "kubeconfig-that-must-not-show"


def handle(cluster: str, **changes: Any) -> ClusterHandle:
    observed = ClusterObserved(
        kubeconfig=pulumi.Output.secret(PLANTED),
        ca=pulumi.Output.from_input("ca"),
        uid=pulumi.Output.from_input("uid"),
    )
    declared = cluster_declared(organisation().cluster(cluster), keep_data=cluster == "production")
    return ClusterHandle(declared=dataclasses.replace(declared, **changes), observed=observed)


def team(environment: str, name: str, **changes: Any) -> Callable[[], object]:
    def program() -> None:
        files = organisation()
        found = files.environment(environment)
        deploy_team(found, files.team(name), files.apps(name, environment), handle(found.cluster, **changes))

    return program


def test_the_example_has_two_teams_in_four_environments() -> None:
    assert len(TEAMS) == 6
    assert {name for _, name in TEAMS} == {"burgerzaken", "web"}


@pytest.mark.parametrize(("environment", "name"), TEAMS)
def test_a_namespace_is_closed_both_ways_by_default(build: Any, environment: str, name: str) -> None:
    built = build(team(environment, name), stack=f"{environment}-team-{name}")
    spaces = {
        resource.inputs["metadata"]["name"]: resource for resource in built.of_type("kubernetes:core/v1:Namespace")
    }
    closed = {
        resource.inputs["metadata"]["namespace"]: resource.inputs["spec"]
        for resource in built.of_type(POLICY)
        if resource.inputs["metadata"]["name"] == "default-deny"
    }
    assert spaces
    assert closed.keys() == spaces.keys()
    assert all(spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} for spec in closed.values())
    labels = [resource.inputs["metadata"]["labels"] for resource in spaces.values()]
    assert all(label["pod-security.kubernetes.io/enforce"] == "restricted" for label in labels)
    assert all(label["kade/team"] == name for label in labels)


def test_without_openings_only_neighbours_names_and_the_gateway_are_reached() -> None:
    assert [found["metadata"]["name"] for found in policies("here", [])] == [
        "default-deny",
        "same-namespace",
        "names",
        "from-gateway",
    ]


@pytest.mark.parametrize(("direction", "key", "peer"), [("in", "ingress", "from"), ("out", "egress", "to")])
def test_an_opening_opens_one_direction_to_one_end_on_named_ports(direction: Any, key: str, peer: str) -> None:
    opening = OpeningArgs(
        name="x", reason="It is needed.", direction=direction, namespace=None, range="10.1.0.0/24", ports=(443,)
    )
    found = policies("here", [opening])[-1]
    assert found["metadata"]["annotations"] == {"kade/reason": "It is needed."}
    assert found["spec"] == {
        "podSelector": {},
        "policyTypes": [key.capitalize()],
        key: [{peer: [{"ipBlock": {"cidr": "10.1.0.0/24"}}], "ports": [{"protocol": "TCP", "port": 443}]}],
    }


@pytest.mark.parametrize(("environment", "name"), TEAMS)
def test_roles_hold_no_wildcard_no_secrets_and_no_way_to_more(build: Any, environment: str, name: str) -> None:
    built = build(team(environment, name), stack=f"{environment}-team-{name}")
    roles = built.of_type("kubernetes:rbac.authorization.k8s.io/v1:Role")
    rules = [rule for role in roles for rule in role.inputs["rules"]]
    assert len(rules) > 20
    for rule in rules:
        everything = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert not everything & {"*", "secrets", "escalate", "bind", "impersonate", "roles", "rolebindings"}
    assert built.of_type("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding") == []
    bindings = built.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
    assert {subject["kind"] for binding in bindings for subject in binding.inputs["subjects"]} == {"Group"}
    assert all(subject["name"].startswith("oidc:") for b in bindings for subject in b.inputs["subjects"])


@pytest.mark.parametrize(("environment", "entered"), [("sandbox", True), ("production", False)])
def test_pods_are_entered_in_the_sandbox_and_never_in_production(build: Any, environment: str, entered: bool) -> None:
    built = build(team(environment, "burgerzaken"), stack=f"{environment}-team-burgerzaken")
    (role,) = [
        role
        for role in built.of_type("kubernetes:rbac.authorization.k8s.io/v1:Role")
        if role.inputs["metadata"]["name"] == "deploy"
    ]
    assert any("pods/exec" in rule["resources"] for rule in role.inputs["rules"]) is entered


def test_looking_changes_nothing() -> None:
    assert {verb for rule in view_rules() for verb in rule["verbs"]} == {"get", "list", "watch"}


def test_quota_is_what_the_file_says_and_forbids_addresses_of_ones_own(build: Any) -> None:
    built = build(team("production", "burgerzaken"), stack="production-team-burgerzaken")
    (quota,) = built.of_type("kubernetes:core/v1:ResourceQuota")
    hard = quota.inputs["spec"]["hard"]
    assert hard["requests.cpu"] == "12"
    assert hard["limits.memory"] == "24Gi"
    assert hard["services.loadbalancers"] == hard["services.nodeports"] == "0"


@pytest.mark.parametrize(("environment", "name"), TEAMS)
def test_no_service_account_mounts_its_token(build: Any, environment: str, name: str) -> None:
    accounts = build(team(environment, name), stack=f"{environment}-team-{name}").of_type(
        "kubernetes:core/v1:ServiceAccount"
    )
    assert {account.inputs["metadata"]["name"] for account in accounts} == {"default", "secret-reader"}
    assert all(account.inputs["automountServiceAccountToken"] is False for account in accounts)


@pytest.mark.parametrize(("environment", "kept"), [("sandbox", False), ("test", False), ("production", True)])
def test_data_is_protected_in_production_and_goes_with_its_stack_elsewhere(
    build: Any, environment: str, kept: bool
) -> None:
    built = build(team(environment, "burgerzaken"), stack=f"{environment}-team-burgerzaken")
    tokens = (
        "kubernetes:core/v1:Namespace", "vault:index/mount:Mount", "kubernetes:postgresql.cnpg.io/v1:Cluster",
        "kubernetes:core/v1:PersistentVolumeClaim", "kubernetes:apps/v1:StatefulSet",
    )  # fmt: skip
    holders = [resource for token in tokens for resource in built.of_type(token)]
    assert len(holders) == len(tokens)
    assert all(holder.protect is kept and holder.retain_on_delete is kept for holder in holders)
    # Releases go first on the way back: what would stop the apps refuses as well, but is not kept when it leaves.
    releases = built.of_type("kubernetes:argoproj.io/v1alpha1:Application")
    assert releases
    assert all(release.protect is kept and not release.retain_on_delete for release in releases)


def test_an_app_reads_its_own_secrets_with_a_token_made_for_vault(build: Any) -> None:
    built = build(team("production", "burgerzaken"), stack="production-team-burgerzaken")
    (mount,) = built.of_type("vault:index/mount:Mount")
    assert (mount.inputs["type"], mount.inputs["path"]) == ("kv-v2", "burgerzaken-production")
    roles = {
        role.inputs["roleType"]: role.inputs for role in built.of_type("vault:jwt/authBackendRole:AuthBackendRole")
    }
    account = roles["jwt"]
    assert account["boundSubject"] == "system:serviceaccount:burgerzaken-openzaak-production:secret-reader"
    assert account["boundAudiences"] == ["openbao"]
    assert account["backend"] == "jwt-production"
    assert roles["oidc"]["boundClaims"] == {"groups": "burgerzaken-beheer"}
    (store,) = built.of_type("kubernetes:external-secrets.io/v1:SecretStore")
    login = store.inputs["spec"]["provider"]["vault"]["auth"]["jwt"]
    assert login["role"] == account["roleName"]
    assert login["path"] == account["backend"]
    assert login["kubernetesServiceAccountToken"]["serviceAccountRef"]["audiences"] == account["boundAudiences"]


def test_reading_stays_below_the_app_and_nobody_destroys() -> None:
    reader, writer = reader_policy("engine", "app"), writer_policy("engine")
    assert 'path "engine/data/app/*"' in reader
    assert 'path "engine/data/*"' not in reader
    assert reader.count('["read"]') == reader.count("capabilities")
    assert "destroy" not in writer
    assert "sudo" not in reader + writer


def test_the_login_to_vault_is_of_this_run_and_stands_in_no_input(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = "s.token-that-must-not-show"
    monkeypatch.setenv("VAULT_TOKEN", planted)
    monkeypatch.setenv("TERRAFORM_VAULT_AUTH_JWT", planted)
    monkeypatch.setenv("KADE_VAULT_ROLE", "teams")
    built = build(team("production", "burgerzaken"), stack="production-team-burgerzaken")
    assert not [resource.name for resource in built.resources.values() if planted in str(resource)]
    login = built.resources["burgerzaken-production-vault-login"].inputs
    assert "teams" in str(login["authLoginJwt"])
    assert login["skipChildToken"] in (True, "true")


@pytest.mark.parametrize(("environment", "name"), TEAMS)
def test_a_planted_secret_shows_nowhere_but_marked_in_providers(build: Any, environment: str, name: str) -> None:
    built = build(team(environment, name), stack=f"{environment}-team-{name}")
    holders = [resource for resource in built.resources.values() if PLANTED in str(resource.inputs)]
    assert len(holders) == 2
    assert all(holder.type == "pulumi:providers:kubernetes" for holder in holders)
    assert all("kubeconfig" in holder.secrets for holder in holders)
    assert built.of_type("kubernetes:core/v1:Secret") == []


def test_the_project_of_a_team_ends_at_its_fence(build: Any) -> None:
    built = build(team("test", "web"), stack="test-team-web")
    projects = {
        found.inputs["metadata"]["name"]: found.inputs["spec"]
        for found in built.of_type("kubernetes:argoproj.io/v1alpha1:AppProject")
    }
    own = projects["web-test"]
    assert own["sourceRepos"] == ["https://stefanprodan.github.io/podinfo"]
    assert [destination["namespace"] for destination in own["destinations"]] == ["web-startpagina-test"]
    assert own["clusterResourceWhitelist"] == []
    forbidden = {entry["kind"] for entry in own["namespaceResourceBlacklist"]}
    assert {"NetworkPolicy", "ResourceQuota", "RoleBinding", "SecretStore"} <= forbidden
    # Only what comes from the organisation's own repository may make releases.
    assert projects["web-test-root"]["sourceRepos"] == ["https://git.voorbeeld.example/platform/gitops.git"]


def test_git_and_direct_make_the_same_app(build: Any) -> None:
    def children(built: Any) -> dict[str, Any]:
        (app,) = built.of_type("kade:apps:App")
        return {
            resource.name: resource.inputs
            for resource in built.resources.values()
            if resource.custom and resource.parent == app.urn
        }

    git = children(build(team("production", "burgerzaken"), stack="production-team-burgerzaken"))
    direct = children(build(team("production", "burgerzaken", delivery="direct"), stack="production-team-burgerzaken"))
    assert git == direct
    assert len(git) == 12


def test_only_the_service_account_that_kubernetes_makes_is_taken_over(build: Any) -> None:
    built = build(team("sandbox", "burgerzaken"), stack="sandbox")
    taken = [
        resource.name
        for resource in built.resources.values()
        if resource.custom and resource.provider.split("::")[-2:-1] == ["burgerzaken-sandbox-adopting"]
    ]
    assert taken == ["burgerzaken-openzaak-sandbox-service-account-default"]


def test_without_a_vault_a_team_has_a_fence_and_no_secrets(build: Any) -> None:
    built = build(team("test", "web", vault_address=None), stack="test-team-web")
    assert built.of_type("vault:index/mount:Mount") == []
    assert built.of_type("kubernetes:external-secrets.io/v1:SecretStore") == []
    assert len(built.of_type("kubernetes:core/v1:Namespace")) == 1
