"""What the plugin does with objects on a real API server: make, adopt, change, find drift, delete."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rehearsal.backends import control
from rehearsal.plugins.standin import StandInError, UnreadyError
from rehearsal.plugins.values import Secret
from tests.rehearsal.server.conftest import Cluster, Plugin, config_map, shown

pytestmark = pytest.mark.engine

Plug = Callable[..., Plugin]


def deployment(namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}]},
            },
            **spec,
        },
    }  # fmt: skip


def test_an_object_goes_to_this_machine_under_the_organisation_s_name(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    id_, outputs = plug().create(config_map("a", namespace, {"k": "1"}))
    live = cluster.get("configmap", "a", f"--namespace={namespace}")
    assert id_ == f"{namespace}/a"
    assert live["data"] == {"k": "1"}
    assert shown(outputs, "metadata", "uid") == live["metadata"]["uid"]
    assert [(e["manager"], e["operation"]) for e in live["metadata"]["managedFields"]] == [
        (outputs["__fieldManager"], "Apply")
    ]
    assert str(cluster.kubernetes.server) not in str(outputs)
    assert "managedFields" not in outputs["metadata"]


def test_what_a_killed_run_of_the_same_resource_has_left_is_adopted(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    _, first = plug().create(config_map("a", namespace, {"k": "1", "old": "1"}))
    _, second = plug().create(config_map("a", namespace, {"k": "2"}))
    assert shown(first, "metadata", "uid") == shown(second, "metadata", "uid")
    assert cluster.get("configmap", "a", f"--namespace={namespace}")["data"] == {"k": "2"}


def test_a_name_that_was_made_up_is_found_again_after_a_kill_and_not_used_for_a_replacement(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    nameless: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace}, "data": {}}
    id_, outputs = plug().create(nameless)
    again = plug()
    assert again.create(nameless)[0] == id_
    assert len(cluster.names("secret", namespace)) == 1
    # The engine knows this one now, so a check without old inputs is for one that replaces it.
    other = again.create(nameless)[0]
    assert other != id_
    again.delete(id_, {**nameless, "metadata": {"name": id_.split("/")[1], "namespace": namespace}}, outputs)
    assert cluster.names("secret", namespace) == [other.split("/")[1]]


def test_what_somebody_else_made_is_refused_unless_the_provider_takes_it_over(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    cluster.kubectl("create", "configmap", "a", "--from-literal=theirs=1", f"--namespace={namespace}")
    with pytest.raises(StandInError, match="already exists; its fields are managed by kubectl-create"):
        plug().preview(config_map("a", namespace, {"ours": "1"}))
    with pytest.raises(StandInError, match="already exists"):
        plug().create(config_map("a", namespace, {"ours": "1"}))
    plug(upsertExistingObjects="true").create(config_map("a", namespace, {"ours": "1"}))
    assert cluster.get("configmap", "a", f"--namespace={namespace}")["data"] == {"ours": "1", "theirs": "1"}
    with pytest.raises(StandInError, match="already exists; its fields are managed by kubectl-create, pulumi-kub"):
        plug().create(config_map("a", namespace, {"ours": "1"}), name="another")


def test_a_wrong_field_is_refused_at_preview_with_its_path_and_leaves_nothing(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    with pytest.raises(StandInError, match=rf"Deployment {namespace}/web \(it\).*\.spec\.replicaz"):
        plug().preview(deployment(namespace, replicaz=1))
    with pytest.raises(StandInError, match=r"spec\.template\.metadata\.labels.*does not match"):
        plug().preview(deployment(namespace, selector={"matchLabels": {"app": "other"}}))
    wrong = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "a", "namespace": namespace}, "spec": {"projekt": "default"},
    }  # fmt: skip
    with pytest.raises(StandInError, match=r"\.spec\.projekt"):
        plug().preview(wrong)
    assert cluster.names("deployment", namespace) == []


def test_a_preview_is_silent_where_namespace_or_kind_or_right_or_server_is_still_to_come(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    later = config_map("a", "not-yet", {"k": "1"})
    assert plug().preview(later) == later
    unknown = {"apiVersion": "example.org/v1", "kind": "Later", "metadata": {"name": "a", "namespace": namespace}}
    assert plug().preview(unknown) == unknown
    here = config_map("a", namespace, {"k": "1"})
    account = cluster.kubectl("create", "token", "default", f"--namespace={namespace}").strip()
    assert plug(token=account).preview(here) == here
    with pytest.raises(StandInError, match=r"forbidden: .*serviceaccount.* cannot (get|patch).*runner's identity"):
        plug(token=account).create(here)
    with pytest.raises(StandInError, match="does not know these credentials"):
        plug(token="not-a-token").create(here)


def test_a_preview_shows_defaults_but_nothing_that_the_real_object_will_have_otherwise(
    plug: Plug, namespace: str
) -> None:
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace},
        "spec": {"ports": [{"port": 80}], "type": "NodePort"},
    }  # fmt: skip
    planned = plug().preview(service)
    assert shown(planned, "spec", "sessionAffinity") == "None"
    assert shown(planned, "spec", "ports") == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert "clusterIP" not in planned["spec"]
    assert "status" not in planned
    assert planned["metadata"].keys() == {"name", "namespace"}


def test_drift_is_found_in_the_server_s_own_words_and_repaired(plug: Plug, cluster: Cluster, namespace: str) -> None:
    wanted = deployment(namespace)
    container = wanted["spec"]["template"]["spec"]["containers"][0]
    container["resources"]["requests"] = {"cpu": "1000m", "memory": "1024Mi"}  # the server writes 1 and 1Gi
    id_, outputs = plug().create(wanted)
    found = plug().read(id_, wanted, outputs)
    assert found is not None
    assert found[1] == wanted, "what the server writes in its own way is no drift"
    patch = '{"spec":{"replicas":5}}'
    cluster.kubectl("patch", "deployment", "web", f"--patch={patch}", f"--namespace={namespace}")
    cluster.kubectl("set", "image", "deployment/web", "c=other", f"--namespace={namespace}")
    cluster.kubectl("label", "deployment", "web", "added=by-hand", f"--namespace={namespace}")
    found = plug().read(id_, wanted, outputs)
    assert found is not None
    outputs, inputs = found
    assert inputs["spec"]["replicas"] == 5
    assert inputs["spec"]["template"]["spec"]["containers"] == [{**container, "image": "other"}]
    assert inputs["metadata"] == wanted["metadata"], "what others add is theirs"
    outputs = plug().update(id_, outputs, wanted)
    found = plug().read(id_, wanted, outputs)
    assert found is not None
    assert found[1] == wanted
    assert cluster.get("deployment", "web", f"--namespace={namespace}")["spec"]["replicas"] == 2


def test_a_secret_s_drift_is_found_and_stays_secret(plug: Plug, cluster: Cluster, namespace: str) -> None:
    wanted: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace},
        "stringData": {"pw": "planted", "other": "kept"},
    }  # fmt: skip
    id_, outputs = plug().create(wanted)
    assert isinstance(outputs["data"], Secret)
    found = plug().read(id_, wanted, outputs)
    assert found is not None
    assert shown(found[1], "stringData") == {"pw": "planted", "other": "kept"}
    patch = '{"stringData":{"pw":"changed"}}'
    cluster.kubectl("patch", "secret", "s", f"--patch={patch}", f"--namespace={namespace}")
    found = plug().read(id_, wanted, outputs)
    assert found is not None
    assert isinstance(found[1]["stringData"], Secret)
    assert isinstance(found[0]["data"], Secret)
    assert shown(found[1], "stringData") == {"pw": "changed", "other": "kept"}


def test_a_conflict_names_field_and_manager_and_the_annotation_that_takes_it(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    id_, outputs = plug().create(config_map("a", namespace, {"k": "1"}))
    theirs = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, namespace: {namespace}}}, data: {{k: theirs}}}}"
    cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=autoscaler", "--filename=-", given=theirs
    )
    wanted = config_map("a", namespace, {"k": "2"})
    for attempt in (lambda: plug().preview(wanted, outputs), lambda: plug().update(id_, outputs, wanted)):
        with pytest.raises(StandInError, match=r'data\.k \(conflict with "autoscaler".*patchForce'):
            attempt()
    # Scaling is what an autoscaler does too, so the official provider does not take it over either.
    _, web = plug().create(deployment(namespace))
    cluster.kubectl("scale", "deployment", "web", "--replicas=5", f"--namespace={namespace}")
    with pytest.raises(StandInError, match=r'spec\.replicas \(conflict with "kubectl" with subresource "scale"'):
        plug().update(f"{namespace}/web", web, deployment(namespace))
    # Ignored, it stays theirs; forced, it is ours.
    plug().update(id_, outputs, wanted, ignored=("data.k",))
    assert cluster.get("configmap", "a", f"--namespace={namespace}")["data"] == {"k": "theirs"}
    forced = config_map("a", namespace, {"k": "2"}, annotations={"pulumi.com/patchForce": "true"})
    plug().update(id_, outputs, forced)
    assert cluster.get("configmap", "a", f"--namespace={namespace}")["data"] == {"k": "2"}


def test_an_immutable_field_is_refused_at_preview_of_a_change(plug: Plug, namespace: str) -> None:
    wanted = config_map("a", namespace, {"k": "1"}) | {"immutable": True}
    _, outputs = plug().create(wanted)
    with pytest.raises(StandInError, match=r"immutable.*another name"):
        plug().preview({**wanted, "data": {"k": "2"}}, outputs)
    # Made anew it may be: at preview the old one is still there.
    assert shown(plug().preview({**wanted, "data": {"k": "2"}}), "metadata", "name") == "a"


def test_delete_waits_for_finalizers_and_says_who_holds(plug: Plug, cluster: Cluster, namespace: str) -> None:
    held = config_map("a", namespace, {}, finalizers=["example.org/held"])
    id_, outputs = plug().create(held)
    with pytest.raises(StandInError, match=r"not gone within 1 s: held by the finalizers example\.org/held"):
        plug().delete(id_, held, outputs, timeout=1)
    assert plug().read(id_, held, outputs) is None, "what is about to go is gone for a refresh"
    patch = '{"metadata":{"finalizers":null}}'
    cluster.kubectl("patch", "configmap", "a", "--type=merge", f"--patch={patch}", f"--namespace={namespace}")
    plug().delete(id_, held, outputs)
    assert "a" not in cluster.names("configmap", namespace)
    plug().delete(id_, held, outputs)  # gone is no error


def test_only_the_object_that_was_made_is_deleted(plug: Plug, cluster: Cluster, namespace: str) -> None:
    wanted = config_map("a", namespace, {"k": "1"})
    id_, outputs = plug().create(wanted)
    cluster.kubectl("delete", "configmap", "a", f"--namespace={namespace}")
    cluster.kubectl("create", "configmap", "a", f"--namespace={namespace}")
    plug().delete(id_, wanted, outputs)
    assert "a" in cluster.names("configmap", namespace)


def test_a_deployment_is_ready_when_its_pods_are_and_a_deadline_names_why(
    plug: Plug, cluster: Cluster, namespace: str
) -> None:
    id_, outputs = plug().create(deployment(namespace))
    assert shown(outputs, "status", "availableReplicas") == 2
    too_big = deployment(namespace)
    too_big["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "999"}}
    with pytest.raises(UnreadyError, match=r"not ready within 1 s"):
        plug().update(id_, outputs, too_big, timeout=1)
    # However slow the controllers are: until they have done what they can.
    cluster.kubectl(
        "wait", "deployment/web", "--for=jsonpath={.status.updatedReplicas}=1", "--timeout=60s",
        f"--namespace={namespace}",
    )  # fmt: skip
    with pytest.raises(UnreadyError, match=r"not ready within 1 s: updatedReplicas 1 of 2") as caught:
        plug().update(id_, outputs, too_big, timeout=1)
    assert caught.value.id == id_
    assert shown(caught.value.outputs, "metadata", "uid") == shown(outputs, "metadata", "uid")


def test_a_wait_by_annotation_ends_with_what_was_seen_last(plug: Plug, cluster: Cluster, namespace: str) -> None:
    def wanted(condition: str) -> dict[str, Any]:
        annotations = {"pulumi.com/waitFor": condition, "pulumi.com/timeoutSeconds": "1"}
        return config_map("a", namespace, {"state": "slow"}, annotations=annotations)

    with pytest.raises(UnreadyError, match=r"not ready within 1 s: no jsonpath=\{\.data\.state\}=done") as caught:
        plug().create(wanted("jsonpath={.data.state}=done"))
    plug().update(caught.value.id, caught.value.outputs, wanted("jsonpath={.data.state}=slow"))
    with pytest.raises(UnreadyError, match="nothing that can be waited for"):
        plug().update(caught.value.id, caught.value.outputs, wanted("ready, please"))


def test_an_interrupt_ends_a_wait_at_once(plug: Plug, namespace: str) -> None:
    plugin = plug()
    wanted = config_map("a", namespace, {}, annotations={"pulumi.com/waitFor": "condition=Never"})
    threading.Timer(1, plugin.provider.cancel).start()
    began = time.monotonic()
    with pytest.raises(UnreadyError, match="interrupted"):
        plugin.create(wanted)
    assert time.monotonic() - began < 60, "it would have waited for five minutes"


def test_a_run_outlasts_a_restart_of_the_server(plug: Plug, cluster: Cluster, namespace: str) -> None:
    plugin = plug()
    project = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": namespace}, "spec": {"sourceRepos": ["*"]},
    }  # fmt: skip
    id_, outputs = plugin.create(project)
    control.control(cluster.folder, "stop", "kube-apiserver")
    with ThreadPoolExecutor() as pool:
        # One that has asked the server before, and one that must learn first which kinds there are.
        reads = [pool.submit(asked.read, id_, project, outputs) for asked in (plugin, plug())]
        control.control(cluster.folder, "start", "kube-apiserver")
        assert [read.result() is not None for read in reads] == [True, True], "an object is not gone with the server"


def test_no_secret_is_in_a_refusal(plug: Plug, namespace: str) -> None:
    wrong: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "s", "namespace": namespace, "annotations": {"a": Secret("planted-annotation")}},
        "stringData": {".dockerconfigjson": "planted-password"},
    }  # fmt: skip
    with pytest.raises(StandInError) as caught:
        plug().create(wrong)
    assert "planted" not in str(caught.value)
    # A value that the server echoes, in an object that is no Secret.
    role = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace},
        "spec": {"type": "ExternalName", "externalName": Secret("planted not a host")},
    }  # fmt: skip
    with pytest.raises(StandInError, match=r"spec\.externalName: Invalid value: \[hidden\]") as caught:
        plug().preview(role)
    assert "planted" not in str(caught.value)
