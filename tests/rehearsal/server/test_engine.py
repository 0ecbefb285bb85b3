"""The real engine, the plugin and a real API server together: from the first `up` to `destroy`, and after a kill."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.rehearsal.server.conftest import ENDPOINT, Cluster

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.engine

HEAD = """
import pulumi_kubernetes as k8s

with open({kubeconfig!r}) as file:
    kc = k8s.Provider("kc", kubeconfig=pulumi.Output.secret(file.read()), enable_server_side_apply=True)


def config_map(name, data, **metadata):
    return k8s.core.v1.ConfigMap(
        name, metadata={{"name": name, "namespace": {namespace!r}, **metadata}}, data=data, opts=opts(kc))

"""

PROGRAM = """
config_map("plain", {"a": "1"})
k8s.core.v1.Secret("secret", metadata={"name": "secret", "namespace": NAMESPACE},
                   string_data={"pw": pulumi.Output.secret("plan" + "ted-pw")}, opts=opts(kc))
k8s.core.v1.ConfigMap("auto", metadata={"namespace": NAMESPACE}, data={}, opts=opts(kc))
web = k8s.apps.v1.Deployment(
    "web", metadata={"name": "web", "namespace": NAMESPACE},
    spec={"replicas": 2, "selector": {"match_labels": {"app": "web"}},
          "template": {"metadata": {"labels": {"app": "web"}},
                       "spec": {"containers": [{"name": "c", "image": "i"}]}}}, opts=opts(kc))
k8s.core.v1.Service("web", metadata={"name": "web", "namespace": NAMESPACE},
                    spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}, opts=opts(kc))
k8s.helm.v3.Release("release", chart="c", version="1", name="r", namespace=NAMESPACE, values={"x": 1}, opts=opts(kc))
k8s.apiextensions.CustomResource(
    "custom", api_version="argoproj.io/v1alpha1", kind="AppProject",
    metadata={"name": "custom", "namespace": NAMESPACE}, spec={"description": "d", "sourceRepos": ["*"]},
    opts=opts(kc))
