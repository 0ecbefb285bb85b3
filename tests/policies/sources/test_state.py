"""The exported state: versions, what is secret, what is on its way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.model.values import SECRET, Unknown
from policies.sources import state
from policies.sources.wire import SECRET_SIGNATURE, SIGNATURE

TYPE = "kubernetes:apps/v1:Deployment"


def entry(name: str = "web", **more: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:demo::kade::kade:services:Service${TYPE}::{name}", "type": TYPE, "custom": True, **more}


def export(tmp_path: Path, *resources: Any, version: Any = 3, **more: Any) -> Path:
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"version": version, "deployment": {"resources": list(resources), **more}}))
    return path


@pytest.mark.parametrize("version", [3, 4])
def test_a_known_version_is_read_and_tells_its_stack(tmp_path: Path, version: int) -> None:
    gathered = state.read(export(tmp_path, entry(outputs={"spec": {"replicas": 2.0}}), version=version))
    (item,) = gathered.inventory.resources
    assert (item.name, item.type, item.get("spec", "replicas")) == ("web", TYPE, 2)
    assert (gathered.stack, gathered.project) == ("demo", "kade")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"version": 5, "deployment": {}}', "newer than what this Kade reads"),
        ('{"version": 1, "deployment": {}}', "older than what this Kade reads"),
        ('{"deployment": {}}', "it has no version"),
        ('{"version": 3}', "it has no deployment"),
        ('{"version": 3, "deployment": {"resources": [{"type": 1}]}}', "this is no resource"),
        ('{"version": 3, "deployment": {"resources": {}}}', "the resources are no list"),
        ("[]", "it has no version"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_export_of_a_known_version_is_one_fault(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "export.json"
    path.write_text(content)
    with pytest.raises(FaultsError, match=words):
        state.read(path)


def test_a_missing_file_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="pulumi stack export"):
        state.read(tmp_path / "nowhere.json")


def test_secrets_reach_no_rule_whether_encrypted_shown_or_unmarked(tmp_path: Path) -> None:
    properties = {
        "cipher": {SIGNATURE: SECRET_SIGNATURE, "ciphertext": "hunter2"},
        "shown": {SIGNATURE: SECRET_SIGNATURE, "plaintext": '"hunter2"'},
        "named": "hunter2",
    }
    secret = {
        "urn": "urn:pulumi:demo::kade::kubernetes:core/v1:Secret::s",
        "type": "kubernetes:core/v1:Secret",
        "outputs": {"data": {"password": "hunter2"}},
    }
    path = export(tmp_path, entry(outputs=properties, additionalSecretOutputs=["named"]), secret)
    for item in state.read(path).inventory.resources:
        assert "hunter2" not in str(item.properties)
        assert {value.why for value in item.properties.values() if isinstance(value, Unknown)} == {SECRET}


def test_what_is_to_be_deleted_was_broken_off_or_repeats_another_is_told_and_not_judged(tmp_path: Path) -> None:
    path = export(
        tmp_path, entry("a"), entry("b", delete=True), entry("c", viewOf="urn:x"), pending_operations=[{"type": "x"}]
    )
    gathered = state.read(path)
    assert [item.name for item in gathered.inventory.resources] == ["a"]
    assert any(sentence.startswith("1 resources are to be deleted") for sentence in gathered.unseen)
    assert any("broken off" in sentence for sentence in gathered.unseen)


def test_an_empty_stack_is_read(tmp_path: Path) -> None:
    assert state.read(export(tmp_path)).inventory.resources == ()


def test_half_a_character_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="half a character"):
        state.read(export(tmp_path, entry(outputs={"name": "\ud83d"})))
