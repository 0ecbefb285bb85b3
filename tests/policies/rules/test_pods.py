"""Which pods the rules on pods see, and which level holds for them."""

from __future__ import annotations

import cProfile
from datetime import date
from typing import Any

import pytest

from policies.kernel.registry import Registry
from policies.kernel.verdict import Scope
from policies.kernel.words import Status
from policies.model.model import Model
from policies.model.pods import TEMPLATES
from policies.model.resource import Inventory
from tests.policies.rules.conftest import Judge, resource

BAD = {"name": "web", "image": "x", "securityContext": {"privileged": True}}


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def workload(kind: str, spec: dict[str, Any], namespace: str = "web", **metadata: Any) -> dict[str, Any]:
    group, path = TEMPLATES[kind]
    body: dict[str, Any] = {"spec": spec}
    for part in reversed(path):
        body = {part: body}
    api = f"{group}/v1" if group else "v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": namespace, **metadata}, **body}


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
@pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers"])
def test_a_privileged_container_is_found_in_every_kind_and_every_list(judge: Judge, kind: str, place: str) -> None:
    (found,) = judge("pod_security-privileged", workload(kind, {place: [BAD]}))
    path = ".".join((*TEMPLATES[kind][1], "spec", f"{place}[0]", "securityContext", "privileged"))
    assert found.status is Status.FAIL
    assert (found.path, found.expected, found.actual) == (path, False, True)
    assert found.fix is not None
    assert (found.fix.path, found.fix.value) == (path, False)


def test_every_kind_that_starts_pods_is_known() -> None:
    assert len(TEMPLATES) == 9


def test_what_another_workload_made_is_judged_there_only(judge: Judge) -> None:
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "controller": True}]
    (found,) = judge("pod_security-privileged", workload("Pod", {"containers": [BAD]}, ownerReferences=owner))
    assert found.status is Status.NOT_APPLICABLE


def test_a_pod_that_an_unknown_controller_made_is_judged(judge: Judge) -> None:
    owner = [{"apiVersion": "x.example/v1", "kind": "Runner", "name": "x", "controller": True}]
    (found,) = judge("pod_security-privileged", workload("Pod", {"containers": [BAD]}, ownerReferences=owner))
    assert found.status is Status.FAIL


def test_a_custom_resource_that_is_called_like_a_workload_is_none(judge: Judge) -> None:
    body = workload("Job", {"containers": [BAD]}) | {"apiVersion": "batch.volcano.sh/v1alpha1"}
    (found,) = judge("pod_security-privileged", body)
    assert found.status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("labels", "parameters", "status"),
    [
        ({"kade/team": "web"}, {}, Status.FAIL),
        ({}, {}, Status.NOT_APPLICABLE),
        ({}, {"others": "restricted"}, Status.FAIL),
        ({"pod-security.kubernetes.io/enforce": "restricted"}, {}, Status.FAIL),
        ({"kade/team": "web"}, {"teams": "baseline"}, Status.NOT_APPLICABLE),
        ({"kade/team": "web"}, {"privileged": ["web*"]}, Status.NOT_APPLICABLE),
        ({"kade/team": "web", "pod-security.kubernetes.io/enforce": "privileged"}, {}, Status.FAIL),
        ({"dienst": "web"}, {"teamLabels": ["dienst"]}, Status.FAIL),
    ],
)
def test_the_level_comes_from_the_settings_and_the_namespace(
    judge: Judge, labels: dict[str, str], parameters: dict[str, Any], status: Status
) -> None:
    bodies = (namespace("web", **labels), workload("Deployment", {"containers": [{"name": "web"}]}))
    assert {one.status for one in judge("pod_security-run-as-non-root", *bodies, **parameters)} == {status}


@pytest.mark.parametrize(("level", "status"), [("baseline", Status.FAIL), ("restricted", Status.PASS)])
@pytest.mark.parametrize(
    ("rule", "context"),
    [
        ("capabilities", {"capabilities": {"add": ["SYS_ADMIN"]}}),
        ("seccomp", {"seccompProfile": {"type": "Unconfined"}}),
    ],
)
def test_restricted_replaces_two_controls_by_ones_that_windows_is_not_asked(
    judge: Judge, level: str, status: Status, rule: str, context: dict[str, Any]
) -> None:
    spec = {"os": {"name": "windows"}, "containers": [{"name": "c", "securityContext": context}]}
    bodies = (namespace("web", **{"pod-security.kubernetes.io/enforce": level}), workload("Deployment", spec))
    assert [one.status for one in judge(f"pod_security-{rule}", *bodies)] == [status]


def test_each_container_that_is_wrong_is_named_once(judge: Judge) -> None:
    spec = {"containers": [BAD, BAD | {"name": "good", "securityContext": {}}], "initContainers": [BAD | {"name": "a"}]}
    found = judge("pod_security-privileged", workload("Deployment", spec))
    assert [one.sentence for one in found] == ["Container a is privileged.", "Container web is privileged."]


def test_passes_are_one_outcome_however_many_workloads_there_are(judge: Judge) -> None:
    many = [workload("Deployment", {"containers": [{"name": "c"}]}) for _ in range(500)]
    (found,) = judge("pod_security-privileged", *many)
    assert found.status is Status.PASS
    assert found.sentence.startswith("500 workloads")


def test_ten_times_as_many_workloads_are_ten_times_the_work(registry: Registry) -> None:
    few, many = calls(registry, 100), calls(registry, 1000)
    assert few > 1000
    assert many <= 11 * few


def calls(registry: Registry, number: int) -> int:
    """How many functions are called to judge a number of workloads: the same on a busy machine as on a quiet one."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spec = {"containers": [{"name": "web", "image": "ghcr.io/x/y:v1.0.0", "securityContext": context}]}
    inventory = Inventory(tuple(resource(workload("Deployment", spec)) for _ in range(number)))
    model = Model(inventory, Scope(stack="demo"), date(2026, 11, 21))
    rules = [rule for rule in registry if rule.framework in ("pod_security", "tenancy", "supply_chain")]
    assert len(rules) >= 45
    profile = cProfile.Profile()
    found = profile.runcall(lambda: [outcome for rule in rules for outcome in rule.check(model, rule.parameters())])
    assert len(found) == len(rules)
    return sum(entry.callcount for entry in profile.getstats())
