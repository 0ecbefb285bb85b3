"""Helm releases are played: Helm itself finds them, and nothing of what they were given is in clear."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.plugins.standin import Resource, StandInError
from rehearsal.plugins.values import Props, Secret
from tests.rehearsal.server.conftest import Cluster, Plugin, shown

pytestmark = pytest.mark.engine

TYPE = "kubernetes:helm.sh/v3:Release"
Plug = Callable[..., Plugin]


def resource(name: str = "it") -> Resource:
    return Resource(f"urn:pulumi:dev::kade::{TYPE}::{name}", TYPE)


def release(namespace: str, **more: Any) -> Props:
    return {
        "chart": "web", "name": "shop", "namespace": namespace, "version": "1.2.3",
        "values": {"password": Secret("planted-marked"), "plain": "planted-unmarked"}, **more,
    }  # fmt: skip


def helm(cluster: Cluster, *arguments: str) -> str:
    done = subprocess.run(
        [str(Path(cluster.endpoints.tools) / "helm"), *arguments], text=True, capture_output=True, check=True,
        env={"KUBECONFIG": cluster.kubernetes.kubeconfig, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}, timeout=120,
    )  # fmt: skip
    return done.stdout


def test_helm_finds_a_played_release_through_its_whole_life(plug: Plug, cluster: Cluster, namespace: str) -> None:
    provider = plug().provider
    id_, outputs = provider.create(resource(), release(namespace))
    assert id_ == f"{namespace}/shop"
    assert shown(outputs, "status", "revision") == 1
    (found,) = json.loads(helm(cluster, "list", f"--namespace={namespace}", "--output=json"))
    assert (found["name"], found["chart"], found["status"], found["revision"]) == ("shop", "web-1.2.3", "deployed", "1")
    later = release(namespace, version="1.2.4")
    outputs = provider.update(resource(), id_, outputs, later)
    assert shown(outputs, "status", "revision") == 2
    history = json.loads(helm(cluster, "history", "shop", f"--namespace={namespace}", "--output=json"))
    assert [(entry["revision"], entry["status"]) for entry in history] == [(1, "superseded"), (2, "deployed")]
    assert {entry["description"] for entry in history} == {"Played by Kade's rehearsal: recorded, not installed"}
    found = provider.read(resource(), id_, later, outputs)
    assert found is not None
    assert found[1] == later
    provider.delete(resource(), id_, later, outputs)
    assert provider.read(resource(), id_, later, outputs) is None
    assert helm(cluster, "list", "--all", "--short", f"--namespace={namespace}").split() == []


def test_a_record_says_that_it_is_played_and_holds_no_value(plug: Plug, cluster: Cluster, namespace: str) -> None:
    plug().provider.create(resource(), release(namespace))
    (record,) = cluster.get("secrets", "--selector=owner=helm", f"--namespace={namespace}")["items"]
    assert record["metadata"]["labels"]["kade.rehearsal/played"] == "true"
    content = gzip.decompress(base64.b64decode(base64.b64decode(record["data"]["release"]))).decode()
    assert json.loads(content)["name"] == "shop"
    assert "planted" not in content
    assert "planted" not in json.dumps(record)


def test_a_killed_run_s_release_is_adopted_and_another_one_s_name_is_refused(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    plug().provider.create(resource(), release(namespace))
    _, outputs = plug().provider.create(resource(), release(namespace))
    assert shown(outputs, "status", "revision") == 1
    with pytest.raises(StandInError, match="cannot re-use a name that is still in use"):
        plug().provider.create(resource("other"), release(namespace))
    assert len(cluster.get("secrets", "--selector=owner=helm", f"--namespace={namespace}")["items"]) == 1


def test_a_release_makes_its_namespace_only_where_it_is_told_to(plug: Plug, cluster: Cluster, namespace: str) -> None:
    other = f"{namespace}-new"
    with pytest.raises(StandInError, match="Make the namespace first"):
        plug().provider.create(resource(), release(other))
    plug().provider.create(resource(), release(other, createNamespace=True))
    assert cluster.get("namespace", other)["status"]["phase"] == "Active"
    cluster.kubectl("delete", "namespace", other, "--wait=false")
