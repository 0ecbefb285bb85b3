"""Writing a hand-over: keys, what is taken from the outputs, and the kubeconfig for an emergency."""

from __future__ import annotations

import importlib
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from stacks.handover import keys
from stacks.handover.document import HandedOver, write_handover
from stacks.handover.emergency import encrypted_kubeconfig
from tests.stacks.conftest import faults_of
from tests.stacks.handover.conftest import OUTPUTS, Signer

AGE: Any = importlib.import_module("pyrage")


def test_only_its_owner_can_read_a_private_key(tmp_path: Path) -> None:
    key = keys.new_key()
    keys.save(key, tmp_path / "a.key")
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    assert keys.public_text(keys.read(tmp_path / "a.key")) == keys.public_text(key)


def test_a_private_key_is_never_written_over(tmp_path: Path) -> None:
    keys.save(keys.new_key(), tmp_path / "a.key")
    before = (tmp_path / "a.key").read_bytes()
    (fault,) = faults_of(lambda: keys.save(keys.new_key(), tmp_path / "a.key"))
    assert "is there already" in fault.what
    assert (tmp_path / "a.key").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_private_key_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    keys.save(keys.new_key(), tmp_path / "a.key")
    (tmp_path / "a.key").chmod(mode)
    (fault,) = faults_of(lambda: keys.read(tmp_path / "a.key"))
    assert f"(mode {mode:04o})" in fault.what


def test_what_is_no_key_of_ours_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    other = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in (b"", b"not a key", other):
        path.write_bytes(text)
        path.chmod(0o600)
        (fault,) = faults_of(lambda: keys.read(path))
        assert fault.what == "it is no private key for hand-overs"
    (fault,) = faults_of(lambda: keys.read(tmp_path / "none.key"))
    assert "cannot be read (No such file or directory)" in fault.what


def test_a_key_that_the_cluster_does_not_know_signs_nothing(signer: Signer) -> None:
    (fault,) = faults_of(lambda: signer.write(key="stranger"))
    assert fault.key == "handover.publicKeys"
    assert keys.public_text(signer.key("stranger")) in fault.remedy


@pytest.mark.parametrize("layer", ["machines", "cluster"])
def test_a_stack_that_has_nothing_to_hand_over_is_refused(signer: Signer, layer: HandedOver) -> None:
    other = {"machines": "cluster", "cluster": "machines"}[layer]
    for outputs, message in (
        ({}, "it has no handle of this cluster and layer"),
        (OUTPUTS[other], "it has no handle of this cluster and layer"),
        ({"handle": {"kind": layer, "cluster": "production"}}, "its handle lacks"),
    ):
        (fault,) = faults_of(
            lambda outputs=outputs: write_handover(outputs, signer.cluster, layer, serial=1, key=signer.key("first"))
        )
        assert message in fault.what
        assert f"pulumi up --stack production-{layer}" in fault.remedy


def test_the_emergency_kubeconfig_opens_for_its_recipients_and_for_nobody_else(signer: Signer) -> None:
    one, two, other = (AGE.x25519.Identity.generate() for _ in range(3))
    recipients = [str(one.to_public()), str(two.to_public())]
    sealed = encrypted_kubeconfig(OUTPUTS["cluster"], recipients, "production-cluster")
    text = signer.data(break_glass=sealed)["breakGlass"]
    for identity in (one, two):
        assert AGE.decrypt(text.encode(), [identity]) == b"a-secret-kubeconfig"
    with pytest.raises(AGE.DecryptError):
        AGE.decrypt(text.encode(), [other])


def test_a_recipient_that_is_none_is_refused_without_showing_it() -> None:
    identity = str(AGE.x25519.Identity.generate())
    for text in (identity, "ssh-ed25519 AAAA", "somebody"):
        (fault,) = faults_of(lambda text=text: encrypted_kubeconfig(OUTPUTS["cluster"], [text], "production-cluster"))
        assert "recipient 1 is no age recipient" in fault.what
        assert text not in str(fault)


def test_machines_have_no_kubeconfig_for_an_emergency() -> None:
    recipient = str(AGE.x25519.Identity.generate().to_public())
    (fault,) = faults_of(lambda: encrypted_kubeconfig(OUTPUTS["machines"], [recipient], "production-machines"))
    assert "only the stack of the layer cluster makes one" in fault.what


@pytest.mark.parametrize(
    ("keys_text", "message"),
    [
        ("[]", "at least 1"),
        ("[{name: a, key: abc}]", "no public key"),
        ("[{name: a, key: %s}, {name: a, key: %s}]", "the same name stands here twice"),
        ("[{name: a, key: %s}, {name: b, key: %s}, {name: c, key: %s}]", "at most 2"),
    ],
)
def test_the_cluster_file_takes_one_or_two_different_keys(signer: Signer, keys_text: str, message: str) -> None:
    for _ in range(keys_text.count("%s")):
        keys_text = keys_text.replace("%s", keys.public_text(keys.new_key()), 1)
    path = signer.home.root / "clusters" / "production.yaml"
    path.write_text(path.read_text().partition("handover:")[0] + f"handover: {{publicKeys: {keys_text}}}\n")
    assert any(message in fault.what for fault in faults_of(lambda: signer.cluster))


def test_no_runner_is_in_a_group_of_kubernetes_itself(signer: Signer) -> None:
    path = signer.home.root / "clusters" / "production.yaml"
    path.write_text(path.read_text() + "runners: {services: [system:masters]}\n")
    (fault,) = faults_of(lambda: signer.cluster)
    assert "is a group of Kubernetes itself" in fault.what
    assert fault.key == "runners.services[0]"
