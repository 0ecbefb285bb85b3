"""The official plugins are had by the CLI, once, and work where Kade's own do; what they see is tried with kubectl."""

from __future__ import annotations

import io
import platform
import shlex
import sys
import tarfile
import threading
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rehearsal import official
from rehearsal.backends.endpoints import Endpoints, Vault
from rehearsal.install import OFFICIAL, sdk_version
from rehearsal.toolchain import cache
from rehearsal.toolchain.progress import Progress, ToolchainError
from tests.rehearsal.conftest import Rehearsal

ROOT = Path(__file__).parents[2]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
OVERRIDES = "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES"


def _published(folder: Path, name: str) -> None:
    """Publish a plugin as the official ones are. A stand-in for theirs: it is one of ours, and says on whose behalf."""
    text = (
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} KADE_PUBLISHED=yes "
        f'exec {shlex.quote(sys.executable)} -P -m rehearsal.plugins {name} {sdk_version(name)} "$@"\n'
    )
    with tarfile.open(
        folder / f"pulumi-resource-{name}-v{sdk_version(name)}-linux-{ARCHITECTURE}.tar.gz", "w:gz"
    ) as bundle:
        member = tarfile.TarInfo(f"pulumi-resource-{name}")
        member.size, member.mode = len(text), 0o755
        bundle.addfile(member, io.BytesIO(text.encode()))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A mirror on this machine, as an organisation without internet has one, and an empty cache."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(OVERRIDES, f".*=http://127.0.0.1:{server.server_address[1]}")
        yield folder
        server.shutdown()


@pytest.mark.engine
def test_they_are_downloaded_once_and_the_engine_runs_them(
    rehearsal: Rehearsal, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OFFICIAL:
        _published(mirror, name)
    workspace = rehearsal.workspace
    found = official.fetch(workspace.cli, Progress(io.StringIO()))
    assert {path.name for path in found.values()} == {f"resource-{name}-v{sdk_version(name)}" for name in OFFICIAL}
    assert all((path / f"pulumi-resource-{name}").is_file() for name, path in found.items())
    assert not list((cache.cache_folder() / "plugins").glob("*/home"))
    monkeypatch.setenv(OVERRIDES, ".*=http://127.0.0.1:9")  # nobody listens there
    assert official.fetch(workspace.cli, Progress(io.StringIO())) == found

    workspace.choose_plugins(found)
    assert workspace.home.name == "home-official"
    plugins = {path.name.rpartition("-v")[0]: path for path in (workspace.home / "plugins").iterdir()}
    assert set(plugins) == {*(f"resource-{name}" for name in OFFICIAL), "resource-talos", "language-python"}
    assert "KADE_PUBLISHED" in (plugins["resource-vault"] / "pulumi-resource-vault").read_text()
    assert "KADE_PUBLISHED" not in (plugins["resource-talos"] / "pulumi-resource-talos").read_text()
    rehearsal.program(
        """
        import pulumi_kubernetes as k8s
        kc = k8s.Provider("kc", kubeconfig="{}", render_yaml_to_directory=os.environ["KADE_OUT"] + "/rendered")
        k8s.core.v1.ConfigMap("a", metadata={"name": "a", "namespace": "x"}, data={"b": "c"}, opts=opts(kc))
        """
    )
    done = rehearsal.up()
    assert done.code == 0, done.output

    workspace.choose_plugins({})
    assert workspace.home.name == "home"
    ours = workspace.home / "plugins" / plugins["resource-vault"].name / "pulumi-resource-vault"
    assert "KADE_PUBLISHED" not in ours.read_text()


@pytest.mark.engine
def test_one_that_cannot_be_had_is_named_with_the_reason_and_what_works_without(
    rehearsal: Rehearsal, mirror: Path
) -> None:
    _published(mirror, "kubernetes")
    with pytest.raises(ToolchainError) as caught:
        official.fetch(rehearsal.workspace.cli, Progress(io.StringIO()))
    assert str(caught.value).startswith(f"The official plugin vault {sdk_version('vault')} cannot be had: ")
    assert "404" in str(caught.value)
    assert "--plugins own" in str(caught.value)
    left = [path.name for path in (cache.cache_folder() / "plugins").iterdir() if path.name != "lock"]
    assert left == [f"resource-kubernetes-v{sdk_version('kubernetes')}"]


def test_they_are_told_of_the_proxy_and_trust_the_rehearsal_beside_what_is_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ca", "usual"):
        (tmp_path / name).write_text(f"{name}\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "usual"))
    vault = Vault(address="https://127.0.0.1:1", ca=str(tmp_path / "ca"), token="t", unseal_key="u", transit="k")
    found = official.variables(Endpoints(proxy="http://127.0.0.1:2", vault=vault), tmp_path)
    assert found["HTTPS_PROXY"] == "http://127.0.0.1:2"
    assert found["NO_PROXY"] == found["no_proxy"] == "127.0.0.1,localhost"
    assert Path(found["SSL_CERT_FILE"]).read_text() == "ca\nusual\n"
