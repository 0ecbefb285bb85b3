"""Folders, ports and process numbers: what must never touch anything of somebody else."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.backends import identity, ports
from rehearsal.backends import layout as layouts
from rehearsal.backends.layout import SCHEMA, Layout, write_secret


def test_cleaning_leaves_the_logs_and_nothing_else(layout: Layout) -> None:
    (layout.rehearsal / "backend").mkdir()
    (layout.rehearsal / "Pulumi.yaml").write_text("")
    layout.data("etcd").mkdir()
    write_secret(layout.secret("token"), "s3cr3t")
    layout.log("etcd").write_text("it was here")
    assert layout.version.read_text() == SCHEMA
    layout.clean()
    left = sorted(str(path.relative_to(layout.rehearsal)) for path in layout.rehearsal.rglob("*"))
    assert left == ["backends", "backends/logs", "backends/logs/etcd.log"]


@pytest.mark.parametrize("gone", [False, True])
def test_cleaning_finds_the_folder_outside_without_the_rehearsals_own(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    monkeypatch.setattr(layouts, "ELSEWHERE", f"{tmp_path}/kade-rehearsal-")
    others = Layout(tmp_path / "another").elsewhere
    for folder in (layout.elsewhere, others):
        (folder / "data").mkdir(parents=True)
    if gone:
        shutil.rmtree(layout.rehearsal)
        assert layout.elsewhere.is_dir()
    layout.clean()
    assert not layout.elsewhere.exists()
    assert others.is_dir()


def test_cleaning_does_not_follow_links(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("")
    (layout.rehearsal / "link").symlink_to(tmp_path / "precious")
    monkeypatch.setattr(layouts, "ELSEWHERE", f"{tmp_path}/kade-rehearsal-")
    layout.elsewhere.symlink_to(tmp_path / "precious")
    layout.clean()
    assert (tmp_path / "precious" / "file").exists()
    assert not (layout.rehearsal / "link").exists()


def test_a_secret_is_for_its_owner_alone_from_the_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    write_secret(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_ports_differ_are_free_and_are_none_that_the_system_gives_away() -> None:
    found = ports.free(20)
    assert len(set(found)) == 20
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in found:
        assert port < first
        with socket.create_server((ports.ADDRESS, port)):
            pass


def test_a_port_that_somebody_has_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((ports.ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "FIRST", port)
        monkeypatch.setattr(ports, "LAST", port + 1)
        with pytest.raises(ports.NoPortError, match="No 1 free ports"):
            ports.free(1)
        assert ports.answers(port)
    assert not ports.answers(port)


def test_a_number_that_belongs_to_another_process_now_is_not_signalled() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        noted = identity.started(other.pid)
        boot, since = noted.split()
        assert not identity.send(other.pid, f"{boot} {int(since) - 1}", signal.SIGKILL)
        assert not identity.send(other.pid, "", signal.SIGKILL)
        assert identity.same(other.pid, noted)
        assert identity.send(other.pid, noted, signal.SIGKILL)
        assert other.wait(10) == -signal.SIGKILL
    assert not identity.send(other.pid, noted, signal.SIGKILL)
