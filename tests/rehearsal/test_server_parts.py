"""The parts of the Kubernetes plugin that need no server: waiting, ownership, drift, kubeconfigs, messages."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.plugins.server import apply, ownership
from rehearsal.plugins.server.conditions import WaitForError, parse, select
from rehearsal.plugins.server.drift import fold_secret, project
from rehearsal.plugins.server.errors import ApiError, UnreachableError, explain, redact
from rehearsal.plugins.server.kubeconfig import access
from rehearsal.plugins.server.readiness import state
from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.values import Secret, plain

# What a program waits for.

LIVE = {
    "metadata": {"labels": {"a.b/c": "x"}},
    "status": {
        "phase": "Running", "ready": True, "count": 3, "empty": [],
        "conditions": [{"type": "Ready", "status": "False"}, {"type": "Synced", "status": "True"}],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("condition=Synced", True),
        ("condition=Ready", False),
        ("condition=Ready=False", True),
        ("condition=Ready=false", True),
        ("condition=Missing", False),
        ("jsonpath={.status.phase}", True),
        ("jsonpath={.status.empty}", False),
        ("jsonpath={.status.missing}", False),
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath={.status.phase}=Run", False),
        ("jsonpath={.status.ready}=true", True),
        ("jsonpath={.status.count}=3", True),
        ('jsonpath={.status.conditions[?(@.type=="Synced")].status}=True', True),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', False),
        ("jsonpath={.status.conditions[*].status}=True", True),
        ("jsonpath={.status.conditions[0].status}=True", False),
        ("jsonpath={.status.conditions[-1].status}=True", True),
        ("jsonpath={.metadata.labels['a.b/c']}=x", True),
        (r"jsonpath={.metadata.labels.a\.b/c}=x", True),
        ('["condition=Synced", "jsonpath={.status.phase}=Running"]', True),
        ('["condition=Synced", "condition=Ready"]', False),
    ],
)
def test_an_expression_holds_or_not(expression: str, holds: bool) -> None:
    assert all(condition.holds(LIVE) for condition in parse(expression)) is holds


@pytest.mark.parametrize(
    "expression", ["", "ready", "condition=", "jsonpath={.a", "jsonpath={}", "jsonpath={a..b}", "jsonpath={.a}x", "[]"]
)
def test_what_is_no_expression_is_refused_with_what_to_write(expression: str) -> None:
    with pytest.raises(WaitForError, match="Write `condition=Ready`"):
        parse(expression)


def test_a_path_looks_through_what_is_not_there() -> None:
    assert select({"a": [{"b": 1}, "text", {"b": 2}]}, ".a[*].b") == [1, 2]


# When an object is ready.


def seen(kind: str, spec: dict[str, Any], status: dict[str, Any], others: dict[str, Any] | None = None) -> str:
    live = {"kind": kind.rsplit("/", 1)[1], "apiVersion": kind.rsplit("/", 1)[0], "spec": spec, "status": status}
    live["metadata"] = {"name": "it", "namespace": "n", "generation": 2}
    return state(live, lambda path: (others or {}).get(path.split("?")[0].rsplit("/", 1)[1])).kind


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        ("apps/v1/Deployment", {"replicas": 2}, {}, "waiting"),
        ("apps/v1/Deployment", {"replicas": 2}, {"observedGeneration": 1, "updatedReplicas": 2,
                                                 "availableReplicas": 2, "replicas": 2}, "waiting"),
        ("apps/v1/Deployment", {"replicas": 2}, {"observedGeneration": 2, "updatedReplicas": 2,
                                                 "availableReplicas": 1, "replicas": 2}, "waiting"),
        ("apps/v1/Deployment", {"replicas": 2}, {"observedGeneration": 2, "updatedReplicas": 2,
                                                 "availableReplicas": 2, "replicas": 3}, "waiting"),
        ("apps/v1/Deployment", {"replicas": 2}, {"observedGeneration": 2, "updatedReplicas": 2,
                                                 "availableReplicas": 2, "replicas": 2}, "ready"),
        ("apps/v1/Deployment", {}, {"conditions": [{"type": "Progressing", "status": "False",
                                                    "reason": "ProgressDeadlineExceeded"}]}, "failed"),
        ("apps/v1/StatefulSet", {"replicas": 1}, {"observedGeneration": 2, "readyReplicas": 1}, "waiting"),
        ("apps/v1/StatefulSet", {"replicas": 1}, {"observedGeneration": 2, "readyReplicas": 1,
                                                  "updatedReplicas": 1}, "ready"),
        ("apps/v1/StatefulSet", {"replicas": 1, "updateStrategy": {"type": "OnDelete"}},
         {"observedGeneration": 2, "readyReplicas": 1}, "ready"),
        ("apps/v1/DaemonSet", {}, {"observedGeneration": 2, "desiredNumberScheduled": 2,
                                   "updatedNumberScheduled": 2, "numberAvailable": 1}, "waiting"),
        ("apps/v1/DaemonSet", {}, {"observedGeneration": 2, "desiredNumberScheduled": 0}, "ready"),
        ("batch/v1/Job", {}, {"succeeded": 0}, "waiting"),
        ("batch/v1/Job", {}, {"conditions": [{"type": "Complete", "status": "True"}]}, "ready"),
        ("batch/v1/Job", {}, {"conditions": [{"type": "Failed", "status": "True"}]}, "failed"),
        ("v1/Pod", {}, {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}, "waiting"),
        ("v1/Pod", {}, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, "ready"),
        ("v1/Pod", {}, {"phase": "Succeeded"}, "ready"),
        ("v1/Pod", {}, {"phase": "Failed"}, "failed"),
        ("v1/Service", {"type": "LoadBalancer"}, {"loadBalancer": {}}, "waiting"),
        ("v1/Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}, "ready"),
        ("v1/Service", {"selector": {"a": "b"}}, {}, "waiting"),
        ("v1/Service", {"selector": {"a": "b"}, "clusterIP": "None"}, {}, "ready"),
        ("v1/PersistentVolumeClaim", {}, {"phase": "Pending"}, "waiting"),
        ("v1/PersistentVolumeClaim", {}, {"phase": "Bound"}, "ready"),
        ("v1/PersistentVolumeClaim", {}, {"phase": "Lost"}, "failed"),
        ("v1/Namespace", {}, {"phase": "Terminating"}, "waiting"),
        ("v1/ResourceQuota", {"hard": {"cpu": "1"}}, {}, "waiting"),
        ("v1/ResourceQuota", {"hard": {"cpu": "1"}}, {"hard": {"cpu": "1"}}, "ready"),
        ("apiextensions.k8s.io/v1/CustomResourceDefinition", {}, {}, "waiting"),
        ("apiextensions.k8s.io/v1/CustomResourceDefinition", {},
         {"conditions": [{"type": "Established", "status": "True"}]}, "ready"),
        ("v1/ConfigMap", {}, {}, "ready"),
        ("networking.k8s.io/v1/Ingress", {}, {}, "ready"),
        ("example.org/v1/Custom", {}, {}, "ready"),
    ],
)  # fmt: skip
def test_a_kind_is_ready_or_not(kind: str, spec: dict[str, Any], status: dict[str, Any], expected: str) -> None:
    assert seen(kind, spec, status) == expected


def test_a_claim_that_waits_for_its_first_pod_is_not_waited_for() -> None:
    late, now = {"volumeBindingMode": "WaitForFirstConsumer"}, {"volumeBindingMode": "Immediate"}
    claim = ("v1/PersistentVolumeClaim", {"storageClassName": "fast"}, {"phase": "Pending"})
    assert seen(*claim, others={"fast": late}) == "ready"
    assert seen(*claim, others={"fast": now}) == "waiting"


def test_a_service_is_ready_with_its_first_ready_pod() -> None:
    def slices(ready: bool) -> dict[str, Any]:
        return {"endpointslices": {"items": [{"endpoints": [{"conditions": {"ready": ready}}]}]}}

    assert seen("v1/Service", {"selector": {"a": "b"}}, {}, others=slices(True)) == "ready"
    assert seen("v1/Service", {"selector": {"a": "b"}}, {}, others=slices(False)) == "waiting"


# Whose the fields are.


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, "apiVersion": "v1", **more}


def owned_by(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7", "managedFields": list(entries)}}


def test_a_manager_follows_from_the_urn_unless_state_or_annotation_name_one() -> None:
    made = ownership.manager("urn:a", {}, {})
    assert made.startswith("pulumi-kubernetes-")
    assert made == ownership.manager("urn:a", {}, {}) != ownership.manager("urn:b", {}, {})
    assert ownership.manager("urn:a", {}, {"__fieldManager": "before"}) == "before"
    annotated = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "mine"}}}
    assert ownership.manager("urn:a", annotated, {"__fieldManager": "before"}) == "mine"


def test_fields_changed_with_kubectl_are_taken_over_and_others_are_not() -> None:
    mine = entry("own", "Apply", {"f:data": {"f:a": {}}})
    hand = entry("kubectl-edit", "Update", {"f:data": {"f:b": {}}})
    scaled = entry("kubectl", "Update", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    other = entry("operator", "Update", {"f:data": {"f:c": {}}})
    patch = ownership.take_over(owned_by(mine, hand, scaled, other), "own")
    assert patch is not None
    assert patch[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert patch[1]["value"] == [scaled, other, {**mine, "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}}}]
    assert ownership.take_over(owned_by(mine, scaled, other), "own") is None


def test_what_is_sent_leaves_out_what_only_the_server_says_and_what_has_no_value() -> None:
    given = {"metadata": {"name": "a", "uid": "u", "labels": None}, "spec": {"a": None, "b": [{"c": None}]}, "__x": 1}
    assert apply.body(given) == {"metadata": {"name": "a"}, "spec": {"b": [{}]}}
    assert apply.body({"data": Secret({"k": Secret("v")})}) == {"data": {"k": "v"}, "metadata": {}}


@pytest.mark.parametrize(
    ("owner", "sent"), [("own", {"a": "live", "b": "2"}), ("autoscaler", {"b": "2"})], ids=["ours", "theirs"]
)
def test_an_ignored_field_keeps_its_live_value_or_is_left_to_its_owner(owner: str, sent: dict[str, str]) -> None:
    live = {**owned_by(entry(owner, "Apply", {"f:data": {"f:a": {}}})), "data": {"a": "live"}}
    wanted = {"metadata": {}, "data": {"a": "1", "b": "2"}}
    assert apply.keep_ignored(wanted, live, "own", ("data.a", "spec.missing"))["data"] == sent


# What somebody changed by hand.


def test_only_what_differs_from_another_apply_is_drift() -> None:
    inputs = {"spec": {"cpu": "1000m", "list": [{"name": "a", "image": "x"}], "kept": {"k": "v"}, "gone": 1}}
    again = {"spec": {"cpu": "1", "list": [{"name": "a", "image": "x", "d": 1}], "kept": {"k": "v"}, "gone": 1}}
    assert project(inputs, again, again) is inputs
    live = {
        "spec": {
            "cpu": "1", "kept": {"k": "v", "added": "theirs"},
            "list": [{"name": "added"}, {"name": "a", "image": "changed", "d": 1}],
        }
    }  # fmt: skip
    assert project(inputs, live, again) == {
        "spec": {"cpu": "1000m", "kept": {"k": "v"}, "list": [{"name": "a", "image": "changed"}]}
    }


def test_an_item_that_is_gone_is_drift_and_marks_stay() -> None:
    inputs = {"list": [{"name": "a", "v": Secret("1")}, {"name": "b"}], "plain": ["x", "y"]}
    again = {"list": [{"name": "a", "v": "1"}, {"name": "b"}], "plain": ["x", "y"]}
    live = {"list": [{"name": "a", "v": "2"}], "plain": ["y"]}
    found = project(inputs, live, again)
    assert isinstance(found["list"][0]["v"], Secret)
    assert plain(found) == {"list": [{"name": "a", "v": "2"}], "plain": ["y"]}


def test_a_change_of_data_is_put_into_the_text_that_it_comes_from() -> None:
    def data(**values: str) -> dict[str, Any]:
        return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}

    inputs = {"stringData": Secret({"a": "1", "b": "2", "c": "3"})}
    found = fold_secret(inputs, data(a="1", b="changed"), data(a="1", b="2", c="3"))
    assert isinstance(found["stringData"], Secret)
    assert plain(found) == {"stringData": {"a": "1", "b": "changed"}}


# What is told.


def refused(code: int, message: str, **more: Any) -> ApiError:
    return ApiError(code, {"message": message, **more})


def test_a_message_hides_secret_values_in_every_form() -> None:
    inputs = {"data": {"a": Secret("hunter22"), "b": Secret({"deep": ["other-secret"]}), "c": "open-value"}}
    message = f"bad hunter22 and {base64.b64encode(b'other-secret').decode()} and open-value"
    assert redact(message, inputs) == "bad [secret] and [secret] and open-value"
    assert redact('x: Invalid value: "hunter": must be y', inputs) == "x: Invalid value: [hidden]: must be y"
    assert redact('x: Invalid value: "shown": must be y', {"a": 1}) == 'x: Invalid value: "shown": must be y'


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (refused(401, "Unauthorized"), "Renew the kubeconfig"),
        (refused(403, "no", details={"kind": "pods"}), "Grant this to the runner's identity"),
        (refused(404, "gone", details={"kind": "namespaces"}), "Make the namespace first"),
        (refused(422, "x: field is immutable"), "another name"),
        (refused(422, "x: Invalid value"), "Correct it"),
        (refused(500, "failed to create typed patch object"), "Correct it"),
        (refused(500, "etcd is slow"), "Try again"),
    ],
)
def test_every_refusal_says_what_to_do(error: ApiError, remedy: str) -> None:
    told = explain(error, "ConfigMap n/a (it)", {})
    assert told.startswith("ConfigMap n/a (it): ")
    assert remedy in told


# Who asks.


def kubeconfig(user: dict[str, Any], **cluster: Any) -> str:
    pem = base64.b64encode(b"PEM").decode()
    return json.dumps({
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://10.20.0.10:6443",
                                               "certificate-authority-data": pem} | cluster}],
        "users": [{"name": "u", "user": user}],
    })  # fmt: skip


def test_an_identity_is_a_certificate_or_a_token_inline_or_in_a_file_or_from_a_plugin(tmp_path: Path) -> None:
    token, pem = tmp_path / "token", base64.b64encode(b"PEM").decode()
    token.write_text("from-file\n")
    answer = json.dumps({"status": {"token": "from-plugin"}})
    ways = {
        "inline": {"token": "inline"},
        "from-file": {"tokenFile": str(token)},
        "from-plugin": {"exec": {"command": "sh", "args": ["-c", f"echo '{answer}'"], "apiVersion": "v1"}},
    }
    for expected, user in ways.items():
        assert access(kubeconfig(user)).token == expected
    found = access(kubeconfig({"client-certificate-data": pem, "client-key-data": pem}))
    assert (found.certificate, found.key, found.host) == ("PEM", "PEM", "10.20.0.10")
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig({"token": "inline"}))
    assert access(str(file)).token == "inline"
    assert "inline" not in repr(access(str(file)))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("not there", "nor the path of a file"),
        ("a: [\nb", "not YAML or JSON"),
        ("{}", "no context called None"),
        (kubeconfig({"token": "t"}, server="http://10.20.0.10"), "no https:// server"),
        (kubeconfig({"token": "t"}, **{"certificate-authority-data": None}), "cannot prove itself"),
        (kubeconfig({"token": "t"}, **{"certificate-authority-data": "%"}), "is not base64"),
        (kubeconfig({"client-certificate-data": "UEVN"}), "neither a client certificate with its key nor a token"),
        (kubeconfig({"tokenFile": "/nonexistent"}), "tokenFile cannot be read"),
    ],
)
def test_what_is_no_kubeconfig_is_refused_by_its_fault(text: str, fault: str) -> None:
    with pytest.raises(StandInError, match=fault):
        access(text)


def test_a_plugin_that_gives_nothing_is_named_and_its_output_is_not_shown() -> None:
    user = {"exec": {"command": "sh", "args": ["-c", "echo planted >&2; exit 1"]}}
    with pytest.raises(UnreachableError, match="credential plugin sh gave no credential") as caught:
        access(kubeconfig(user))
    assert "planted" not in str(caught.value)
