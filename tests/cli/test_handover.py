"""`kade handover`: keys, and files that are written from a stack's outputs."""

from __future__ import annotations

import importlib
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import main
from stacks import loading
from stacks.loading import PROJECT
from tests.stacks.handover.conftest import OUTPUTS

AGE: Any = importlib.import_module("pyrage")
SECRET = OUTPUTS["cluster"]["handle"]["kubeconfig"]


class Desk:
    """Someone who writes hand-overs: an organisation, a key, and a `pulumi` that knows the outputs of its stacks."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys
        self.home = folder / "home"
        self.file = self.home / "handover" / "production-cluster.json"
        shutil.copytree(PROJECT / "stacks" / "organisation", self.home)
        monkeypatch.setenv("KADE_HOME", str(self.home))
        monkeypatch.delenv("KADE_HANDOVER", raising=False)
        monkeypatch.chdir(folder)
        self.commands = folder / "bin"
        self.commands.mkdir()
        monkeypatch.setenv("PATH", str(self.commands))
        self.outputs("cluster")

    def outputs(self, layer: str) -> None:
        (self.folder / "outputs.json").write_text(json.dumps(OUTPUTS[layer]))
        script = f'#!/bin/sh\necho "$@" >> {self.folder}/asked\n/bin/cat {self.folder}/outputs.json\n'
        (self.commands / "pulumi").write_text(script)
        (self.commands / "pulumi").chmod(0o755)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        loading.organisation.cache_clear()
        self._monkeypatch.setattr("sys.argv", ["kade", "handover", *arguments])
        with pytest.raises(SystemExit) as caught:
            main.main()
        said = self._capsys.readouterr()
        return int(caught.value.code or 0), said.out, said.err

    def trust(self, name: str) -> None:
        """Make a key and let the cluster's file accept it."""
        code, out, _ = self.run("keygen", name)
        assert code == 0
        path = self.home / "clusters" / "production.yaml"
        path.write_text(path.read_text() + out.partition("\n\n")[2])

    def write(self, *more: str) -> tuple[int, str, str]:
        return self.run("write", "production-cluster", "--key", "first.key", *more)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    made = Desk(tmp_path, monkeypatch, capsys)
    made.trust("first")
    return made


@pytest.fixture(autouse=True)
def _forget_the_organisation() -> Any:
    yield
    loading.organisation.cache_clear()


def test_a_key_is_made_and_its_private_half_is_not_shown(desk: Desk) -> None:
    code, out, _ = desk.run("keygen", "second")
    private = (desk.folder / "second.key").read_text()
    assert code == 0
    assert stat.S_IMODE((desk.folder / "second.key").stat().st_mode) == 0o600
    assert not [line for line in private.splitlines() if line in out]
    code, _, err = desk.run("keygen", "second")
    assert code == 2
    assert "is there already" in err
    assert (desk.folder / "second.key").read_text() == private
    assert desk.run("keygen", "../else")[0] == 2


def test_a_file_is_written_where_the_next_layer_looks_and_each_has_a_higher_serial(desk: Desk) -> None:
    for serial in (1, 2):
        code, out, err = desk.write()
        assert code == 0, err
        assert f"serial {serial}" in out
        assert json.loads(desk.file.read_text())["serial"] == serial
    assert desk.write("--serial", "2")[0] == 2
    assert desk.write("--serial", "7")[0] == 0
    assert json.loads(desk.file.read_text())["serial"] == 7
    code, out, _ = desk.run("verify", str(desk.file))
    assert code == 0
    assert "signed with key `first` of cluster `production`. Layer cluster, serial 7" in out


def test_nothing_secret_is_in_the_file_on_the_screen_or_on_a_command_line(desk: Desk) -> None:
    _, out, err = desk.write()
    assert SECRET not in desk.file.read_text() + out + err + (desk.folder / "asked").read_text()
    assert (
        (desk.folder / "asked").read_text().startswith("stack output --json --show-secrets --stack production-cluster")
    )


