"""Lets real clients reach the back ends by the names that the organisation gives them: an HTTP proxy for CONNECT.

Servers present certificates for those names, so a client checks what it would check in reality. There is no way out to
anything else, unless official plugins work here, which fetch charts: then HTTPS to public addresses is let through, and
still nothing to an address of the organisation's own networks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rehearsal.backends.ports import ADDRESS
from rehearsal.backends.site import Site

NAME = "switchboard"
_PATIENCE = 10.0
"""Seconds for a client to say where it wants to go."""
_HEAD = 16_384
"""Bytes that it may use for that."""


def routes(site: Site, ports: Mapping[str, int]) -> dict[tuple[str, int], int]:
    """Return the local port for each of the organisation's hosts and ports."""
    wanted = {
        "kube-apiserver": site.api_endpoint,
        "openbao": site.vault_address,
        "vcenter": f"https://{site.vcenter_server}",
    }
    found: dict[tuple[str, int], int] = {}
    for server, url in wanted.items():
        parts = urlsplit(url or "")
        if server in ports and parts.hostname:
            found[parts.hostname, parts.port or 443] = ports[server]
    return found


@dataclass
class Switchboard:
    """The proxy; runs in the supervisor's event loop."""

    routes: Mapping[tuple[str, int], int]
    port: int
    outside: bool = False
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accepted, ADDRESS, self.port, limit=_HEAD)

    async def stop(self) -> None:
        """End, with every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
            target, refusal = await self._target(head.split(b"\r\n", 1)[0].decode("latin-1"))
            if target is None:
                writer.write(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
                return
            try:
                inner, outer = await asyncio.wait_for(asyncio.open_connection(*target), _PATIENCE)
            except (OSError, TimeoutError):
                writer.write(b"HTTP/1.1 502 That server does not answer\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                return
            try:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_pump(reader, outer), _pump(inner, writer))
            finally:
                outer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # the client went away, or was none
        finally:
            writer.close()

    async def _target(self, line: str) -> tuple[tuple[str, int] | None, str]:
        parts = line.split()
        if len(parts) != 3 or parts[0] != "CONNECT" or ":" not in parts[1]:
            return None, "405 Only CONNECT"
        host, _, port = parts[1].rpartition(":")
        host = host.strip("[]").lower()
        found = self.routes.get((host, int(port))) if port.isdigit() else None
        if found is not None:
            return (ADDRESS, found), ""
        public = await _public(host) if self.outside and port == "443" else None
        return ((public, 443), "") if public else (None, "403 Not a host of this rehearsal")


async def _public(host: str) -> str | None:
    """Return an address of a host, where all of its addresses are public ones: those inside are the organisation's."""
    try:
        known = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        return None
    found = [str(entry[4][0]) for entry in known]
    return found[0] if found and all(ipaddress.ip_address(one).is_global for one in found) else None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        with suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()
