"""A hand-over file is accepted as it was written, and refused in every other case with a reason."""

from __future__ import annotations

import base64
import copy
import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stacks.handover.accept import Remembered, accept, remembered_from, verify
from stacks.handover.document import HandedOver, sign
from stacks.models import schemas
from tests.stacks.conftest import faults_of
from tests.stacks.handover.conftest import Signer

FILE = "handover/production-cluster.json"


def what(signer: Signer, text: bytes, layer: HandedOver = "cluster", last: Remembered | None = None) -> str:
    """Return the one fault that a file is refused for."""
    (fault,) = faults_of(lambda: accept(text, FILE, signer.cluster, layer, last))
    assert fault.file == FILE
    assert fault.remedy
    return f"{fault.key}: {fault.what}"


@pytest.mark.parametrize("layer", ["machines", "cluster"])
def test_a_file_is_accepted_as_it_was_written(signer: Signer, layer: HandedOver) -> None:
    text = signer.write(layer)
    found, now = accept(text, FILE, signer.cluster, layer)
    assert (found.cluster, found.serial, found.facts.layer) == ("production", 3, layer)
    assert now.serial == 3
    assert remembered_from(now.export()) == now
    jsonschema.validate(json.loads(text), json.loads(schemas.schema("handover")))


def test_a_file_holds_nothing_secret(signer: Signer) -> None:
    assert b"kubeconfig" not in signer.write()
    assert b"PRIVATE" not in signer.write()


def test_spaces_and_line_ends_may_change_on_the_way(signer: Signer) -> None:
    text = json.dumps(signer.data(), separators=(",", ":")).replace(",", ",\r\n").encode()
    assert accept(text, FILE, signer.cluster, "cluster")[0].serial == 3


def test_an_old_file_is_accepted(signer: Signer) -> None:
    text = signer.write(now=datetime(2020, 1, 1, tzinfo=UTC))
    assert accept(text, FILE, signer.cluster, "cluster")[0].written.year == 2020


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(data, dict):
        return [found for key, value in data.items() for found in _leaves(value, (*path, key))]
    return [path]


def _changed(value: Any, draw: st.DataObject) -> Any:
    """Return another value of the same type, one character away."""
    if isinstance(value, int):
        return value + draw.draw(st.integers(min_value=-1000, max_value=1000).filter(bool))
    position = draw.draw(st.integers(min_value=0, max_value=len(value) - 1))
    other = draw.draw(st.characters(codec="utf-8").filter(lambda one: one != value[position]))
    return value[:position] + other + value[position + 1 :]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data(), layer=st.sampled_from(["machines", "cluster"]))
