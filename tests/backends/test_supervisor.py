"""The supervisor on servers that are small programs: order, failure, orders, and an end that leaves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rehearsal.backends import identity, ports
from rehearsal.backends.layout import Layout
from rehearsal.backends.process import Server, ServerError
from rehearsal.backends.supervisor import Supervisor
from tests.backends.conftest import LISTEN, Make


def run(supervisor: Supervisor, body: Callable[[Supervisor], Awaitable[None]]) -> None:
    """Do something with a supervisor; whatever happens, nothing of it runs afterwards."""

    async def all_of_it() -> None:
        try:
            await body(supervisor)
        finally:
            await supervisor.end_all()

    asyncio.run(all_of_it())
    assert not [row for row in supervisor.status() if row["pid"] is not None]


def states(supervisor: Supervisor) -> dict[str, str]:
    return {row["name"]: row["state"] for row in supervisor.status()}


def test_a_server_starts_when_those_that_it_needs_are_ready(layout: Layout, server: Make) -> None:
    seen: list[str] = []

    def note(text: str) -> Callable[[], None]:
        return lambda: seen.append(text)

    servers = [
        server("late", needs=("early",), before=note("late starts")),
        server("early", before=note("early starts"), after=note("early is ready")),
    ]

    async def body(supervisor: Supervisor) -> None:
        await supervisor.start_all()
        assert seen == ["early starts", "early is ready", "late starts"]
        assert states(supervisor) == {"early": "ready", "late": "ready"}
        assert all(row["memory"] > 0 and row["since"] for row in supervisor.status())

    run(Supervisor(layout, servers), body)


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(layout: Layout, server: Make) -> None:
    broken = server("broken", "import sys; print('no such flag: --frob'); sys.exit(7)")

    async def body(supervisor: Supervisor) -> None:
        with pytest.raises(ServerError) as caught:
            await supervisor.start_all()
        assert "broken ended: exit code 7." in str(caught.value)
        assert "no such flag: --frob" in str(caught.value)
        assert not caught.value.clash
        assert states(supervisor)["broken"] == "ended"

    run(Supervisor(layout, [broken, server("other")]), body)


def test_a_server_that_never_answers_is_given_up(layout: Layout, server: Make) -> None:
    silent = server("silent", "import time; print('thinking', flush=True); time.sleep(60)", limit=0.5)

    async def body(supervisor: Supervisor) -> None:
        with pytest.raises(ServerError, match=r"silent does not answer after 0 s(?s:.*)thinking"):
            await supervisor.start_all()

    run(Supervisor(layout, [silent]), body)


def test_a_port_that_was_taken_meanwhile_is_told_apart(layout: Layout, server: Make) -> None:
    second = server("second")
    port = int(second.command[-1])

    async def body(supervisor: Supervisor) -> None:
        taken = await asyncio.start_server(lambda *_: None, ports.ADDRESS, port)
        async with taken:
            with pytest.raises(ServerError, match="its port was taken meanwhile") as caught:
                await supervisor.start_all()
            assert caught.value.clash

    run(Supervisor(layout, [Server(**{**vars(second), "ready": lambda: False})]), body)


def test_a_crash_is_noticed_and_not_hidden(layout: Layout, server: Make) -> None:
    async def body(supervisor: Supervisor) -> None:
        await supervisor.start_all()
        (row,) = supervisor.status()
        os.kill(row["pid"], signal.SIGKILL)
        await until(lambda: supervisor.watch() or states(supervisor) == {"one": "ended"})
        assert supervisor.status()[0]["code"] == -signal.SIGKILL
        await supervisor.start("one")
        assert states(supervisor) == {"one": "ready"}

    run(Supervisor(layout, [server("one")]), body)


def test_stop_and_start_keep_the_port_and_pause_keeps_it_busy(layout: Layout, server: Make) -> None:
    one = server("one")
    port = int(one.command[-1])

    async def body(supervisor: Supervisor) -> None:
        await supervisor.start_all()
        await supervisor.stop("one")
        assert states(supervisor) == {"one": "stopped"}
        assert not ports.answers(port)
        supervisor.watch()
        assert states(supervisor) == {"one": "stopped"}
        await supervisor.start("one")
        assert ports.answers(port)
        supervisor.pause("one")
        assert states(supervisor) == {"one": "paused"}
        pid = supervisor.status()[0]["pid"]
        await until(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "T")
        supervisor.resume("one")
        await until(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "S")
        with pytest.raises(ServerError, match=r"no server 'two' in this rehearsal\. There are: one\."):
            await supervisor.stop("two")

    run(Supervisor(layout, [one]), body)


def test_those_that_nobody_needs_stop_first(layout: Layout, server: Make) -> None:
    program = LISTEN.replace("sys.exit(0)", "(print(time.time_ns()), sys.exit(0))")
    servers = [
        server("base", program),
        server("middle", program, needs=("base",)),
        server("top", program, needs=("middle",)),
    ]

    async def body(supervisor: Supervisor) -> None:
        await supervisor.start_all()

    run(Supervisor(layout, servers), body)
    ended = {name: int(layout.log(name).read_text().split()[-1]) for name in ("top", "middle", "base")}
    assert list(ended.values()) == sorted(ended.values())


def test_one_that_does_not_listen_to_reason_is_killed(layout: Layout, server: Make) -> None:
    stubborn = server("stubborn", LISTEN.replace("sys.exit(0)", "None"), patience=0.2)

    async def body(supervisor: Supervisor) -> None:
        await supervisor.start_all()

    run(Supervisor(layout, [stubborn]), body)


def test_credentials_of_whoever_starts_it_do_not_reach_a_server(
    layout: Layout, server: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    program = f"import os; print(sorted(os.environ), flush=True)\n{LISTEN}"

    async def body(supervisor: Supervisor) -> None:
        await supervisor.start_all()
        seen = layout.log("one").read_text()
        assert "'EXTRA'" in seen
        assert "'TMPDIR'" in seen
        assert "AWS_SECRET_ACCESS_KEY" not in seen
        assert "PROXY" not in seen

    run(Supervisor(layout, [server("one", program, environment={"EXTRA": "1"})]), body)


def test_servers_end_with_a_supervisor_that_is_killed(layout: Layout, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = f"""
        import asyncio, json, sys
        from pathlib import Path
        from rehearsal.backends.layout import Layout
        from rehearsal.backends.process import Server
        from rehearsal.backends.supervisor import Supervisor

        async def main():
            one = Server(name="one", address="", command=(sys.executable, "-c", "import time; time.sleep(600)"),
                         ready=lambda: True)
            supervisor = Supervisor(Layout(Path({str(layout.rehearsal)!r})), [one])
            await supervisor.start_all()
            Path({str(told)!r}).write_text(json.dumps(supervisor.status()))
            await asyncio.sleep(600)

        asyncio.run(main())
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)]) as supervisor:
        try:
            wait(lambda: told.exists() and told.read_text().endswith("]"))
            (row,) = json.loads(told.read_text())
            since = identity.started(row["pid"])
            assert since
            # Its program has asked the kernel by the time that it has become what it is.
            wait(lambda: b"sleep" in Path(f"/proc/{row['pid']}/cmdline").read_bytes())
        finally:
            supervisor.kill()
    wait(lambda: not identity.same(row["pid"], since))


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
