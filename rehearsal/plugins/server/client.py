"""A thin layer over the API server's REST interface: JSON in, JSON out, patient with a server that is away.

The `kubernetes` package would do the same with discovery and models of its own; loading it costs a plugin a second.
"""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from rehearsal.backends.api import identify
from rehearsal.plugins.server.errors import ApiError, CancelledError, UnreachableError
from rehearsal.plugins.server.kubeconfig import Access

Object = dict[str, Any]
Answer = urllib3.BaseHTTPResponse
APPLY = "application/apply-patch+yaml"
"""Server-side apply; JSON is YAML."""
JSON_PATCH = "application/json-patch+json"

PATIENCE = 20.0
"""Seconds that a server may be away: as long as one takes to come back after a restart, and some more."""
_SECONDS = 60.0
"""Seconds that one answer may take."""
_CONNECTIONS = 32
_BUSY = (429, 503, 504)


class Client:
    """One identity at one server. Safe for use by many threads."""

    def __init__(self, access: Access, address: str) -> None:
        """Connect lazily: `address` is where the server listens, `access` says what it must prove and who asks."""
        self.access = access
        self.address = address
        self._cancelled = threading.Event()
        self._gone = threading.Event()
        headers = {"Accept": "application/json", "User-Agent": "kade-rehearsal"}
        if access.token is not None:
            headers["Authorization"] = f"Bearer {access.token}"
        self._pool = urllib3.HTTPSConnectionPool(
            _host(address),
            _port(address),
            maxsize=_CONNECTIONS,
            headers=headers,
            ssl_context=_tls(access),
            # The organisation's name, although the connection goes to this machine.
            assert_hostname=access.host,
            retries=False,
            timeout=urllib3.Timeout(connect=5, read=_SECONDS),
        )

    def cancel(self) -> None:
        """End every wait, now and later."""
        self._cancelled.set()

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            CancelledError: the engine was asked to stop.

        """
        if self._cancelled.wait(seconds):
            raise CancelledError

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str | None = None) -> Object:
        """Return what stands at a path."""
        return self.request("GET", path, query=query, headers={"Accept": accept} if accept else None)

    def find(self, path: str) -> Object | None:
        """Return what stands at a path, or `None` where there is nothing."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        """Ask, and ask again while the server is away or busy; every request here may be repeated.

        Raises:
            ApiError: the server refuses.
            UnreachableError: it does not answer, or is not the one that the kubeconfig describes.
            CancelledError: the engine was asked to stop.

        """
        url = path + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        away = False

        def attempt() -> Answer | None:
            nonlocal away
            # A server that comes back knows neither all kinds nor all rights at first.
            if away and self._ready() is None:
                return None
            answer = self._send(method, url, data, self._headers(headers, body))
            away = answer is None or answer.status in _BUSY
            return None if away else answer

        answer = self._patiently(attempt)
        return _read(answer.status, answer.data)

    def await_ready(self) -> None:
        """Wait until the server says that it is ready: before, it does not know all of its kinds.

        Raises:
            UnreachableError: it is not ready for long, or does not answer.
            CancelledError: the engine was asked to stop.

        """
        self._patiently(self._ready)

    def _patiently(self, attempt: Callable[[], Answer | None]) -> Answer:
        """Try until there is an answer."""
        # Once the server was away for so long, the next request does not wait as long again.
        end = time.monotonic() + (0 if self._gone.is_set() else PATIENCE)
        pause = 0.1
        while (answer := attempt()) is None:
            if time.monotonic() >= end:
                self._gone.set()
                msg = (
                    f"The rehearsal's API server does not answer for {self.access.server}. "
                    "See `kade rehearse status` and `kade rehearse logs kube-apiserver`."
                )
                raise UnreachableError(msg)
            self.pause(pause * random.uniform(0.8, 1.2))
            pause = min(pause * 2, 1.0)
        self._gone.clear()
        return answer

    def _ready(self) -> Answer | None:
        answer = self._send("GET", "/readyz", None, self._headers(None, None))
        # Whoever may not ask that is told so by the request itself.
        return answer if answer is not None and answer.status < 500 else None

    def _send(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer | None:
        """Return an answer, or `None` where there is none."""
        try:
            return self._pool.request(method, url, body=data, headers=headers)
        except SSLError as error:
            msg = f"The API server for {self.access.server} cannot prove that it is the kubeconfig's ({error})."
            raise UnreachableError(msg) from None
        except HTTPError:
            return None

    def _headers(self, more: Mapping[str, str] | None, body: Any) -> dict[str, str]:
        headers = dict(self._pool.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        return headers | dict(more or {})


def _read(code: int, data: bytes) -> Object:
    try:
        content: Any = json.loads(data)
    except ValueError:
        content = {}
    found = cast("Object", content) if isinstance(content, dict) else {}
    if 200 <= code < 300:
        return found
    raise ApiError(code, found)


def _host(address: str) -> str:
    return address.removeprefix("https://").rsplit(":", 1)[0]


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1].rstrip("/"))


def _tls(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.ca)
    # The pool itself compares the certificate with the organisation's name.
    context.check_hostname = False
    if access.certificate is not None and access.key is not None:
        identify(context, access.certificate.encode(), access.key.encode())
    return context


def segment(name: str) -> str:
    """Return a name as a part of a path; RBAC names may hold colons and slashes never."""
    return quote(name, safe="")
