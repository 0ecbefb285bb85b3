"""Our rules say of a pod what Kubernetes' own Pod Security code says of it, control by control."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from policies.kernel.registry import Registry
from policies.kernel.verdict import Scope
from policies.kernel.words import Status
from policies.model.model import Model
from policies.model.resource import Inventory, Resource
from policies.rules.pod_security.shared import VERSION
from tests.policies.upstream import pods

RULES = {
    "allowPrivilegeEscalation": "privilege-escalation",
    "appArmorProfile": "apparmor",
    "capabilities_baseline": "capabilities",
    "capabilities_restricted": "capabilities-restricted",
    "hostNamespaces": "host-namespaces",
    "hostPathVolumes": "host-path",
    "hostPorts": "host-ports",
    "hostProbesAndHostLifecycle": "host-probes",
    "privileged": "privileged",
    "procMount": "proc-mount",
    "procMount_restricted": "proc-mount-restricted",
    "restrictedVolumes": "volume-types",
    "runAsNonRoot": "run-as-non-root",
    "runAsUser": "run-as-user",
    "seLinuxOptions": "selinux",
    "seccompProfile_baseline": "seccomp",
    "seccompProfile_restricted": "seccomp-restricted",
    "sysctls": "sysctls",
    "windowsHostProcess": "host-process",
}
"""The check of Kubernetes by its id, and our rule for it."""
SHARED = {
    "capabilities-restricted": "capabilities",
    "proc-mount-restricted": "proc-mount",
    "seccomp-restricted": "seccomp",
    "volume-types": "host-path",
}
"""Restricted rules that leave to the baseline rule what it finds already: the two together are one control."""


def found(registry: Registry, given: list[dict[str, Any]], level: str) -> list[set[str]]:
    """Return the rules that each pod fails, all pods judged at once in a namespace that needs the level."""
    metadata = {"name": "web", "labels": {"pod-security.kubernetes.io/enforce": level}}
    bodies = [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}]
    for number, pod in enumerate(given):
        metadata = {**pod.get("metadata", {}), "name": f"p{number}", "namespace": "web"}
        bodies.append({"apiVersion": "v1", "kind": "Pod", **pod, "metadata": metadata})
    model = Model(Inventory(tuple(map(_resource, bodies))), Scope(stack="demo"), date(2026, 11, 21))
    answers: list[set[str]] = [set() for _ in given]
    for slug in RULES.values():
        rule = registry.find(f"pod_security-{slug}")
        assert rule is not None
        outcomes = list(rule.check(model, rule.parameters()))
        assert {one.status for one in outcomes} <= {Status.FAIL, Status.PASS, Status.NOT_APPLICABLE}, slug
        for name in {one.subject.name for one in outcomes if one.subject and one.status is Status.FAIL}:
            answers[int(name.removeprefix("p"))].add(slug)
    return answers


def _resource(body: dict[str, Any]) -> Resource:
    return Resource(type=f"kubernetes:core/v1:{body['kind']}", name=body["metadata"]["name"], load=lambda: body)


def compare(registry: Registry, given: list[dict[str, Any]], theirs: list[dict[str, list[str]]]) -> Counter[str]:
    """Compare pod by pod at both levels, and return how often each of our rules failed a pod."""
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for level in ("baseline", "restricted"):
        for pod, ours, their in zip(given, found(registry, given, level), theirs, strict=True):
            seen.update(ours)
            same = _controls(ours) == _controls({RULES[check] for check in their[level]})
            if not same or bool(ours) != (level in their["denied"]):
                wrong.append(f"{level}: {json.dumps(pod)}: ours {sorted(ours)}, Kubernetes {their[level]}")
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:5])
    return seen


def _controls(rules: set[str]) -> set[str]:
    return {SHARED.get(rule, rule) for rule in rules}


def test_the_rules_agree_with_kubernetes_on_the_pods_of_its_own_tests(registry: Registry) -> None:
    answers = json.loads(pods.ANSWERS.read_text())
    seen = compare(registry, [answer["pod"] for answer in answers], answers)
    assert len(answers) > 300
    assert set(seen) == set(RULES.values())  # each rule is met at least once


def test_the_rules_are_those_of_the_version_that_is_asked() -> None:
    (line,) = (line for line in (pods.HERE / "go.mod").read_text().splitlines() if pods.MODULE in line)
    assert f" v0.{VERSION.removeprefix('1.')}." in line


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that asks Kubernetes' code: a minute to build where nothing is cached."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go compiler to build Kubernetes' code with")
    return pods.build(tmp_path_factory.mktemp("upstream"))


@pytest.mark.engine
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rules_agree_with_kubernetes_on_pods_that_nobody_thought_of(
    registry: Registry, kubernetes: Path, seed: int
) -> None:
    given = pods.made_up(3000, seed)
    assert set(compare(registry, given, pods.ask(kubernetes, given))) == set(RULES.values())


@pytest.mark.engine
def test_the_rules_agree_with_kubernetes_on_our_examples(registry: Registry, kubernetes: Path) -> None:
    given = pods.examples()
    assert len(given) > 30
    compare(registry, given, pods.ask(kubernetes, given))


@pytest.mark.engine
def test_the_answers_are_those_that_kubernetes_gives(kubernetes: Path) -> None:
    kept = json.loads(pods.ANSWERS.read_text())
    now = pods.ask(kubernetes, [answer["pod"] for answer in kept])
    assert [{"pod": answer["pod"], **new} for answer, new in zip(kept, now, strict=True)] == kept
