from __future__ import annotations

import re

import pytest

from inputs.faults import FaultsError
from stacks.credentials import NAMESPACE, SECRETS, require, secret
from stacks.names import Layer
from tests.conftest import Build


def test_a_layer_is_given_only_its_own_secrets() -> None:
    names = {layer: {declared.name for declared in secrets} for layer, secrets in SECRETS.items()}
    assert not names["machines"] & names["cluster"], "the two run in networks of their own"
    assert names["all"] == set().union(*(names[layer] for layer in names if layer != "all"))


def test_every_secret_says_what_it_is_for() -> None:
    declared = SECRETS["all"]
    assert declared
    for one in declared:
        assert re.fullmatch(r"[a-z][A-Za-z]+", one.name)
        assert len(one.purpose) > 10


@pytest.mark.parametrize("layer", ["machines", "cluster", "all"])
def test_missing_secrets_are_all_told_with_the_command_that_sets_them(build: Build, layer: Layer) -> None:
    with pytest.raises(FaultsError) as caught:
        build(lambda: require(layer), stack="production-machines", secrets=False)
    faults = caught.value.faults
    assert {fault.key for fault in faults} == {f"{NAMESPACE}:{one.name}" for one in SECRETS[layer]}
    for fault in faults:
        assert fault.file == "stacks/config/Pulumi.production-machines.yaml"
        assert f"pulumi config set --stack production-machines --secret {fault.key}" in fault.remedy


def test_an_undeclared_secret_cannot_be_read(build: Build) -> None:
    with pytest.raises(KeyError):
        build(lambda: secret("somethingElse"))
