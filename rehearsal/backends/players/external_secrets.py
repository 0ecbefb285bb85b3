"""External Secrets, played with real secrets: stores log in to the real OpenBao, and what is read becomes a Secret.

So that a secret arrives, or is refused, is seen and not assumed. Templates are played as far as Kade writes them.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import string
from typing import Any

from rehearsal.backends.api import Object, dig, items, mapping
from rehearsal.backends.players import vault
from rehearsal.backends.players.databases import owned_by
from rehearsal.backends.players.vault import StoreError
from rehearsal.backends.players.world import PLAYED, PLAYED_BY, World, condition, going, seconds, set_condition, stamp

API = "external-secrets.io/v1"
STORE = (API, "SecretStore")
CLUSTER_STORE = (API, "ClusterSecretStore")
REQUEST = (API, "ExternalSecret")
PASSWORD = ("generators.external-secrets.io/v1alpha1", "Password")
ACCOUNT = ("v1", "ServiceAccount")
NAMESPACE = ("v1", "Namespace")
SECRET = ("v1", "Secret")

MANAGER = "external-secrets"
"""Field manager of the Secrets, as the real controller names itself."""
_AGAIN = 3.0
"""Seconds until a store or a secret that failed is tried again."""
_CALM = 300.0
"""Seconds until a store that works logs in again."""
_KEY = secrets.token_bytes(16)
_PLACE = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")
"""What is played of templates: the value of a key."""


class Stores:
    """Says of each store whether its login works."""

    name = "secret stores"
    kinds = (STORE, CLUSTER_STORE)
    looks_at = (ACCOUNT, SECRET)

    def play(self, world: World, thing: Object) -> float | None:
        """Log in, and write how it went."""
        if going(thing):
            return None
        try:
            vault.login(world, thing)
        except StoreError as error:
            fault = {"status": "False", "reason": "InvalidProviderConfig", "message": f"{error} ({PLAYED})"}
            set_condition(world, thing, {"type": "Ready", **fault})
            return _AGAIN
        works = {"status": "True", "reason": "Valid", "message": f"store validated ({PLAYED})"}
        set_condition(world, thing, {"type": "Ready", **works}, _capable(thing))
        return _CALM


def _capable(store: Object) -> Object | None:
    return None if dig(store, "status", "capabilities") else {"capabilities": "ReadWrite"}


class Requests:
    """Makes the Secret that each request asks for, out of the store and of generators."""

    name = "external secrets"
    kinds = (REQUEST,)
    looks_at = (STORE, CLUSTER_STORE, PASSWORD, NAMESPACE, SECRET)

    def play(self, world: World, thing: Object) -> float | None:
        """Read, write the Secret, and say how it went."""
        if going(thing):
            return None
        again = seconds(dig(thing, "spec", "refreshInterval"), 3600.0)
        if _kept(world, thing):
            return again
        try:
            data = _rendered(thing, _values(world, thing))
        except StoreError as error:
            fault = {"status": "False", "reason": "SecretSyncedError", "message": f"{error} ({PLAYED})"}
            set_condition(world, thing, {"type": "Ready", **fault})
            return _AGAIN
        name = str(dig(thing, "spec", "target", "name") or thing["metadata"]["name"])
        _write(world, thing, name, data)
        works = {"status": "True", "reason": "SecretSynced", "message": f"secret synced ({PLAYED})"}
        version = f"{thing['metadata'].get('generation', 1)}-{_digest(data)}"
        more = {"refreshTime": stamp(), "syncedResourceVersion": version, "binding": {"name": name}}
        settled = dig(thing, "status", "syncedResourceVersion") == version and condition(thing, "Ready") != {}
        set_condition(world, thing, {"type": "Ready", **works}, None if settled else more)
        return again


def _kept(world: World, request: Object) -> bool:
    """Say whether a Secret that is made once is there already."""
    if dig(request, "spec", "refreshPolicy") != "CreatedOnce" or condition(request, "Ready").get("status") != "True":
        return False
    name = str(dig(request, "spec", "target", "name") or request["metadata"]["name"])
    return world.get(SECRET, request["metadata"]["namespace"], name) is not None


def _values(world: World, request: Object) -> dict[str, str]:
    """Return the values by their keys."""
    found: dict[str, str] = {}
    entered: dict[str, vault.Login] = {}

    def read(reference: Any, from_: Any) -> Any:
        store = _store(world, request, from_)
        mark = f"{store['kind']}/{store['metadata']['name']}"
        if mark not in entered:
            entered[mark] = vault.login(world, store)
        return vault.read(entered[mark], reference)

    for source in items(request, "spec", "dataFrom"):
        generator = dig(source, "sourceRef", "generatorRef")
        if generator is not None:
            values: Object = {"password": _generated(world, request, generator)}
        elif dig(source, "extract") is not None:
            values = read(dig(source, "extract"), dig(source, "sourceRef", "storeRef"))
        else:
            msg = "a rehearsal does not play this kind of `dataFrom`"
            raise StoreError(msg)
        found |= {_renamed(key, items(source, "rewrite")): _text(value) for key, value in values.items()}
    for one in items(request, "spec", "data"):
        value = read(dig(one, "remoteRef"), dig(one, "sourceRef", "storeRef"))
        found[str(dig(one, "secretKey"))] = _text(value)
    return found


def _store(world: World, request: Object, own: Any) -> Object:
    """Return the store of a request; it must be ready, and open to the request's namespace."""
    reference = own or dig(request, "spec", "secretStoreRef")
    kind, name = str(dig(reference, "kind") or "SecretStore"), str(dig(reference, "name"))
    namespace = request["metadata"]["namespace"]
    store = world.get((API, kind), "" if kind == "ClusterSecretStore" else namespace, name)
    if store is None:
        msg = f"{kind} {name} is not there"
        raise StoreError(msg)
    if condition(store, "Ready").get("status") != "True":
        msg = f"{kind} {name} is not ready"
        raise StoreError(msg)
    conditions = items(store, "spec", "conditions")
    if conditions and not any(_open(world, one, namespace) for one in conditions):
        msg = f"{kind} {name} is not open to namespace {namespace}"
        raise StoreError(msg)
    return store


