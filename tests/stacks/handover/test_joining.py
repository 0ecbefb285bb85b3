"""Stacks that are joined by files: what a preview knows, what an `up` refuses, and what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks import joining, program
from stacks.names import parse_stack
from stacks.runner import CERTIFICATE, COMMAND, KEY, TOKEN
from tests.conftest import LOOK_UPS, UNKNOWN, Build, Built, Call, Refused
from tests.stacks.conftest import faults_of
from tests.stacks.handover.conftest import PEM, Signer

STACKS = ("production-cluster", "production-services", "production-team-burgerzaken")
VARIABLES = (TOKEN, CERTIFICATE, KEY, COMMAND, joining.FOLDER_VARIABLE)


def nothing_accepted(args: dict[str, Any]) -> dict[str, Any]:
    return {"name": args["name"], "outputs": {}}


class Joined:
    """The example organisation with hand-overs for production, and a runner."""

    def __init__(self, signer: Signer, build: Build, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.signer, self._build, self._monkeypatch = signer, build, monkeypatch
        self.folder = signer.home.root / "handover"
        self.token = folder / "token"
        self.token.write_text("a-runner-token\n")
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(TOKEN, str(self.token))
        monkeypatch.setattr(joining, "organisation", lambda: signer.home.files)

    def put(self, layer: Any, **more: Any) -> Path:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"production-{layer}.json"
        path.write_bytes(self.signer.write(layer, **more))
        return path

    def build(self, stack: str, *, preview: bool = False, own: Call = nothing_accepted) -> Built:
        files = self.signer.home.files
        calls = {**LOOK_UPS, joining.READ_OUTPUTS: own}
        return self._build(
            lambda: program.deploy(parse_stack(stack, files), files), stack=stack, preview=preview, calls=calls
        )


@pytest.fixture
def joined(signer: Signer, build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Joined:
    return Joined(signer, build, monkeypatch, tmp_path)


@pytest.mark.parametrize("stack", STACKS)
def test_without_a_file_a_preview_knows_less_and_an_up_is_refused(joined: Joined, stack: str) -> None:
    layer = "machines" if stack == "production-cluster" else "cluster"
    first = joined.build(stack, preview=True)
    (fault,) = faults_of(lambda: joined.build(stack))
    assert fault.file.endswith(f"handover/production-{layer}.json")
    assert f"where production-{layer} is run" in fault.remedy
    joined.put(layer)
    assert joined.build(stack).urns == first.urns


def test_a_preview_refuses_a_file_that_is_not_accepted(joined: Joined) -> None:
    path = joined.put("machines")
    path.write_text(path.read_text().replace("worker-1-uuid", "worker-9-uuid"))
    for preview in (True, False):
        (fault,) = faults_of(lambda preview=preview: joined.build("production-cluster", preview=preview))
        assert fault.key == "signature.value"


def test_the_cluster_is_built_on_what_the_machines_handed_over(joined: Joined) -> None:
    joined.put("machines")
    built = joined.build("production-cluster")
    arguments = next(args for token, args in built.calls if token.endswith(":getConfiguration"))
    assert "factory.talos.dev/vmware-installer/abc:v1.13.0" in str(arguments["configPatches"])
    handover = built.outputs["handover"]
    assert (handover["serial"], handover["uid"], len(handover["digest"])) == (3, None, 64)


@pytest.mark.parametrize("stack", STACKS[1:])
def test_a_runner_brings_its_own_identity_and_none_of_it_is_in_the_program(joined: Joined, stack: str) -> None:
    joined.put("cluster")
    built = joined.build(stack)
    texts = [
        one.inputs["kubeconfig"] for one in built.of_type("pulumi:providers:kubernetes") if one.inputs["kubeconfig"]
    ]
    assert texts
    for text in texts:
        config = yaml.safe_load(text)
        assert config["clusters"][0]["cluster"] == {
            "server": "https://10.20.0.10:6443",
            "certificate-authority-data": PEM,
        }
        assert str(joined.token.parent) not in text
        assert "a-runner-token" not in text
    assert "a-runner-token" not in str(built.resources)
    assert built.outputs["handover"]["uid"] == "an-id"


def test_the_same_stands_in_the_state_whoever_runs_the_stack(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    joined.put("cluster")
    providers = [joined.build("production-services").resources["services-cluster"].inputs]
    monkeypatch.delenv(TOKEN)
    monkeypatch.setenv(COMMAND, "a command")
    providers.append(joined.build("production-services").resources["services-cluster"].inputs)
    monkeypatch.delenv(COMMAND)
    providers.append(joined.build("production-services", preview=True).resources["services-cluster"].inputs)
    assert providers[0] == providers[1] == providers[2]
    assert UNKNOWN not in str(providers)


@pytest.mark.parametrize(
    ("given", "key", "message"),
    [
        ({}, TOKEN, "has no identity"),
        ({TOKEN: "file", COMMAND: "x"}, COMMAND, "several identities"),
        ({TOKEN: "file", CERTIFICATE: "file", KEY: "file"}, CERTIFICATE, "several identities"),
        ({CERTIFICATE: "file"}, KEY, "is set without it"),
        ({KEY: "file"}, CERTIFICATE, "is set without it"),
        ({TOKEN: "none"}, TOKEN, "cannot be read, or is empty"),
        ({CERTIFICATE: "file", KEY: "empty"}, KEY, "cannot be read, or is empty"),
    ],
)
def test_an_up_without_a_usable_identity_is_refused(
    joined: Joined, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], key: str, message: str
) -> None:
    joined.put("cluster")
    (tmp_path / "file").write_text("something")
    (tmp_path / "empty").write_text("")
    monkeypatch.delenv(TOKEN)
    for name, value in given.items():
        monkeypatch.setenv(name, value if name == COMMAND else str(tmp_path / value))
    (fault,) = faults_of(lambda: joined.build("production-services"))
    assert (fault.file, fault.key) == ("stack production-services", key)
    assert message in fault.what
    joined.build("production-services", preview=True)


def test_a_stack_remembers_the_serial_in_its_own_outputs(joined: Joined) -> None:
    joined.put("cluster", serial=5)
    kept = joined.build("production-services").outputs["handover"]
    asked: list[str] = []

    def own(args: dict[str, Any]) -> dict[str, Any]:
        asked.append(args["name"])
        return {"name": args["name"], "outputs": {"handover": kept}}

    joined.put("cluster", serial=4)
    for preview in (True, False):
        (fault,) = faults_of(lambda preview=preview: joined.build("production-services", own=own, preview=preview))
        assert fault.what == "its serial is 4, but this stack has accepted 5 already"
    assert set(asked) == {"organization/kade/production-services"}
    joined.put("cluster", serial=6)
    assert joined.build("production-services", own=own).outputs["handover"]["serial"] == 6


def test_a_stack_whose_state_is_being_written_asks_again(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    joined.put("cluster", serial=5)
    kept = joined.build("production-services").outputs["handover"]
    joined.put("cluster", serial=4)
    monkeypatch.setattr(joining, "WAITS", (0.0, 0.0, 0.0))
    asked: list[str] = []

    def own(args: dict[str, Any]) -> dict[str, Any]:
        asked.append(args["name"])
        if len(asked) < 3:
            msg = "failed to load checkpoint: EOF"
            raise Refused(msg)
        return {"name": args["name"], "outputs": {"handover": kept}}

    (fault,) = faults_of(lambda: joined.build("production-services", own=own))
    assert fault.what == "its serial is 4, but this stack has accepted 5 already"
    assert len(asked) == 3


def test_a_stack_that_cannot_read_what_it_accepted_accepts_nothing(
    joined: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined.put("cluster")
    monkeypatch.setattr(joining, "WAITS", (0.0, 0.0))

    def refused(args: dict[str, Any]) -> dict[str, Any]:
        msg = "the backend is gone"
        raise Refused(msg)

    (fault,) = faults_of(lambda: joined.build("production-services", own=refused))
    assert "what this stack accepted before cannot be read: " in fault.what
    assert "the backend is gone" in fault.what


def test_the_outputs_of_the_other_stack_are_not_asked_for(joined: Joined) -> None:
    joined.put("cluster")
    asked: list[str] = []

    def own(args: dict[str, Any]) -> dict[str, Any]:
        asked.append(args["name"])
        return {"name": args["name"], "outputs": {}}

    joined.build("production-services", own=own)
    assert asked == ["organization/kade/production-services"]


def test_the_files_may_lie_in_a_folder_of_their_own(
    joined: Joined, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    joined.put("cluster").rename(tmp_path / "production-cluster.json")
    monkeypatch.setenv(joining.FOLDER_VARIABLE, str(tmp_path))
    assert joined.build("production-services").outputs["handover"]["serial"] == 3
