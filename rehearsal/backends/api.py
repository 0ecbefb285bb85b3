"""A small client of the rehearsal's API server, for those who play a part in it.

Objects stay the plain data that they are. Errors carry the server's own words and the fields they are about.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import urllib3
import yaml

Object = dict[str, Any]
"""A Kubernetes object as plain data."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_BUSY = 429
_PATIENCE = 20.0
"""Seconds that a server may ask for patience (429): it does while the storage of a kind that came lately begins."""
_TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)
_WATCH_SECONDS = 240
"""How long one watch lasts before the server ends it and the next begins."""


def dig(data: Any, *keys: str) -> Any:
    """Return what lies below some keys; `None` where something on the way is not there."""
    for key in keys:
        if not isinstance(data, dict):
            return None
        data = cast(Object, data).get(key)
    return data


def mapping(data: Any, *keys: str) -> Object:
    """Return the mapping below some keys; empty where there is none."""
    found = dig(data, *keys)
    return cast(Object, found) if isinstance(found, dict) else {}


def items(data: Any, *keys: str) -> list[Any]:
    """Return the list below some keys; empty where there is none."""
    found = dig(data, *keys)
    return cast(list[Any], found) if isinstance(found, list) else []


class ApiError(Exception):
    """The server refused, or could not be reached (status 0). The text is the server's own."""

    def __init__(self, status: int, reason: str, message: str, fields: tuple[str, ...] = ()) -> None:
        """Keep what the server said."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.fields = fields
        """Paths of the fields that it names."""


@dataclass(frozen=True)
class Kind:
    """One kind that the server has."""

    api: str
    """Group and version, for example `apps/v1`."""
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def group(self) -> str:
        """The group; empty for the core."""
        return self.api.rpartition("/")[0]

    def path(self, namespace: str | None = None, name: str | None = None, part: str | None = None) -> str:
        """Return the path of all objects, of those of a namespace, or of one object or its subresource."""
        root = f"/apis/{self.api}" if "/" in self.api else f"/api/{self.api}"
        inside = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        rest = "".join(f"/{quote(piece, safe='')}" for piece in (name, part) if piece)
        return f"{root}{inside}/{self.plural}{rest}"


class Client:
    """Speaks to one API server as one user; may be shared between threads."""

    def __init__(self, server: str, context: ssl.SSLContext, token: str | None = None) -> None:
        """Connect when the first request is made."""
        self._server = server.rstrip("/")
        self._pool = urllib3.PoolManager(ssl_context=context, timeout=_TIMEOUT, retries=False, maxsize=8)
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lock = threading.Lock()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """Return what stands at a path.

        Raises:
            ApiError: the server refused, or it could not be reached.

        """
        return self._ask("GET", path, query)

    def create(self, path: str, body: Object) -> Object:
        """Create an object. Raises ApiError."""
        return self._ask("POST", path, None, body)

    def merge(self, path: str, patch: Object) -> Object:
        """Change the fields that a merge patch names. Raises ApiError."""
        return self._ask("PATCH", path, None, patch, MERGE)

    def replace(self, path: str, body: Object) -> Object:
        """Replace an object; the server refuses where it has changed since. Raises ApiError."""
        return self._ask("PUT", path, None, body)

    def apply(
        self, path: str, body: Object, manager: str, *, dry_run: bool = False, force: bool = True, strict: bool = True
    ) -> Object:
        """Apply an object on the server's side; unknown and doubled fields are refused. Raises ApiError."""
        query = {"fieldManager": manager, "force": str(force).lower()}
        query |= {"fieldValidation": "Strict"} if strict else {}
        query |= {"dryRun": "All"} if dry_run else {}
        return self._ask("PATCH", path, query, body, APPLY)

    def delete(self, path: str) -> None:
        """Ask for an object's deletion; one that is gone already is no error. Raises ApiError."""
        try:
            self._ask("DELETE", path, None, {"propagationPolicy": "Background"})
        except ApiError as error:
            if error.status != 404:
                raise

    def watch(self, path: str, version: str) -> Generator[tuple[str, Object]]:
        """Yield what happens after a version of the list: the event's type and the object. Raises ApiError."""
        query = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        response = self._send("GET", path, query, None, None, stream=True)
        try:
            rest = b""
            for chunk in response.stream(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _refusal(int(event["object"].get("code", 0)), event["object"])
                    yield event["type"], event["object"]
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ApiError(0, "Unreachable", str(error)) from None
        finally:
            response.close()

    def kind(self, api: str, kind: str) -> Kind:
        """Return what the server knows of a kind. Raises ApiError: it has none of that name."""
        with self._lock:
            if (api, kind) not in self._kinds:
                self._discover(api)
            found = self._kinds.get((api, kind))
        if found is None:
            raise ApiError(404, "NoKind", f"the API server has no kind `{kind}` in `{api}`")
        return found

    def kinds(self) -> list[Kind]:
        """Return every kind, each in the version that the server prefers. Raises ApiError."""
        groups = [group["preferredVersion"]["groupVersion"] for group in self.get("/apis").get("groups", [])]
        with self._lock:
            for api in ("v1", *groups):
                self._discover(api)
            return [kind for (api, _), kind in self._kinds.items() if api in {"v1", *groups}]

    def path_of(self, manifest: Object, part: str | None = None) -> str:
        """Return the path of an object. Raises ApiError: the server has no such kind."""
        metadata = mapping(manifest, "metadata")
        kind = self.kind(str(manifest.get("apiVersion")), str(manifest.get("kind")))
        return kind.path(metadata.get("namespace"), metadata.get("name"), part)

    def _discover(self, api: str) -> None:
        try:
            answer = self.get(f"/apis/{api}" if "/" in api else f"/api/{api}")
        except ApiError as error:
            if error.status in (404, 503):  # an aggregated server that does not run
                return
            raise
        for one in answer.get("resources", []):
            if "/" not in one["name"]:
                verbs = frozenset(one.get("verbs", ()))
                self._kinds[(api, one["kind"])] = Kind(api, one["kind"], one["name"], one["namespaced"], verbs)

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Object | None = None,
        content: str | None = None,
    ) -> Object:
        response = self._send(method, path, query, body, content)
        return json.loads(response.data) if response.data else {}

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Object | None,
        content: str | None,
        *,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        address = f"{self._server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = self._headers | ({"Content-Type": content or "application/json"} if body is not None else {})
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                response = self._pool.request(
                    method,
                    address,
                    body=None if body is None else json.dumps(body).encode(),
                    headers=headers,
                    preload_content=not stream,
                    timeout=urllib3.Timeout(connect=5.0, read=_WATCH_SECONDS + 30.0) if stream else _TIMEOUT,
                )
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise ApiError(0, "Unreachable", f"the API server at {self._server} does not answer: {error}") from None
            if response.status != _BUSY or time.monotonic() > until:
                break
            response.drain_conn()
            time.sleep(0.5)
        if response.status >= 400:
            try:
                status: Any = json.loads(response.data)
            except ValueError:
                status = {"message": response.data.decode(errors="replace")[:500]}
            raise _refusal(response.status, status)
        return response


