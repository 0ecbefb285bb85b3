"""A count that another resource computes: the real engine, the real pack, anyone's program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal import run
from rehearsal.workspace import open_workspace

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s

opts = pulumi.ResourceOptions(provider=k8s.Provider("cluster", kubeconfig=""))
size = k8s.core.v1.ConfigMap("size", metadata={"name": "size"}, data={"replicas": "3"}, opts=opts)
k8s.apiextensions.CustomResource(
    "control-plane",
    api_version="controlplane.cluster.x-k8s.io/v1beta1",
    kind="KubeadmControlPlane",
    metadata={"name": "control-plane", "namespace": "default"},
    spec={"replicas": REPLICAS, "version": "v1.36.3"},
    opts=opts,
)
"""


@pytest.mark.parametrize(
    ("replicas", "status"), [("size.id.apply(lambda _: 3)", "undetermined"), ("3", "pass"), ("1", "fail")]
)
def test_a_count_that_is_computed_is_undetermined_and_never_a_pass(tmp_path: Path, replicas: str, status: str) -> None:
    program = tmp_path / "program"
    program.mkdir()
    (program / "__main__.py").write_text(PROGRAM.replace("REPLICAS", replicas), encoding="utf-8")
    workspace = open_workspace(folder=tmp_path / "kade" / "rehearsal", program=program, out=tmp_path / "out")
    run.preview(workspace, "anything", capture=True)
    verdict = json.loads((tmp_path / "out" / "anything" / "verdict.json").read_text(encoding="utf-8"))
    (finding,) = [found for found in verdict["findings"] if found["rule"] == "haven-hamasters"]
    assert finding["status"] == status, finding["sentence"]
    if status == "undetermined":
        assert [gap["path"] for gap in finding["unknown"]] == ["spec.replicas"]
