"""The names of the organisation lead to servers of this machine, and to nothing else."""

from __future__ import annotations

import asyncio
import socket

import pytest

from rehearsal.backends import ports, switchboard
from rehearsal.backends.site import Site
from rehearsal.backends.switchboard import Switchboard, routes


def test_every_address_of_the_organisation_has_a_server(site: Site) -> None:
    assert routes(site, {"kube-apiserver": 1, "openbao": 2, "vcenter": 3}) == {
        ("10.20.0.10", 6443): 1,
        ("openbao.voorbeeld.example", 443): 2,
        ("vcenter.voorbeeld.example", 443): 3,
    }
    assert routes(site, {"openbao": 2}) == {("openbao.voorbeeld.example", 443): 2}


async def _ask(line: str, known: dict[tuple[str, int], int], *, outside: bool = False) -> bytes:
    (port,) = ports.free(1)
    board = Switchboard(known, port, outside=outside)
    await board.start()
    try:
        reader, writer = await asyncio.open_connection(ports.ADDRESS, port)
        writer.write(f"{line}\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " in head:
            writer.write(b"ping")
            writer.write_eof()
            head += await reader.read()
        writer.close()
        await writer.wait_closed()
        return head
    finally:
        await board.stop()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"heard " + await reader.read())
    writer.close()
    await writer.wait_closed()


def test_bytes_go_both_ways() -> None:
    async def body() -> bytes:
        echo = await asyncio.start_server(_echo, ports.ADDRESS, 0)
        async with echo:
            local = echo.sockets[0].getsockname()[1]
            return await _ask("CONNECT openbao.example:443 HTTP/1.1", {("openbao.example", 443): local})

    assert asyncio.run(body()).endswith(b"\r\n\r\nheard ping")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("CONNECT elsewhere.example:443 HTTP/1.1", b"403"),
        ("CONNECT openbao.example:8200 HTTP/1.1", b"403"),
        ("CONNECT 127.0.0.1:22 HTTP/1.1", b"403"),
        ("CONNECT openbao.example:x HTTP/1.1", b"403"),
        ("GET http://openbao.example/ HTTP/1.1", b"405"),
        ("CONNECT openbao.example HTTP/1.1", b"405"),
        ("CONNECT openbao.example:443 HTTP/1.1", b"502"),
    ],
)
def test_there_is_no_way_to_anything_else(line: str, status: bytes) -> None:
    (nobody,) = ports.free(1)
    assert asyncio.run(_ask(line, {("openbao.example", 443): nobody})).split()[1] == status


@pytest.mark.parametrize(
    ("target", "addresses", "status"),
    [
        ("charts.example:443", ["192.0.2.1", "1.1.1.1"], b"403"),  # one of its addresses is in a network of its own
        ("vcenter.other.example:443", ["10.1.2.3"], b"403"),
        ("charts.example:8443", ["1.1.1.1"], b"403"),
        ("gone.example:443", [], b"403"),
        ("openbao.example:443", ["1.1.1.1"], b"502"),  # the organisation's own name stays on this machine
    ],
)
def test_official_plugins_reach_public_addresses_and_nothing_of_the_organisation(
    target: str, addresses: list[str], status: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def known(*_: object, **__: object) -> list[tuple[object, ...]]:
        if not addresses:
            raise socket.gaierror
        return [(0, 0, 0, "", (address, 443)) for address in addresses]

    (nobody,) = ports.free(1)
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", known)
    line = f"CONNECT {target} HTTP/1.1"
    assert asyncio.run(_ask(line, {("openbao.example", 443): nobody}, outside=True)).split()[1] == status


def test_a_host_with_public_addresses_only_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def known(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("1.1.1.1", 443))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", known)
    assert asyncio.run(switchboard._public("charts.example")) == "1.1.1.1"  # pyright: ignore[reportPrivateUsage]