pulumi.export("ready", web.status.ready_replicas)
"""
MADE = 9  # the stack and its provider too


def written(real: Rehearsal, namespace: str, text: str) -> None:
    head = HEAD.format(kubeconfig=str(real.folder / "kubeconfig"), namespace=namespace)
    real.program(head + f"NAMESPACE = {namespace!r}\n" + text)


def test_up_refresh_and_destroy_against_a_real_api_server(real: Rehearsal, cluster: Cluster, namespace: str) -> None:
    written(real, namespace, PROGRAM)
    first = real.up()
    assert first.code == 0, first.output
    assert first.changes == {"create": MADE}
    assert real.outputs()["ready"] == 2
    assert cluster.get("appproject", "custom", f"--namespace={namespace}")["spec"]["description"] == "d"
    again = real.up()
    assert (again.code, again.changed) == (0, 0), again.output
    refreshed = real.pulumi("refresh", "--yes")
    assert refreshed.code == 0, refreshed.output
    after = real.up()
    assert (after.code, after.changed) == (0, 0), after.output
    text = json.dumps(real.state())
    assert ENDPOINT not in text, "it stands in the kubeconfig, and that is a secret"
    for needle in ("planted-pw", base64.b64encode(b"planted-pw").decode(), cluster.kubernetes.server):
        assert needle not in text + first.output + refreshed.output

    cluster.kubectl("patch", "configmap", "plain", '--patch={"data":{"a":"drift"}}', f"--namespace={namespace}")
    cluster.kubectl("delete", "service", "web", f"--namespace={namespace}")
    refreshed = real.pulumi("refresh", "--yes")
    assert refreshed.code == 0, refreshed.output
    assert re.search(r"~ +\S*ConfigMap\s+plain", refreshed.output), refreshed.output
    repaired = real.up()
    assert repaired.code == 0, repaired.output
    assert (repaired.changes["update"], repaired.changes["create"]) == (1, 1), repaired.output
    assert cluster.get("configmap", "plain", f"--namespace={namespace}")["data"] == {"a": "1"}

    destroyed = real.pulumi("destroy", "--yes")
    assert destroyed.code == 0, destroyed.output
    left = {kind: cluster.names(kind, namespace) for kind in ("secret", "deployment", "service", "appproject", "pod")}
    assert left == {kind: [] for kind in left}
    assert cluster.names("configmap", namespace) == ["kube-root-ca.crt"]


def test_a_wrong_field_stops_a_run_before_anything_is_made(real: Rehearsal, cluster: Cluster, namespace: str) -> None:
    wrong = PROGRAM.replace('"sourceRepos": ["*"]', '"sourceRepo": "*"')
    assert wrong != PROGRAM
    written(real, namespace, wrong)
    done = real.up()
    assert done.code != 0
    assert re.search(
        rf"AppProject {namespace}/custom \(custom\): .*\.spec\.sourceRepo: field not declared", done.output
    )
    assert cluster.names("configmap", namespace) == ["kube-root-ca.crt"]


def test_an_object_that_is_not_ready_is_kept_and_the_next_run_waits_for_it(
    real: Rehearsal, cluster: Cluster, namespace: str
) -> None:
    waiting = """config_map("slow", {"state": "slow"}, annotations={
        "pulumi.com/waitFor": "jsonpath={.metadata.labels.done}=yes", "pulumi.com/timeoutSeconds": "2"})"""
    written(real, namespace, waiting)
    done = real.up()
    assert done.code != 0
    assert f"ConfigMap {namespace}/slow (slow) is there, but it was not ready within 2 s" in done.output
    (kept,) = real.resources("kubernetes:core/v1:ConfigMap")
    cluster.kubectl("label", "configmap", "slow", "done=yes", "--field-manager=controller", f"--namespace={namespace}")
    again = real.up()
    assert again.code == 0, again.output
    (ready,) = real.resources("kubernetes:core/v1:ConfigMap")
    assert ready["outputs"]["metadata"]["uid"] == kept["outputs"]["metadata"]["uid"]


def test_after_a_kill_the_next_run_adopts_what_is_there_and_doubles_nothing(
    real: Rehearsal, cluster: Cluster, namespace: str
) -> None:
    many = PROGRAM + 'for number in range(30):\n    config_map(f"many-{number}", {"n": str(number)})\n'
    written(real, namespace, many)
    running = real.start("up", "--yes", "--skip-preview")
    real.wait_until(lambda: len(cluster.names("configmap", namespace)) > 4, 120, "some objects are there")
    real.kill(running)
    before = cluster.names("configmap", namespace)
    done = real.up()
    assert done.code == 0, done.output
    assert done.recovered
    after = cluster.names("configmap", namespace)
    assert set(before) <= set(after)
    assert len(after) == 30 + 2 + 1, after  # the named one, the one with a made-up name, and the cluster's own
    assert len(cluster.names("secret", namespace)) == 2  # one, and the release's record
    assert real.up().changed == 0


def test_what_is_there_can_be_imported(real: Rehearsal, cluster: Cluster, namespace: str) -> None:
    written(real, namespace, "")
    assert real.up().code == 0
    cluster.kubectl("create", "secret", "generic", "s", "--from-literal=pw=planted-pw", f"--namespace={namespace}")
    provider = real.resources("pulumi:providers:kubernetes")[0]["urn"]
    imported = real.pulumi(
        "import", "kubernetes:core/v1:Secret", "s", f"{namespace}/s", "--yes", "--generate-code=false",
        "--protect=false", "--provider", f"kc={provider}",
    )  # fmt: skip
    assert imported.code == 0, imported.output
    (secret,) = real.resources("kubernetes:core/v1:Secret")
    assert "ciphertext" in json.dumps(secret["inputs"]["data"])
    assert base64.b64encode(b"planted-pw").decode() not in json.dumps(real.state()) + imported.output
    # Without its type, which cannot change, it is made anew; that it is somebody else's does not stand in the way.
    program = 'k8s.core.v1.Secret("s", metadata={"name": "s", "namespace": NAMESPACE}, string_data={"pw": "new"}, '
    written(real, namespace, program + "opts=opts(kc))")
    done = real.up()
    assert done.code == 0, done.output
    assert done.changes["replace"] == 1
    assert base64.b64decode(cluster.get("secret", "s", f"--namespace={namespace}")["data"]["pw"]) == b"new"


def test_a_server_that_is_away_leaves_the_preview_and_fails_the_run_in_words(
    real: Rehearsal, cluster: Cluster, namespace: str
) -> None:
    path = real.workspace.folder / "backends" / "endpoints.json"
    port = cluster.kubernetes.server.rsplit(":", 1)[1]
    path.write_text(path.read_text().replace(f":{port}", ":9"))  # nobody listens there
    written(real, namespace, 'config_map("a", {})')
    done = real.up()
    assert done.code != 0
    assert done.applied, "its preview is no reason to stop: the cluster may come in the same run"
    assert f"API server does not answer for {ENDPOINT}" in done.output
