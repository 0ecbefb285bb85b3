"""What runners may do covers what their stacks make, in every stack of the example, and not much more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest

from components.cluster import runner_bounds
from components.cluster.runners import services_rules, teams_rules
from stacks import program
from stacks.joining import READ_OUTPUTS
from stacks.names import parse_stack
from tests.conftest import LOOK_UPS, Build, Built, Resource
from tests.stacks.conftest import Home
from tests.stacks.test_program import STACKS, built, handed_over

WRITING = ("get", "create", "patch", "delete")
TEAMS = [stack for stack in STACKS if "-team-" in stack]
SERVICES = [stack for stack in STACKS if stack.endswith("-services")]


def plural(kind: str) -> str:
    """Return the resource of a kind, as Kubernetes forms it."""
    name = kind.lower()
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def allows(rules: Iterable[dict[str, Any]], group: str, resource: str, verb: str) -> bool:
    return any(group in r["apiGroups"] and resource in r["resources"] and verb in r["verbs"] for r in rules)


def applied(result: Built, provider: str) -> list[Resource]:
    """Return what goes to the cluster by providers whose name fits, and not into a folder."""
    return [
        one
        for one in result.resources.values()
        if one.type.startswith("kubernetes:") and re.search(provider, one.provider.split("::")[3])
    ]


def missing(rules: list[dict[str, Any]], resources: list[Resource]) -> set[str]:
    found: set[str] = set()
    for one in resources:
        if one.type.endswith(":Release"):
            continue  # a chart's objects are not known here; see `ENGINE`
        group = one.inputs["apiVersion"].rpartition("/")[0]
        resource = plural(one.inputs["kind"])
        found |= {f"{verb} {group}/{resource}" for verb in WRITING if not allows(rules, group, resource, verb)}
    return found


def not_held(rules: list[dict[str, Any]], resources: list[Resource]) -> set[str]:
    """Return what roles give that their maker does not have: the API server refuses such a role."""
    return {
        f"{verb} {group}/{resource}"
        for one in resources
        if one.type.endswith(":Role")
        for given in one.inputs["rules"]
        for group in given["apiGroups"]
        for resource in given["resources"]
        for verb in given["verbs"]
        if not allows(rules, group, resource, verb)
    }


@pytest.mark.parametrize("stack", TEAMS)
def test_a_runner_of_teams_may_make_a_fence_and_hand_on_its_rights(build: Build, stack: str) -> None:
    rules = teams_rules(direct=False, debug=stack.startswith("test-"))
    resources = applied(built(build, stack), "-(cluster|adopting)$")
    assert len(resources) > 10
    assert any(one.type.endswith(":Role") for one in resources)
    assert missing(rules, resources) == set()
    assert not_held(rules, resources) == set()


@pytest.mark.parametrize("stack", SERVICES)
def test_a_runner_of_services_may_make_what_it_makes_itself(build: Build, stack: str) -> None:
    resources = applied(built(build, stack), "^services-cluster$")
    assert len(resources) >= 3
    assert missing(services_rules(direct=False), resources) == set()


def test_where_pulumi_applies_the_children_their_kinds_are_covered_too(build: Build) -> None:
    result = built(build, "sandbox")
    services, teams = applied(result, "^services-cluster$"), applied(result, "-sandbox-(cluster|adopting)$")
    assert len(services) > 20
    assert len(teams) > 20
    assert missing(services_rules(direct=True), services) == set()
    assert missing(teams_rules(direct=True, debug=True), teams) == set()
    assert not_held(teams_rules(direct=True, debug=True), teams) == set()
    # Not by chance: without the children's kinds they would not be.
    assert missing(services_rules(direct=False), services)
    assert missing(teams_rules(direct=False, debug=True), teams)


@pytest.mark.parametrize("direct", [True, False])
def test_a_runner_of_teams_cannot_raise_itself(direct: bool) -> None:
    rules = teams_rules(direct=direct, debug=True)
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert verbs <= {"get", "list", "watch", "create", "update", "patch", "delete"}
    assert not resources & {"secrets", "clusterroles", "clusterrolebindings", "nodes", "*", "serviceaccounts/token"}


def test_nobody_enters_pods_where_nothing_but_production_is() -> None:
    rules = teams_rules(direct=False, debug=False)
    assert not any("exec" in resource for rule in rules for resource in rule["resources"])


def test_no_right_is_given_before_the_bound_is_there(build: Build, home: Home) -> None:
    result = _cluster(build, home, "{services: [oidc:services], teams: [oidc:teams]}")
    binding = next(one for one in result.resources.values() if one.inputs.get("kind") == "ClusterRoleBinding")
    assert any(urn.endswith("validating-admission-policy-binding-kade-runners-of-teams") for urn in binding.depends_on)
    (bound,) = result.of_type("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy")
    conditions = [one["expression"] for one in bound.inputs["spec"]["matchConditions"]]
    assert conditions == [
        'request.userInfo.groups.exists(one, one in ["oidc:teams"])',
        '!request.userInfo.groups.exists(one, one in ["oidc:services"])',
    ]
    assert '"openbao"' in str(bound.inputs["spec"]["validations"])


def test_who_is_not_named_gets_nothing(build: Build, home: Home) -> None:
    only = _cluster(build, home, "{services: [oidc:services]}")
    kinds = {one.inputs.get("kind") for one in only.resources.values()}
    assert "ClusterRole" in kinds
    assert "ValidatingAdmissionPolicy" not in kinds
    names = {one.inputs["metadata"]["name"] for one in only.resources.values() if one.type.endswith(":ClusterRole")}
    assert names == {"kade:runners:services"}


def test_where_no_runner_is_named_nothing_is_made(build: Build) -> None:
    assert not [one for one in built(build, "production-cluster").resources if "runners" in one]


def test_the_label_and_the_project_of_the_bound_are_those_of_the_fence(build: Build) -> None:
    from components.services.service import PROJECT
    from components.teams.namespace import NamespaceArgs, namespace_manifest

    args = NamespaceArgs(
        namespace="a", team="b", app="c", environment="d", cpu="1", memory="1Gi", storage="1Gi",
        deploy_group="x", view_group="y", debug=False, keep_data=False,
    )  # fmt: skip
    assert runner_bounds.TEAM_LABEL in namespace_manifest(args)["metadata"]["labels"]
    assert PROJECT in runner_bounds.PLATFORM_PROJECTS


def _cluster(build: Build, home: Home, runners: str) -> Built:
    path = home.root / "clusters" / "production.yaml"
    path.write_text(path.read_text() + f"runners: {runners}\n")
    files = home.files
    calls = {**LOOK_UPS, READ_OUTPUTS: handed_over}
    stack = "production-cluster"
    return build(lambda: program.deploy(parse_stack(stack, files), files), stack=stack, calls=calls)
