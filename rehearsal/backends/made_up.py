"""Values of secrets that people would have written into Vault before a delivery: made up, and written where missing.

Without them no secret arrives, and the delivery waits for it, as it would. The value never leaves the two servers.
"""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from rehearsal.backends import endpoints as overlay
from rehearsal.backends.api import ApiError, Client, Object, dig, items, mapping
from rehearsal.backends.players.external_secrets import API

_TIMEOUT = urllib3.Timeout(connect=3.0, read=20.0)


class MadeUpError(Exception):
    """A value cannot be written; the text says where, and holds none."""


def fill(vault: overlay.Vault, client: Client, manifests: Iterable[Object]) -> list[str]:
    """Write a value for each property that the requests among some manifests ask for and that Vault does not hold.

    Stores are looked for among the manifests, then in the cluster.

    Returns the paths that were written.

    Raises:
        MadeUpError: OpenBao refuses, for example because an engine is not there.
        ApiError: the API server is gone.

    """
    known = list(manifests)
    wanted: dict[str, set[str]] = {}
    for request in known:
        if request.get("apiVersion") != API or request.get("kind") != "ExternalSecret":
            continue
        for one in items(request, "spec", "data"):
            reference = dig(one, "sourceRef", "storeRef") or dig(request, "spec", "secretStoreRef")
            engine = _engine(client, known, request, mapping(reference))
            if engine:
                path = f"{engine}/data/{quote(str(dig(one, 'remoteRef', 'key')))}"
                wanted.setdefault(path, set()).add(str(dig(one, "remoteRef", "property") or "value"))
    context = ssl.create_default_context(cafile=vault.ca) if vault.ca else None
    pool = urllib3.PoolManager(ssl_context=context, timeout=_TIMEOUT, retries=False)
    return [path for path, names in sorted(wanted.items()) if _complete(pool, vault, path, names)]


def _engine(client: Client, known: list[Object], request: Object, reference: Object) -> str | None:
    """Return the path of the engine behind a store; `None` where there is no such store yet."""
    kind, name = str(reference.get("kind") or "SecretStore"), str(reference.get("name"))
    namespace = None if kind == "ClusterSecretStore" else str(dig(request, "metadata", "namespace"))
    for one in known:
        here = one.get("kind") == kind and dig(one, "metadata", "name") == name
        if here and (namespace is None or dig(one, "metadata", "namespace") == namespace):
            return _path(one)
    try:
        return _path(client.get(client.kind(API, kind).path(namespace, name)))
    except ApiError as error:
        if error.status != 404:
            raise
        return None


def _path(store: Object) -> str | None:
    path = dig(store, "spec", "provider", "vault", "path")
    return str(path) if path else None


def _complete(pool: urllib3.PoolManager, vault: overlay.Vault, path: str, names: set[str]) -> bool:
    """Write what is missing at one path; say whether anything was."""
    found = mapping(_ask(pool, vault, "GET", path), "data", "data")
    if names <= set(found):
        return False
    made = {name: f"made-up-{secrets.token_hex(16)}" for name in sorted(names - set(found))}
    _ask(pool, vault, "POST", path, {"data": {**found, **made}})
    return True


def _ask(pool: urllib3.PoolManager, vault: overlay.Vault, method: str, path: str, body: Any = None) -> Any:
    token = Path(vault.token).read_text(encoding="utf-8").strip()
    try:
        answer = pool.request(
            method,
            f"{vault.address}/v1/{path}",
            headers={"X-Vault-Token": token},
            body=None if body is None else json.dumps(body).encode(),
        )
    except urllib3.exceptions.HTTPError as error:
        msg = f"OpenBao does not answer {method} {path}: {type(error).__name__}"
        raise MadeUpError(msg) from None
    if answer.status == 404 and method == "GET":
        return {}
    if answer.status >= 400:
        msg = f"OpenBao refuses {method} {path} ({answer.status}). Is its engine there?"
        raise MadeUpError(msg)
    return json.loads(answer.data) if answer.data else {}