def test_a_kubeconfig_for_an_emergency_rides_along_encrypted(desk: Desk) -> None:
    identity = AGE.x25519.Identity.generate()
    code, out, err = desk.write("--break-glass", str(identity.to_public()))
    assert code == 0, err
    assert SECRET not in desk.file.read_text() + out
    sealed = json.loads(desk.file.read_text())["breakGlass"]
    assert AGE.decrypt(sealed.encode(), [identity]).decode() == SECRET
    shown = desk.run("show", str(desk.file))
    assert sealed.splitlines()[1] not in shown[1]
    assert '"breakGlass": "(encrypted with age)"' in shown[1]
    assert "Not verified" in shown[2]
    assert "with a kubeconfig for an emergency" in desk.run("verify", str(desk.file))[1]


def _tampered(desk: Desk) -> None:
    desk.file.write_text(desk.file.read_text().replace("an-id", "no-id"))


def _stranger(desk: Desk) -> None:
    path = desk.home / "clusters" / "production.yaml"
    path.write_text(path.read_text().replace("name: first", "name: other"))


def _elsewhere(desk: Desk) -> None:
    desk.file.write_text(desk.file.read_text().replace('"production"', '"nowhere"'))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_tampered, "signature.value: its content is not what was signed with key `first`"),
        (_stranger, "signature.key: it is signed with a key that the cluster's file does not have"),
        (_elsewhere, "cluster: it names no cluster of this organisation"),
        (lambda desk: desk.file.write_text("{}"), "version: it is no hand-over file"),
        (lambda desk: desk.file.unlink(), "the hand-over file cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_would_be_refused_is_not_verified(
    desk: Desk, change: Callable[[Desk], object], message: str
) -> None:
    assert desk.write()[0] == 0
    change(desk)
    code, out, err = desk.run("verify", str(desk.file))
    assert code == 2
    assert out == ""
    assert message in err


def test_what_cannot_be_written_leaves_the_file_as_it_was(desk: Desk) -> None:
    assert desk.write()[0] == 0
    before = desk.file.read_bytes()
    desk.outputs("machines")
    code, _, err = desk.write()
    assert code == 2
    assert "it has no handle of this cluster and layer" in err
    desk.outputs("cluster")
    desk.run("keygen", "stranger")
    code, _, err = desk.run("write", "production-cluster", "--key", "stranger.key")
    assert code == 2
    assert "belongs to none of the cluster's public keys" in err
    (desk.folder / "first.key").chmod(0o644)
    code, _, err = desk.write()
    assert code == 2
    assert "others than its owner can read" in err
    assert desk.file.read_bytes() == before
    assert [path.name for path in desk.file.parent.iterdir()] == [desk.file.name]


def test_a_file_of_another_layer_is_not_written_over(desk: Desk) -> None:
    assert desk.write()[0] == 0
    desk.outputs("machines")
    code, _, err = desk.run("write", "production-machines", "--key", "first.key", "--to", str(desk.file))
    assert code == 2
    assert "the file there is that of `production-cluster`" in err


@pytest.mark.parametrize("stack", ["production-services", "production-team-web", "sandbox"])
def test_only_machines_and_cluster_hand_over(desk: Desk, stack: str) -> None:
    code, _, err = desk.run("write", stack, "--key", "first.key")
    assert code == 2
    assert "only the layers machines and cluster hand anything over" in err


def test_a_stack_that_pulumi_does_not_know_is_refused_in_its_words(desk: Desk) -> None:
    (desk.commands / "pulumi").write_text("#!/bin/sh\necho 'error: no stack named x found' >&2\nexit 255\n")
    code, _, err = desk.write()
    assert code == 2
    assert "its outputs cannot be read: no stack named x found" in err
    (desk.commands / "pulumi").unlink()
    assert "there is no Pulumi CLI on PATH" in desk.write()[2]
