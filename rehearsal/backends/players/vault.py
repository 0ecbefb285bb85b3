"""A store of External Secrets, as far as Kade declares one: a login with a service account's token, and reading."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3

from rehearsal.backends.api import ApiError, Object, dig, items
from rehearsal.backends.players.world import World

IN_CLUSTER = ".openbao.svc"
"""End of the names under which a cluster's own OpenBao is reached from inside: the same back end plays it."""
SECRET = ("v1", "Secret")
_SECONDS = urllib3.Timeout(connect=3.0, read=10.0)


class StoreError(Exception):
    """The store does not give what was asked. The text says why, and holds no secret."""


@dataclass(frozen=True)
class Login:
    """A short-lived login."""

    address: str
    token: str
    engine: str
    """Path of the KV engine."""
    pool: urllib3.PoolManager


def login(world: World, store: Object) -> Login:
    """Log in as a store says: with a fresh token of the service account that it names, at the method that it names.

    Raises:
        StoreError: the store declares what is not played here, or the login is refused.
        ApiError: the API server gives no token.

    """
    vault = dig(store, "spec", "provider", "vault")
    jwt = dig(vault, "auth", "jwt")
    account = dig(jwt, "kubernetesServiceAccountToken", "serviceAccountRef")
    if not isinstance(account, dict):
        msg = "a rehearsal plays stores of Vault with a JWT login of a service account; this is another"
        raise StoreError(msg)
    pool, address = _server(world, str(dig(vault, "server") or ""))
    namespace = str(dig(store, "metadata", "namespace") or dig(account, "namespace") or "")
    _check_trust(world, vault, namespace)
    body = {"role": dig(jwt, "role"), "jwt": _token(world, namespace, jwt)}
    answer = _ask(pool, "POST", f"{address}/v1/auth/{dig(jwt, 'path')}/login", None, body)
    return Login(address, str(dig(answer, "auth", "client_token")), str(dig(vault, "path")), pool)


def read(entered: Login, reference: Object) -> Any:
    """Return what stands at a reference: one property, or all of them.

    Raises:
        StoreError: there is nothing, or reading it is refused.

    """
    key = str(dig(reference, "key"))
    answer = _ask(entered.pool, "GET", f"{entered.address}/v1/{entered.engine}/data/{quote(key)}", entered.token)
    data = dig(answer, "data", "data")
    wanted = dig(reference, "property")
    if not isinstance(data, dict):
        msg = f"{entered.engine}/{key} holds nothing"
        raise StoreError(msg)
    if wanted is None:
        return dict(data)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # from JSON
    if wanted not in data:
        msg = f"{entered.engine}/{key} has no property `{wanted}`"
        raise StoreError(msg)
    return dig(data, str(wanted))


def _server(world: World, declared: str) -> tuple[urllib3.PoolManager, str]:
    """Return the way to the OpenBao that plays the declared address."""
    vault, host = world.endpoints.vault, urlsplit(declared).hostname or ""
    own = urlsplit(world.site.vault_address or "").hostname
    if vault is None or not (host == own or host.endswith(IN_CLUSTER)):
        msg = f"no back end of the rehearsal plays {declared or 'the server'}"
        raise StoreError(msg)
    context = ssl.create_default_context(cafile=vault.ca) if vault.address.startswith("https") else None
    return urllib3.PoolManager(ssl_context=context, timeout=_SECONDS, retries=False), vault.address


def _check_trust(world: World, vault: Any, namespace: str) -> None:
    """See to it that the declared authority is there. It is not what proves the server: that is the rehearsal's own."""
    provider = dig(vault, "caProvider")
    if not isinstance(provider, dict) or dig(provider, "type") != "Secret":
        return
    where, name, key = str(dig(provider, "namespace") or namespace), str(dig(provider, "name")), dig(provider, "key")
    if dig(world.get(SECRET, where, name), "data", str(key)) is None:
        msg = f"Secret {where}/{name} with the authority under `{key}` is not there"
        raise StoreError(msg)


def _token(world: World, namespace: str, jwt: Any) -> str:
    account = dig(jwt, "kubernetesServiceAccountToken", "serviceAccountRef")
    spec = {
        "audiences": items(account, "audiences"),
        "expirationSeconds": dig(jwt, "kubernetesServiceAccountToken", "expirationSeconds") or 600,
    }
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{dig(account, 'name')}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    try:
        return str(dig(world.client.create(path, body), "status", "token"))
    except ApiError as error:
        if error.status != 404:
            raise
        msg = f"service account {namespace}/{dig(account, 'name')} is not there"
        raise StoreError(msg) from None


def _ask(pool: urllib3.PoolManager, method: str, address: str, token: str | None, body: Any = None) -> Any:
    """Ask OpenBao; the path alone is told when it refuses."""
    path = urlsplit(address).path.removeprefix("/v1/")
    try:
        answer = pool.request(
            method,
            address,
            headers={"X-Vault-Token": token} if token else {},
            body=None if body is None else json.dumps(body).encode(),
        )
        data: Any = json.loads(answer.data) if answer.data else {}
    except (urllib3.exceptions.HTTPError, ValueError):
        msg = f"OpenBao does not answer {method} {path}"
        raise StoreError(msg) from None
    if answer.status >= 400:
        # Its own reason for a refused login names claims, never the token.
        why = "; ".join(str(one) for one in items(data, "errors")) or "nothing is there"
        msg = f"OpenBao refuses {method} {path} ({answer.status}): {why}"
        raise StoreError(msg)
    return data
