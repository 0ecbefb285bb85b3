"""The life of a rehearsal's back ends, and the orders that reach them from outside."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rehearsal.backends import control, endpoints, ports, service
from rehearsal.backends import layout as layouts
from rehearsal.backends.control import BackendsError
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.layout import Layout
from rehearsal.backends.process import Server
from rehearsal.backends.service import BusyError, Service
from rehearsal.backends.site import Site
from rehearsal.backends.tools import Tools
from rehearsal.toolchain.progress import Progress
from tests.backends.conftest import Make

Assemble = Callable[..., Any]


@pytest.fixture
def progress() -> tuple[Progress, io.StringIO]:
    out = io.StringIO()
    return Progress(out), out


@pytest.fixture
def assembled(layout: Layout, site: Site, server: Make, monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """What the service will start; a test may change it."""
    layout.site.write_text(site.dump())
    Tools().link(layout)
    servers = [server("one")]

    def assemble(*_: object) -> SimpleNamespace:
        (port,) = ports.free(1)
        ground = SimpleNamespace(site=site, ports={"switchboard": port})
        return SimpleNamespace(
            ground=ground, servers=list(servers), endpoints=Endpoints(tools=str(port)), openbao=None, directory=None
        )

    monkeypatch.setattr(service, "assemble", assemble)
    return servers


@pytest.fixture
def running(layout: Layout, assembled: list[Server]) -> Generator[Service]:
    """A service at work in a thread of its own, in place of a process of its own."""
    one = Service(layout, 60)
    with AtWork(one):
        wait(lambda: control.status(layout.rehearsal).ready)
        yield one


class AtWork:
    def __init__(self, one: Service) -> None:
        self.one = one
        self.codes: list[int] = []
        self.thread = threading.Thread(target=self.work)

    def work(self) -> None:
        # Only a process's main thread can wait for signals; the tests of the real thing send them.
        loop = asyncio.new_event_loop()
        loop.add_signal_handler = lambda *_: None  # pyright: ignore[reportAttributeAccessIssue]
        self.codes.append(loop.run_until_complete(self.one.run()))
        loop.run_until_complete(asyncio.sleep(0.05))  # what was closed must be gone before the loop is
        os.close(self.one.lock)
        loop.close()

    def __enter__(self) -> AtWork:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.one.until = 0
        self.thread.join(30)
        assert not self.thread.is_alive()


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def left(layout: Layout) -> list[str]:
    return sorted(str(path.relative_to(layout.folder)) for path in layout.folder.rglob("*") if path.is_file())


def test_it_says_what_runs_takes_orders_and_leaves_only_logs(layout: Layout, running: Service) -> None:
    found = control.status(layout.rehearsal)
    assert [(row.name, row.state) for row in found.servers] == [("one", "ready")]
    assert endpoints.load(layout.rehearsal) is not None
    control.control(layout.rehearsal, "stop", "one")
    assert [row.state for row in control.status(layout.rehearsal).servers] == ["stopped"]
    control.control(layout.rehearsal, "start", "one")
    assert [row.state for row in control.status(layout.rehearsal).servers] == ["ready"]
    with pytest.raises(BackendsError, match="no server 'two'"):
        control.control(layout.rehearsal, "pause", "two")
    with pytest.raises(BackendsError, match="has no OpenBao"):
        control.control(layout.rehearsal, "seal")
    with pytest.raises(BackendsError, match="'frob' is no order"):
        control.control(layout.rehearsal, "frob")
    assert control.down(layout.rehearsal)
    assert left(layout) == ["logs/one.log"]
    assert not control.status(layout.rehearsal).running
    assert not control.down(layout.rehearsal)


def test_the_same_rehearsal_does_not_start_twice(layout: Layout, running: Service) -> None:
    with pytest.raises(BusyError, match="runs already"):
        asyncio.run(Service(layout, 60).run())
    assert control.status(layout.rehearsal).ready


def test_it_ends_by_itself_when_its_time_is_over(layout: Layout, assembled: list[Server]) -> None:
    with AtWork(Service(layout, 0.0)) as work:
        wait(lambda: not work.thread.is_alive())
    assert work.codes == [0]
    assert left(layout) == ["logs/one.log"]


def test_it_ends_when_its_folder_goes_and_removes_what_lies_outside(
    layout: Layout, running: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "ELSEWHERE", f"{tmp_path}/kade-rehearsal-")
    layout.elsewhere.mkdir()
    shutil.rmtree(layout.rehearsal)
    assert layout.elsewhere.is_dir()
    wait(lambda: not layout.elsewhere.exists())
    assert not layout.rehearsal.exists()


def test_a_port_that_was_taken_meanwhile_leads_to_other_ports(
    layout: Layout, assembled: list[Server], server: Make
) -> None:
    program = "raise OSError('Address already in use')"
    marker = layout.folder / "tried"
    clashing = server("one", program, before=lambda: (marker.touch(), assembled.__setitem__(0, server("one")))[0])
    assembled[0] = clashing
    with AtWork(Service(layout, 60)) as work:
        wait(lambda: control.status(layout.rehearsal).ready or not work.thread.is_alive())
        assert marker.exists()
        assert [row.state for row in control.status(layout.rehearsal).servers] == ["ready"]


def test_a_start_that_fails_says_why_and_the_next_begins_anew(
    layout: Layout, assembled: list[Server], server: Make, progress: tuple[Progress, io.StringIO]
) -> None:
    assembled[0] = server("one", "import sys; sys.exit('no such flag')")
    with AtWork(Service(layout, 60)) as work:
        wait(lambda: not work.thread.is_alive())
    assert work.codes == [1]
    assert "no such flag" in layout.failure.read_text()
    assert not (layout.folder / "endpoints.json").exists()
    error = control._failed(layout)
    assert "The back ends did not start. one ended: exit code 1." in str(error)
    assert left(layout) == ["lock", "logs/one.log"]


def test_what_a_killed_supervisor_left_is_removed_and_said(
    layout: Layout, progress: tuple[Progress, io.StringIO]
) -> None:
    layout.run.write_text(json.dumps({"pid": 1, "started": "another boot 1", "until": 0}))
    (layout.rehearsal / "backend").mkdir()
    assert control.status(layout.rehearsal).killed
    control._leftover(layout, progress[0])
    assert "was killed. What it left is removed; it begins anew." in progress[1].getvalue()
    assert not (layout.rehearsal / "backend").exists()


def test_a_folder_of_another_version_is_removed_and_said(
    layout: Layout, progress: tuple[Progress, io.StringIO]
) -> None:
    layout.version.write_text("kade.backends/0")
    control._leftover(layout, progress[0])
    assert "is of another version of Kade. It is removed" in progress[1].getvalue()
    assert not layout.version.exists()


def test_a_place_that_was_only_made_is_left_as_it_is(layout: Layout, progress: tuple[Progress, io.StringIO]) -> None:
    (layout.rehearsal / "project").mkdir()
    control._leftover(layout, progress[0])
    assert progress[1].getvalue() == ""
    assert (layout.rehearsal / "project").exists()


def test_starting_what_runs_returns_it_and_lets_it_live_longer(
    layout: Layout, site: Site, running: Service, progress: tuple[Progress, io.StringIO]
) -> None:
    before = control.status(layout.rehearsal).until
    found = control.start(layout.rehearsal, site, progress[0], 300)
    assert found == endpoints.load(layout.rehearsal)
    assert control.status(layout.rehearsal).until > before


def test_starting_what_runs_for_other_surroundings_is_refused(
    layout: Layout, site: Site, running: Service, progress: tuple[Progress, io.StringIO]
) -> None:
    other = replace(site, api_endpoint="https://10.20.0.99:6443")
    with pytest.raises(BackendsError, match=r"runs for other surroundings: api_endpoint changed(?s:.*)rehearse down"):
        control.start(layout.rehearsal, other, progress[0])
    layout.version.write_text("kade.backends/0")
    with pytest.raises(BackendsError, match=r"of another version of Kade\. Run `kade rehearse down rehearsal`"):
        control.start(layout.rehearsal, site, progress[0])


def test_a_supervisor_that_does_not_answer_is_ended_by_its_number(layout: Layout, running: Service) -> None:
    sent: list[tuple[int, str, signal.Signals]] = []

    def send(process: int, when: str, number: signal.Signals) -> bool:
        sent.append((process, when, number))
        running.until = 0
        return True

    layout.socket.unlink()
    noted = json.loads(layout.run.read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control.identity, "send", send)
        assert control.down(layout.rehearsal)
    assert sent == [(noted["pid"], noted["started"], signal.SIGTERM)]


def test_a_path_longer_than_a_socket_may_have_works(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ("deep" * 50))
    layout.make()

    async def listen() -> None:
        async def nobody(*_: object) -> None: ...

        found = await service._listen(layout, nobody)
        found.close()

    asyncio.run(listen())
    assert layout.socket.is_socket()
    assert len(str(layout.socket)) > 108


def test_a_full_disk_is_named_before_anything_starts(
    layout: Layout, site: Site, progress: tuple[Progress, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.clean()
    monkeypatch.setattr(control.shutil, "disk_usage", lambda _: SimpleNamespace(free=5 << 20))
    with pytest.raises(BackendsError, match=r"need 1024 MB for their data, and .* has 5 MB free\. Make room"):
        control.start(layout.rehearsal, site, progress[0])
    assert left(layout) == []


def test_of_two_that_start_at_once_the_slower_one_joins(
    layout: Layout,
    site: Site,
    running: Service,
    progress: tuple[Progress, io.StringIO],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, really = [False], control._running
    monkeypatch.setattr(control, "_running", lambda place: answers.pop() if answers else really(place))
    monkeypatch.setattr(control, "_leftover", lambda *_: None)  # there is nothing left over yet when both begin
    monkeypatch.setattr(control.build, "prepare", lambda *_: Tools())
    spawned: list[Any] = []
    spawn = control._spawn
    monkeypatch.setattr(control, "_spawn", lambda *arguments: spawned.append(spawn(*arguments)) or spawned[0])
    running.ready = False  # the faster one is still at it

    def finish() -> None:
        wait(lambda: spawned and spawned[0].poll() is not None)
        running.ready = True

    finishing = threading.Thread(target=finish)
    finishing.start()
    assert control.start(layout.rehearsal, site, progress[0], 60) == endpoints.load(layout.rehearsal)
    finishing.join()
    assert spawned[0].returncode == service.BUSY
    assert layout.run.exists()
