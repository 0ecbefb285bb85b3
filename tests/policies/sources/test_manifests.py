"""Manifests: what is read, what is refused and where, and that the rest is judged."""

from __future__ import annotations

import io
import json
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from policies.kernel.verdict import Scope
from policies.model.model import Model
from policies.model.values import SECRET, Unknown
from policies.sources import manifests
from policies.sources.gathered import Gathered

POD = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: team}
spec: {containers: [{name: web, image: web:1}]}
"""


def read(tmp_path: Path, content: str | bytes, name: str = "objects.yaml") -> Gathered:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return manifests.read([path])


def names(gathered: Gathered) -> list[str]:
    return [f"{item.type} {item.name}" for item in gathered.inventory.resources]


def test_objects_are_named_as_the_official_provider_names_them(tmp_path: Path) -> None:
    text = f"{POD}---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"
    assert names(read(tmp_path, text)) == ["kubernetes:apps/v1:Deployment web", "kubernetes:core/v1:Pod web"]


def test_a_broken_document_in_the_middle_is_one_fault_with_its_line_and_the_others_are_judged(tmp_path: Path) -> None:
    broken = "apiVersion: v1\nkind: Pod\nmetadata: {name: [\n"
    other = POD.replace("name: web,", "name: other,")
    gathered = read(tmp_path, f"# head\n---\n{POD}---\n{broken}---\n{other}")
    assert [item.name for item in gathered.inventory.resources] == ["other", "web"]
    (fault,) = gathered.faults
    assert 8 <= fault.line <= 11
    assert "not valid YAML" in fault.what


def test_dashes_inside_text_do_not_part_a_document_even_when_another_is_broken(tmp_path: Path) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: |\n    one\n    ---\n    two\n"
    gathered = read(tmp_path, f"{config}---\na: [\n")
    (item,) = gathered.inventory.resources
    assert item.get("data", "a") == "one\n---\ntwo\n"
    assert len(gathered.faults) == 1


def test_what_helm_writes_is_read_with_its_comments_and_empty_documents(tmp_path: Path) -> None:
    text = f"---\n# Source: chart/templates/a.yaml\n---\n# Source: chart/templates/b.yaml\n{POD}---\n\n---\n"
    gathered = read(tmp_path, text)
    assert (len(gathered.inventory.resources), gathered.faults) == (1, ())


def test_comments_and_directives_beside_a_broken_document_are_no_faults(tmp_path: Path) -> None:
    gathered = read(tmp_path, f"%YAML 1.1\n# only words\n---\n{POD}---\na: [\n")
    assert len(gathered.inventory.resources) == 1
    assert [fault.line in (9, 10) for fault in gathered.faults] == [True]


def test_a_template_that_was_not_rendered_says_so(tmp_path: Path) -> None:
    (fault,) = read(tmp_path, "metadata:\n  name: {{ .Values.name }}\n").faults
    assert "helm template" in fault.remedy


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("apiVersion: v1\nmetadata: {name: a}\n", "", "no kind"),
        ("kind: Pod\nmetadata: {name: a}\n", "", "no apiVersion"),
        ("apiVersion: 1\nkind: Pod\n", "apiVersion", "this is no apiVersion"),
        ("apiVersion: v1\nkind: 'Po:d'\n", "kind", "this is no kind"),
        ("apiVersion: v1\nkind: Pod\n", "metadata", "this Pod has no name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: no\n", "metadata", "this Pod has no name"),
        ("- a\n- b\n", "", "this is no object"),
        ("apiVersion: v1\nkind: List\nitems: [1]\n", "items[0]", "this is no object"),
        ("apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: a}\n", "kind", "stands above already"),
    ],
)
def test_what_is_no_manifest_is_a_fault_with_its_place_and_the_rest_is_judged(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    gathered = read(tmp_path, f"{POD}---\n{text}")
    (fault,) = gathered.faults
    assert (fault.file.endswith("objects.yaml"), fault.key, words in fault.what) == (True, key, True), fault
    assert fault.line >= 5
    assert names(gathered) == ["kubernetes:core/v1:Pod web"]


def test_a_file_that_is_too_large_is_refused_without_being_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "LARGEST", 1000)
    (tmp_path / "good.yaml").write_text(POD)
    (tmp_path / "large.yaml").write_text(POD * 20)
    gathered = manifests.read([tmp_path])
    (fault,) = gathered.faults
    assert "larger than" in fault.what
    assert len(gathered.inventory.resources) == 1


def test_fifty_megabytes_are_above_the_limit_and_a_cluster_is_below() -> None:
    assert 10 * 1024 * 1024 < manifests.LARGEST < 50 * 1024 * 1024


def test_anchors_and_merge_keys_are_read_as_kubectl_does(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: &m {name: a, labels: &l {x: one}}\nspec: {nodeSelector: {<<: *l, z: q}}\n"
    )
    (item,) = read(tmp_path, text).inventory.resources
    assert item.get("spec", "nodeSelector") == {"x": "one", "z": "q"}


def test_lists_are_opened_and_a_list_of_one_kind_gives_its_items_their_kind(tmp_path: Path) -> None:
    nested = {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "PodList", "items": []}]}
    inner = nested["items"][0]
    assert isinstance(inner, dict)
    inner["items"] = [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]
    assert names(read(tmp_path, json.dumps(nested), "list.json")) == [
        "kubernetes:core/v1:Pod a",
        "kubernetes:core/v1:Pod b",
    ]


def test_json_is_read_also_several_objects_after_each_other_and_its_faults_have_lines(tmp_path: Path) -> None:
    one = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})
    other = one.replace('"a"', '"b"')
    assert len(read(tmp_path, f"{one}\n{other}\n", "two.json").inventory.resources) == 2
    (fault,) = read(tmp_path, '{\n"a": }\n', "bad.json").faults
    assert (fault.line, "not valid JSON" in fault.what) == (2, True)
    (fault,) = read(tmp_path, '{"kind": "Pod", "kind": "Pod"}', "twice.json").faults
    assert (fault.key, "twice" in fault.what) == ("kind", True)
    assert len(read(tmp_path, "{apiVersion: v1, kind: Pod, metadata: {name: a}}").inventory.resources) == 1


@pytest.mark.parametrize("given", [b"", b"\n", b"# only a comment\n"])
def test_nothing_on_standard_input_is_a_fault_and_no_clean_result(
    given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`helm template … | kade check -` must not pass because Helm failed."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(given)))
    (fault,) = manifests.read([None]).faults
    assert (fault.file, fault.what) == ("standard input", "there is no manifest in it")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(POD.encode())))
    assert names(manifests.read([None])) == ["kubernetes:core/v1:Pod web"]


def test_a_folder_is_read_with_what_lies_below_and_a_chart_in_it_is_one_fault(tmp_path: Path) -> None:
    for name in ("a.yaml", "deep/b.yml", "notes.txt", "chart/Chart.yaml", "chart/templates/x.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(POD.replace("name: web,", f"name: {path.stem},"))
    gathered = manifests.read([tmp_path])
    assert [item.name for item in gathered.inventory.resources] == ["a", "b"]
    (fault,) = gathered.faults
    assert "Helm chart" in fault.what


def test_what_is_missing_binary_or_empty_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    gathered = manifests.read([tmp_path / "nowhere.yaml", tmp_path / "empty"])
    assert {fault.what for fault in gathered.faults} == {
        "it cannot be read (FileNotFoundError)",
        "there are no manifests in this folder",
    }
    (fault,) = read(tmp_path, b"a: 1\n\xff\xfe").faults
    assert (fault.line, fault.what) == (2, "it is not UTF-8 text")
    assert any("holds no object" in sentence for sentence in read(tmp_path, "# nothing\n").unseen)


def test_the_same_object_named_twice_counts_once_and_a_different_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POD)
    assert len(manifests.read([tmp_path, tmp_path / "a.yaml"]).inventory.resources) == 1
    gathered = read(tmp_path, f"{POD}---\n{POD.replace('web:1', 'web:2')}")
    assert len(gathered.inventory.resources) == 2
    assert any("Pod team/web is given 2 times" in sentence for sentence in gathered.unseen)


def test_the_content_of_a_secret_and_its_copies_reach_no_rule(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n"
        "    kubectl.kubernetes.io/last-applied-configuration: hunter2\nstringData: {password: hunter2}\n"
    )
    (item,) = read(tmp_path, text).inventory.resources
    assert item.get("stringData") == Unknown("stringData", SECRET, item.subject)
    assert "hunter2" not in str(item.properties)


def test_a_value_that_is_filled_in_later_is_unknown_and_never_a_default(tmp_path: Path) -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: '${REPLICAS:=3}', template: {}}\n"
    )
    gathered = read(tmp_path, text)
    (item,) = gathered.inventory.resources
    found = item.get("spec", "replicas")
    assert isinstance(found, Unknown)
    assert found.path == "spec.replicas"


def test_what_is_for_kustomize_is_told_and_not_judged(tmp_path: Path) -> None:
    gathered = read(tmp_path, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n")
    assert (gathered.inventory.resources, gathered.faults) == ((), ())
    assert any("kustomize build" in sentence for sentence in gathered.unseen)


def test_every_kind_of_workload_reaches_rules_as_a_workload(tmp_path: Path) -> None:
    template = "template: {spec: {containers: [{name: a, image: a:1}]}}"
    text = f"{POD}---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: c}}\n"
    text += f"spec: {{jobTemplate: {{spec: {{{template}}}}}}}\n"
    text += f"---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: d}}\nspec: {{{template}}}\n"
    model = Model(read(tmp_path, text).inventory, Scope(stack="x"), date(2026, 11, 21))
    assert sorted(item.subject.kind for item in model.workloads) == ["CronJob", "DaemonSet", "Pod"]


def test_a_recorded_release_is_read_as_the_preview_shows_it(tmp_path: Path) -> None:
    text = "apiVersion: helm.sh/v3\nkind: Release\nmetadata: {name: cni, namespace: kube-system}\nspec: {chart: cilium, version: 1.20.2}\n"  # noqa: E501  # one object
    (resource,) = read(tmp_path, text).inventory.resources
    assert resource.type == "kubernetes:helm.sh/v3:Release"
    assert resource.properties == {"name": "cni", "namespace": "kube-system", "chart": "cilium", "version": "1.20.2"}


def test_half_a_character_is_a_fault_and_a_whole_one_is_not(tmp_path: Path) -> None:
    pod = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a%s"}, "spec": {}}'
    (tmp_path / "whole.json").write_text(pod % r"\ud83d\ude00")
    (tmp_path / "half.json").write_text(pod % r"\ud83d")
    gathered = manifests.read([tmp_path])
    assert [item.name for item in gathered.inventory.resources] == ["a\N{GRINNING FACE}"]
    (fault,) = gathered.faults
    assert fault.file.endswith("half.json")
    assert "half a character" in fault.what
