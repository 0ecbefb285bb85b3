"""A made-up site, and servers that are small programs of ours."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rehearsal.backends import ports
from rehearsal.backends.layout import Layout
from rehearsal.backends.process import Server
from rehearsal.backends.site import Host, Site

LISTEN = """
import signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    listening.accept()[0].close()
"""

Make = Callable[..., Server]

LOOP = asyncio.new_event_loop()


@pytest.fixture(autouse=True)
def _a_loop_is_left() -> Iterator[None]:
    """`asyncio.run` leaves its thread without a loop, and the SDK's mocks in other tests need one."""
    yield
    asyncio.set_event_loop(LOOP)


@pytest.fixture
def site() -> Site:
    return Site(
        environment="production", cluster="production", api_endpoint="https://10.20.0.10:6443",
        pod_network="10.244.0.0/16", service_network="10.96.0.0/12", load_balancer=("10.20.0.200", "10.20.0.219"),
        vault_address="https://openbao.voorbeeld.example", vcenter_server="vcenter.voorbeeld.example",
        datacenter="voorbeeld", compute_cluster="compute",
        hosts=(Host(name="esx-1.voorbeeld.example", datastores=("store-a",)),), networks=("machines",),
        people={"jip": ("web", "beheer"), "janneke": ("web",), "outsider": ()},
    )  # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "rehearsal")
    made.make()
    return made


@pytest.fixture
def server(layout: Layout) -> Make:
    """Make a server that listens, or one that runs another program."""

    def make(name: str, program: str = LISTEN, **more: object) -> Server:
        (port,) = ports.free(1)
        return Server(
            name=name,
            address=f"127.0.0.1:{port}",
            command=(sys.executable, "-c", program, str(port)),
            **{"ready": lambda: ports.answers(port), **more},  # pyright: ignore[reportArgumentType]  # any field
        )

    return make