def _refusal(code: int, status: Any) -> ApiError:
    fields = tuple(str(dig(cause, "field")) for cause in items(status, "details", "causes") if dig(cause, "field"))
    said = str(dig(status, "message") or f"it answered {code}")
    return ApiError(code, str(dig(status, "reason") or ""), said, fields)


def connect(kubeconfig: Path) -> Client:
    """Return a client as the current user of a kubeconfig.

    Raises:
        OSError: a file cannot be read.
        ValueError: it is no kubeconfig, or its certificates are none.

    """
    try:
        config: Any = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster: Object = _named(config["clusters"], context["cluster"])["cluster"]
        user: Object = _named(config["users"], context["user"])["user"]
        server = str(cluster["server"])
    except (yaml.YAMLError, KeyError, TypeError, StopIteration):
        msg = f"{kubeconfig} is no kubeconfig with a current context."
        raise ValueError(msg) from None
    tls = ssl.create_default_context(cadata=_content(cluster, "certificate-authority", kubeconfig).decode())
    certificate, key = (_content(user, part, kubeconfig) for part in ("client-certificate", "client-key"))
    if certificate:
        identify(tls, certificate, key)
    return Client(server, tls, user.get("token"))


def _named(entries: list[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)


def _content(part: Object, key: str, kubeconfig: Path) -> bytes:
    if data := part.get(f"{key}-data"):
        return base64.b64decode(data)
    return (kubeconfig.parent / part[key]).read_bytes() if part.get(key) else b""


def identify(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Give a TLS context its own certificate; the library takes files only, so one lives for that moment."""
    handle, name = tempfile.mkstemp()  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(certificate + b"\n" + key)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