def test_no_character_of_any_field_can_be_changed(signer: Signer, draw: st.DataObject, layer: HandedOver) -> None:
    data = signer.data(layer, break_glass="-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n")
    assert len(_leaves(data)) >= 8
    path = draw.draw(st.sampled_from(_leaves(data)))
    owner = data
    for part in path[:-1]:
        owner = owner[part]
    owner[path[-1]] = _changed(owner[path[-1]], draw)
    refused = what(signer, json.dumps(data).encode(), layer)
    assert refused.startswith(("signature", "version"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_nothing_can_be_taken_out_or_put_in(signer: Signer, draw: st.DataObject) -> None:
    data = signer.data()
    owner = draw.draw(st.sampled_from([data, data["facts"], data["signature"]]))
    if draw.draw(st.booleans()):
        del owner[draw.draw(st.sampled_from(sorted(owner)))]
    else:
        owner[draw.draw(st.text(min_size=1).filter(lambda key: key not in owner))] = 1
    assert what(signer, json.dumps(data).encode()).startswith(("signature", "version"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_anything_else_is_no_hand_over(signer: Signer, text: bytes) -> None:
    assert "it is no hand-over file" in what(signer, text)


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"version": 1, "version": 1}', b'{"version": 1e3}', b"1" * 2_000_000]
)
def test_json_that_readers_could_take_in_two_ways_is_refused(signer: Signer, text: bytes) -> None:
    assert "cannot be read as JSON" in what(signer, text)


def test_a_file_of_another_cluster_is_refused(signer: Signer) -> None:
    data = {**signer.data(), "cluster": "shared"}
    assert "it is of cluster `shared`, not of `production`" in what(signer, sign(data, signer.key("first")))


def test_a_file_of_another_layer_is_refused(signer: Signer) -> None:
    assert "written by the layer machines, not by cluster" in what(signer, signer.write("machines"))


def test_a_file_for_another_address_of_the_api_server_is_refused(signer: Signer) -> None:
    data = signer.data()
    data["facts"]["endpoint"] = "https://10.20.0.99:6443"
    assert "its API server is https://10.20.0.99:6443" in what(signer, sign(data, signer.key("first")))


def test_a_file_of_a_newer_version_is_refused_before_anything_in_it_is_read(signer: Signer) -> None:
    data = {**signer.data(), "version": 2, "something": "new"}
    refused = what(signer, sign(data, signer.key("first")))
    assert refused == "version: it has version 2, newer than 1, which this release knows"


def test_a_lower_serial_is_refused_and_the_same_file_again_is_not(signer: Signer) -> None:
    text = signer.write(serial=3)
    last = accept(text, FILE, signer.cluster, "cluster")[1]
    assert accept(text, FILE, signer.cluster, "cluster", last)[1] == last
    assert accept(signer.write(serial=4), FILE, signer.cluster, "cluster", last)[1].serial == 4
    refused = what(signer, signer.write(serial=2), last=last)
    assert refused == "serial: its serial is 2, but this stack has accepted 3 already"


def test_another_file_with_the_same_serial_is_refused(signer: Signer) -> None:
    last = accept(signer.write(), FILE, signer.cluster, "cluster")[1]
    other = signer.write(now=datetime(2020, 1, 1, tzinfo=UTC))
    assert "differs from the file that this stack has accepted with the same serial" in what(signer, other, last=last)


def test_a_cluster_that_was_built_anew_under_the_same_name_is_refused(signer: Signer) -> None:
    last = accept(signer.write(), FILE, signer.cluster, "cluster")[1]
    data = {**signer.data(), "serial": 4}
    data["facts"]["uid"] = "another-id"
    assert "of another cluster with the same name" in what(signer, sign(data, signer.key("first")), last=last)


def test_a_key_that_the_cluster_does_not_have_is_refused(signer: Signer) -> None:
    signer.configure("first", "stranger")
    text = signer.write(key="stranger")
    signer.configure("first")
    refused = what(signer, text)
    assert refused == "signature.key: it is signed with a key that the cluster's file does not have; it has first"


def test_a_strangers_signature_under_a_known_name_is_refused(signer: Signer) -> None:
    data = signer.data()
    assert "not what was signed with key `first`" in what(signer, sign(data, signer.key("stranger")))


def test_while_one_key_takes_over_from_the_other_both_are_accepted(signer: Signer) -> None:
    old = signer.write(serial=1)
    signer.configure("first", "second")
    last = accept(old, FILE, signer.cluster, "cluster")[1]
    new = signer.write(serial=2, key="second")
    assert accept(new, FILE, signer.cluster, "cluster", last)[0].signature.key == "second"
    signer.configure("second")
    assert accept(new, FILE, signer.cluster, "cluster", last)[0].signature.key == "second"
    assert "a key that the cluster's file does not have" in what(signer, old)


def test_a_file_is_refused_where_nobodys_signature_is_accepted(signer: Signer) -> None:
    text = signer.write()
    path = signer.home.root / "clusters" / "production.yaml"
    path.write_text(path.read_text().partition("handover:")[0])
    assert "nobody's signature is accepted for cluster `production`" in what(signer, text)


def test_a_signature_for_something_else_is_none_for_a_hand_over(signer: Signer) -> None:
    """What is signed begins with a text of its own, so that no other signed JSON passes for a hand-over."""
    data = signer.data()
    bare = {**data, "signature": {"key": "first"}}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()
    data["signature"]["value"] = base64.b64encode(signer.key("first").sign(text)).decode()
    assert "not what was signed" in what(signer, json.dumps(data).encode())


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("serial", 0, "serial"),
        ("serial", True, "serial"),
        ("written", "yesterday", "written"),
        ("written", "2026-01-01T00:00:00", "written"),
        ("facts", {"layer": "services"}, "facts"),
        ("breakGlass", "a-kubeconfig in clear", "breakGlass"),
        ("extra", 1, "extra"),
    ],
)
def test_a_signed_file_that_does_not_fit_the_schema_is_refused(
    signer: Signer, key: str, value: Any, message: str
) -> None:
    data = {**copy.deepcopy(signer.data()), key: value}
    (fault,) = faults_of(lambda: verify(sign(data, signer.key("first")), FILE, signer.cluster))
    assert fault.key == message
    assert "kubeconfig in clear" not in str(fault)


def test_an_authority_that_is_no_certificate_is_refused(signer: Signer) -> None:
    data = signer.data()
    data["facts"]["ca"] = base64.b64encode(b"-----BEGIN PRIVATE KEY-----").decode()
    (fault,) = faults_of(lambda: verify(sign(data, signer.key("first")), FILE, signer.cluster))
    assert "no certificate" in fault.what