def _open(world: World, rule: Object, namespace: str) -> bool:
    """Say whether one condition of a store lets a namespace in."""
    if namespace in items(rule, "namespaces"):
        return True
    labels = mapping(world.get(NAMESPACE, "", namespace), "metadata", "labels")
    wanted = mapping(rule, "namespaceSelector", "matchLabels")
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def _generated(world: World, request: Object, reference: Any) -> str:
    """Make up a password as a generator says."""
    namespace, name = request["metadata"]["namespace"], str(dig(reference, "name"))
    generator = world.get(PASSWORD, namespace, name)
    if dig(reference, "kind") != "Password" or generator is None:
        msg = f"generator {dig(reference, 'kind')} {name} is not there, or is of a kind that a rehearsal does not play"
        raise StoreError(msg)
    length = int(dig(generator, "spec", "length") or 24)
    digits = int(dig(generator, "spec", "digits") or 0)
    symbols = int(dig(generator, "spec", "symbols") or 0)
    letters = string.ascii_lowercase if dig(generator, "spec", "noUpper") else string.ascii_letters
    signs = str(dig(generator, "spec", "symbolCharacters") or "~!@#$%^&*()_+-={}|[]:<>?,./")
    parts = [(string.digits, digits), (signs, symbols), (letters, length - digits - symbols)]
    characters = [secrets.choice(kind) for kind, number in parts for _ in range(number)]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def _renamed(key: str, rules: list[Any]) -> str:
    for rule in rules:
        pattern, target = dig(rule, "regexp", "source"), dig(rule, "regexp", "target")
        if pattern is not None:
            key = re.sub(str(pattern), str(target), key)
    return key


def _rendered(request: Object, values: dict[str, str]) -> dict[str, str]:
    """Return the Secret's content: the values, or what the template makes of them."""
    template = mapping(request, "spec", "target", "template", "data")
    if not template:
        return values
    found = {key: _PLACE.sub(lambda place: values.get(place[1], ""), str(text)) for key, text in template.items()}
    left = [key for key, text in template.items() if "{{" in _PLACE.sub("", str(text))]
    if left:
        msg = f"the template of {', '.join(left)} does more than to name a key, which a rehearsal does not play"
        raise StoreError(msg)
    return (values if dig(request, "spec", "target", "template", "mergePolicy") == "Merge" else {}) | found


def _write(world: World, request: Object, name: str, data: dict[str, str]) -> None:
    namespace = request["metadata"]["namespace"]
    template = mapping(request, "spec", "target", "template", "metadata")
    metadata: Object = {
        "name": name,
        "namespace": namespace,
        "labels": {"reconcile.external-secrets.io/managed": "true", **mapping(template, "labels")},
        "annotations": {**PLAYED_BY, **mapping(template, "annotations")},
    }
    if (dig(request, "spec", "target", "creationPolicy") or "Owner") == "Owner":
        metadata["ownerReferences"] = [owned_by(request)]
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": dig(request, "spec", "target", "template", "type") or "Opaque",
        "metadata": metadata,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }
    world.client.apply(f"/api/v1/namespaces/{namespace}/secrets/{name}", body, MANAGER)


def _digest(data: dict[str, str]) -> str:
    """Return what shows that a value changed; keyed, so that no value can be guessed from it."""
    return hmac.new(_KEY, json.dumps(data, sort_keys=True).encode(), "sha256").hexdigest()[:32]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
