"""The small client of the API server: what it does with a server that asks for patience."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rehearsal.backends import api


@contextmanager
def answering(*statuses: int) -> Iterator[api.Client]:
    """A server that answers with these statuses in turn, the last one for ever."""
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            status = left.pop(0) if len(left) > 1 else left[0]
            body = json.dumps({"kind": "Status", "message": "storage is (re)initializing", "reason": "TooManyRequests"})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield api.Client(f"http://127.0.0.1:{server.server_address[1]}", ssl.create_default_context())
        server.shutdown()


def test_a_server_that_is_not_ready_with_a_kind_is_asked_again() -> None:
    with answering(429, 429, 200) as client:
        assert client.get("/apis/x/v1/things")["kind"] == "Status"


def test_its_own_words_are_told_where_it_never_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_PATIENCE", 0.2)
    with answering(429) as client, pytest.raises(api.ApiError, match="storage is"):
        client.get("/apis/x/v1/things")


def test_a_server_that_is_gone_is_named() -> None:
    client = api.Client("https://127.0.0.1:9", ssl.create_default_context())
    with pytest.raises(api.ApiError, match=r"API server at https://127\.0\.0\.1:9 does not answer"):
        client.get("/version")
