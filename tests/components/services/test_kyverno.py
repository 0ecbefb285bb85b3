"""Kyverno's policies: which images need a signature, and what the rules say of that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from components.services.definition import Place
from components.services.security.kyverno import SERVICE, KyvernoSettings
from inputs.yaml import dump
from policies.kernel.verdict import Scope
from policies.kernel.words import Source, Status
from policies.model.model import Model
from policies.rules import load
from policies.sources import manifests

PRIVATE = ec.generate_private_key(ec.SECP256R1())
KEY = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
HIDDEN = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
NOWHERE = cast("Place", None)  # the objects depend on the settings alone


def objects(**settings: Any) -> list[dict[str, Any]]:
    return list(SERVICE.objects(KyvernoSettings.model_validate(settings), NOWHERE))


def signed(**more: Any) -> list[dict[str, Any]]:
    return objects(signatures=[{"images": ["registry.voorbeeld.example/*"], "key": KEY}], **more)


def test_without_keys_no_signature_is_asked_for() -> None:
    assert [one["kind"] for one in objects()] == ["ValidatingPolicy"]


def test_signed_images_are_checked_in_every_list_of_containers_of_the_teams_pods() -> None:
    registries, policy = signed()
    spec = policy["spec"]
    assert spec["matchConstraints"] == registries["spec"]["matchConstraints"]
    assert spec["matchImageReferences"] == [{"glob": "registry.voorbeeld.example/*"}]
    assert [one["cosign"]["key"]["data"] for one in spec["attestors"]] == [KEY]
    lists = ("containers", "initContainers", "ephemeralContainers")
    for kind, validation in zip(lists, spec["validations"], strict=True):
        assert validation["expression"].startswith(f"images.{kind}.map(")
        assert f"attestors.{spec['attestors'][0]['name']}" in validation["expression"]


def test_a_log_is_asked_where_it_is_named() -> None:
    def asked(**more: Any) -> Any:
        (_, policy) = objects(signatures=[{"images": ["a/*"], "key": KEY, **more}])
        return policy["spec"]["attestors"][0]["cosign"]["ctlog"]

    assert asked() == {"insecureIgnoreTlog": True}
    assert asked(transparencyLog="https://rekor.voorbeeld.example") == {"url": "https://rekor.voorbeeld.example"}


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (signed, Status.PASS),
        (lambda: signed(action="Audit"), Status.FAIL),
        (objects, Status.FAIL),
    ],
)
def test_the_rule_on_signatures_reads_it_from_the_object(
    make: Callable[[], list[dict[str, Any]]], status: Status, tmp_path: Path
) -> None:
    path = tmp_path / "objects.yaml"
    path.write_text("---\n".join(map(dump, make())))
    rule = load().find("supply_chain-signatures")
    assert rule is not None
    gathered = manifests.read([path])
    assert gathered.faults == ()
    model = Model(gathered.inventory, Scope(stack="live", source=Source.LIVE), date(2026, 11, 21))
    parameters = rule.parameters.model_validate({"signed": ["registry.voorbeeld.example/"]})
    assert [one.status for one in rule.check(model, parameters)] == [status]


@pytest.mark.parametrize("key", [HIDDEN, "no key", ""])
def test_what_is_no_public_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ValidationError, match="this is no public key") as caught:
        objects(signatures=[{"images": ["a/*"], "key": key}])
    if key:
        assert key not in str(caught.value.errors(include_input=False))


@pytest.mark.parametrize("signature", [{"images": [], "key": KEY}, {"key": KEY}, {"images": ["a/*"]}])
def test_images_and_key_are_both_needed(signature: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        objects(signatures=[signature])
