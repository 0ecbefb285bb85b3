"""A finding keeps its fingerprint when what it is about moves in a list: baselines and exemptions go by it."""

from __future__ import annotations

from datetime import date
from typing import Any

from policies.kernel.judge import judge
from policies.kernel.registry import Registry
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope
from policies.kernel.words import Status
from policies.model.model import Model
from policies.model.resource import Inventory
from tests.policies.rules.conftest import resource

DAY = date(2026, 11, 21)
WRONG = {"name": "web", "image": "ghcr.io/x/web:v1.0.0", "securityContext": {"privileged": True}}
RIGHT = {"name": "proxy", "image": "ghcr.io/x/proxy:v1.0.0"}


def fingerprints(registry: Registry, rule: str, *bodies: dict[str, Any]) -> list[tuple[str, str]]:
    """The path and fingerprint of what a rule fails."""
    model = Model(Inventory(tuple(resource(body) for body in bodies)), Scope(stack="demo"), DAY)
    settings = resolve(SettingsFile(), registry, None, DAY)
    verdict = judge(model, model.scope, registry.select((rule,)), settings)
    return [(found.outcome.path, found.fingerprint) for found in verdict.findings if found.status is Status.FAIL]


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"containers": list(containers), **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "n"}, "spec": body}


def test_a_container_that_moves_keeps_its_fingerprint(registry: Registry) -> None:
    (first,) = fingerprints(registry, "pod_security-privileged", pod(WRONG, RIGHT))
    (second,) = fingerprints(registry, "pod_security-privileged", pod(RIGHT, WRONG))
    assert first[0] == "spec.containers[0].securityContext.privileged"
    assert second[0] == "spec.containers[1].securityContext.privileged"
    assert first[1] == second[1]


def test_another_container_in_its_place_has_another(registry: Registry) -> None:
    (first,) = fingerprints(registry, "pod_security-privileged", pod(WRONG))
    (second,) = fingerprints(registry, "pod_security-privileged", pod({**WRONG, "name": "other"}))
    (third,) = fingerprints(registry, "pod_security-privileged", pod(RIGHT, initContainers=[WRONG]))
    assert len({first[1], second[1], third[1]}) == 3


def test_a_volume_goes_by_its_name(registry: Registry) -> None:
    wrong, right = {"name": "host", "hostPath": {"path": "/"}}, {"name": "tmp", "emptyDir": {}}
    (first,) = fingerprints(registry, "pod_security-host-path", pod(RIGHT, volumes=[wrong, right]))
    (second,) = fingerprints(registry, "pod_security-host-path", pod(RIGHT, volumes=[right, wrong]))
    assert first[0] != second[0]
    assert first[1] == second[1]


def test_a_holder_of_a_role_goes_by_its_name(registry: Registry) -> None:
    def binding(*subjects: dict[str, str]) -> dict[str, Any]:
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "b"},
            "roleRef": role,
            "subjects": list(subjects),
        }

    jan = {"kind": "User", "name": "jan"}
    (alone,) = fingerprints(registry, "tenancy-cluster-admin", binding(jan))
    both = fingerprints(registry, "tenancy-cluster-admin", binding({"kind": "User", "name": "other"}, jan))
    assert [path for path, _ in both] == ["subjects[0]", "subjects[1]"]
    assert both[1][1] == alone[1]
    assert both[0][1] != alone[1]


def test_a_destination_goes_by_its_value(registry: Registry) -> None:
    """An exemption for one destination does not pass to another that takes its place in the list."""

    def project(*namespaces: str) -> dict[str, Any]:
        destinations = [{"server": "https://kubernetes.default.svc", "namespace": name} for name in namespaces]
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"destinations": destinations},
        }

    (alone,) = fingerprints(registry, "tenancy-project-destinations", project("kube-system"))
    both = fingerprints(registry, "tenancy-project-destinations", project("default", "kube-system"))
    assert [path for path, _ in both] == ["spec.destinations[0].namespace", "spec.destinations[1].namespace"]
    assert both[1][1] == alone[1]
    assert both[0][1] != alone[1]
