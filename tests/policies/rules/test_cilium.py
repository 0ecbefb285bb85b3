"""Policies of Cilium for the whole cluster close the namespaces that they are for, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from policies.kernel.words import Status
from tests.policies.rules.conftest import Judge

RULE = "tenancy-default-deny"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "labels": {"kade/team": "web"}}}


def wide(selector: dict[str, Any], *directions: str) -> dict[str, Any]:
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {"endpointSelector": selector, **{direction: [{}] for direction in directions}},
    }


@pytest.mark.parametrize(
    ("labels", "closed"),
    [
        ({}, True),
        ({"k8s:io.kubernetes.pod.namespace": "web"}, True),
        ({"k8s:io.kubernetes.pod.namespace": "other"}, False),
        ({"k8s:io.kubernetes.pod.namespace": "web", "app": "api"}, False),
        ({"app": "api"}, False),
    ],
)
def test_a_policy_for_the_whole_cluster_counts_for_those_it_chooses(
    judge: Judge, labels: dict[str, str], closed: bool
) -> None:
    found = judge(RULE, NAMESPACE, wide({"matchLabels": labels}, "ingress", "egress"))
    assert {one.status for one in found} == {Status.PASS if closed else Status.FAIL}


def test_expressions_are_not_taken_for_everything(judge: Judge) -> None:
    selector = {"matchExpressions": [{"key": "x", "operator": "Exists"}]}
    assert {one.status for one in judge(RULE, NAMESPACE, wide(selector, "ingress", "egress"))} == {Status.FAIL}


def test_one_direction_closes_that_one_only(judge: Judge) -> None:
    (found,) = judge(RULE, NAMESPACE, wide({}, "ingress"))
    assert (found.status, found.path) == (Status.FAIL, "Egress")
