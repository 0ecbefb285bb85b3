"""How each type of the Vault provider stands in a real server: at which path, and under which names.

A way works on the id that the engine keeps, and on properties as the program names them. What the server has besides
is its own business, until somebody changes it: see `vault_server.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, cast

from operations.vault.client import Client
from operations.vault.compare import same
from rehearsal.plugins.values import Props, canonical

_UPPER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FIELD = re.compile(r"\{(\w+)[^}]*\}")


def snake(name: str) -> str:
    """Return a property's name as Vault writes it."""
    return _UPPER.sub("_", name).lower()


def camel(name: str) -> str:
    """Return a name of Vault as the program writes it."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


@dataclass(frozen=True)
class Way:
    """An object that is written and read as a whole at one path: a role, a group."""

    id: str
    """Template of the id, as in the table."""
    folder: str = ""
    """Put before the id, to make the path."""
    local: frozenset[str] = frozenset({"namespace"})
    """Inputs that are the provider's own business and never sent."""

    def path(self, id_: str) -> str:
        """Return where the object stands."""
        return f"{self.folder}{id_}"

    def named(self, id_: str) -> Props:
        """Return the inputs that the id says: all that there is at an import."""
        pattern = "".join(
            f"(?P<{part}>.+)" if index % 2 else re.escape(part) for index, part in enumerate(_FIELD.split(self.id))
        )
        match = re.fullmatch(pattern, id_)
        return dict(match.groupdict()) if match else {}

    def find(self, client: Client, id_: str, inputs: Props) -> Props | None:
        """Return the object as the server has it, or `None`."""
        del inputs
        found = client.read(self.path(id_))
        return None if found is None else {**self.shown(found), **self.named(id_)}

    def make(self, client: Client, id_: str, inputs: Props, secrets: Collection[str]) -> None:
        """Make the object."""
        client.write(self.path(id_), self.sent(id_, inputs), secrets)

    def change(self, client: Client, id_: str, inputs: Props, gone: Props, secrets: Collection[str]) -> None:
        """Change the object; `gone` are inputs that the program gave before and no longer gives."""
        # Vault leaves alone what it is not told, so what is gone must be taken back to nothing.
        self.make(client, id_, {**{key: emptied(value) for key, value in gone.items()}, **inputs}, secrets)

    def remove(self, client: Client, id_: str) -> None:
        """Take the object away."""
        client.delete(self.path(id_))

    def sent(self, id_: str, inputs: Props) -> dict[str, Any]:
        """Return what is sent to the server."""
        left = {*self.local, *self.named(id_)}
        return {snake(key): value for key, value in inputs.items() if key not in left}

    def shown(self, found: dict[str, Any]) -> Props:
        """Return what the server answers under the program's names."""
        return {camel(key): value for key, value in found.items()}


@dataclass(frozen=True)
class PolicyWay(Way):
    """A policy."""

    local: frozenset[str] = frozenset({"namespace", "allowOverwrite"})


@dataclass(frozen=True)
class JwtRoleWay(Way):
    """A role of a JWT or OpenID Connect method."""

    local: frozenset[str] = frozenset({"namespace", "disableBoundClaimsParsing"})

    def sent(self, id_: str, inputs: Props) -> dict[str, Any]:
        """Send each claim as a list of values, as the official provider does: a comma separates them."""
        body = super().sent(id_, inputs)
        if inputs.get("boundClaims"):
            body["bound_claims"] = _claims(inputs)
        return body

    def find(self, client: Client, id_: str, inputs: Props) -> Props | None:
        """Return claims as the program writes them, each as one text."""
        found = super().find(client, id_, inputs)
        if found is None:
            return None
        claims = cast("dict[str, Any]", found.get("boundClaims") or {})
        if inputs.get("boundClaims") and same(_claims(inputs), claims):
            return {**found, "boundClaims": inputs["boundClaims"]}
        joined = {
            name: ",".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else value
            for name, value in claims.items()
        }
        return {**found, "boundClaims": joined}


def _claims(inputs: Props) -> dict[str, list[str]]:
    whole = inputs.get("disableBoundClaimsParsing")
    return {
        name: [str(value)] if whole else [part.strip() for part in str(value).split(",")]
        for name, value in cast("dict[str, Any]", inputs["boundClaims"]).items()
    }


@dataclass(frozen=True)
class MountWay(Way):
    """A secrets engine (`sys/mounts/`) or an auth method (`sys/auth/`)."""

    names: dict[str, str] = field(default_factory=dict[str, str])
    """Inputs that stand in the mount's `config`, and their names there."""
    own: tuple[str, ...] = ("type", "description", "local", "seal_wrap", "external_entropy_access", "options")
    """What stands beside `config`."""

    def named(self, id_: str) -> Props:
        """Return the path: the id."""
        return {"path": id_}

    def find(self, client: Client, id_: str, inputs: Props) -> Props | None:
        """Return type, description and settings."""
        found = client.read(self.path(id_))
        if found is None:
            return None
        config = cast("dict[str, Any]", found.get("config") or {})
        result: Props = {camel(key): found[key] for key in (*self.own, "accessor") if key in found}
        result |= {name: config[key] for name, key in self.names.items() if key in config}
        options = cast("dict[str, Any]", found.get("options") or {})
        if inputs.get("type") == "kv-v2" and found.get("type") == "kv" and options.get("version") == "2":
            # The server writes the short name in two words.
            result["type"] = "kv-v2"
            result["options"] = {key: value for key, value in options.items() if key != "version"}
        return result | self.named(id_)

    def make(self, client: Client, id_: str, inputs: Props, secrets: Collection[str]) -> None:
        """Mount it."""
        body = {key: inputs[camel(key)] for key in self.own if camel(key) in inputs}
        config = self._config(inputs)
        client.write(self.path(id_), {**body, **({"config": config} if config else {})}, secrets)

    def change(self, client: Client, id_: str, inputs: Props, gone: Props, secrets: Collection[str]) -> None:
        """Tune it: what it is and where it stands cannot change."""
        both = {**{key: emptied(value) for key, value in gone.items()}, **inputs}
        body = {key: both[key] for key in ("description", "options") if key in both}
        client.write(f"{self.path(id_)}/tune", {**body, **self._config(both)}, secrets)

    def _config(self, inputs: Props) -> dict[str, Any]:
        return {key: inputs[name] for name, key in self.names.items() if name in inputs}


@dataclass(frozen=True)
class SecretWay(Way):
    """A secret in an engine with versions."""

    def named(self, id_: str) -> Props:
        """Return engine and name."""
        mount, _, name = id_.partition("/data/")
        return {"mount": mount, "name": name}

    def find(self, client: Client, id_: str, inputs: Props) -> Props | None:
        """Return the newest version; one that was deleted is gone."""
        found = client.read(id_)
        data = found.get("data") if found else None
        if not isinstance(data, dict):
            return None
        text = json.dumps(data, sort_keys=True)
        given = inputs.get("dataJson")
        if isinstance(given, str) and canonical(json.loads(given)) == canonical(data):
            text = given  # the program's spaces and order are no difference
        return {"dataJson": text, "data": data, "path": id_, **self.named(id_)}

    def make(self, client: Client, id_: str, inputs: Props, secrets: Collection[str]) -> None:
        """Write a version."""
        data = json.loads(str(inputs.get("dataJson") or "{}"))
        leaves = [value for value in cast("dict[str, Any]", data).values() if isinstance(value, str)]
        client.write(id_, {"data": data, "options": inputs.get("options") or {}}, [*secrets, *leaves])

    def remove(self, client: Client, id_: str) -> None:
        """Delete the newest version, or all of them with their history."""
        client.delete(id_)


_MOUNT_CONFIG = {
    "defaultLeaseTtlSeconds": "default_lease_ttl", "maxLeaseTtlSeconds": "max_lease_ttl",
    "forceNoCache": "force_no_cache", "listingVisibility": "listing_visibility",
    "auditNonHmacRequestKeys": "audit_non_hmac_request_keys",
    "auditNonHmacResponseKeys": "audit_non_hmac_response_keys",
    "allowedResponseHeaders": "allowed_response_headers",
    "passthroughRequestHeaders": "passthrough_request_headers",
}  # fmt: skip

WAYS: dict[str, Way] = {
    "vault:index/mount:Mount": MountWay("{path}", "sys/mounts/", names=_MOUNT_CONFIG),
    "vault:index/policy:Policy": PolicyWay("{name}", "sys/policies/acl/"),
    "vault:index/authBackend:AuthBackend": MountWay("{path}", "sys/auth/"),
    "vault:jwt/authBackendRole:AuthBackendRole": JwtRoleWay("auth/{backend}/role/{roleName}"),
    "vault:kubernetes/authBackendRole:AuthBackendRole": Way("auth/{backend}/role/{roleName}"),
    "vault:ldap/authBackendGroup:AuthBackendGroup": Way("auth/{backend}/groups/{groupname}"),
    "vault:kv/secretV2:SecretV2": SecretWay("{mount}/data/{name}"),
}
"""The types that reach a real server. Every type that our program uses is among them, and a test holds that."""


def emptied(value: Any) -> Any:
    """Return what says "nothing" in the place of a value."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return 0
    if isinstance(value, str):
        return ""
    return [] if isinstance(value, list) else {} if isinstance(value, dict) else None
