"""The Vault provider on a real OpenBao. What the program says is sent; what the server says is what exists.

At preview it answers as the stand-in does, so that unknown values are where the official provider has them. Beside the
server it keeps the stand-in's notes of which resource made what: with them a run can take up what a killed one left,
and two resources that would overwrite each other are told apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from operations.vault.client import Client, VaultError
from operations.vault.compare import same
from rehearsal.backends.endpoints import Endpoints
from rehearsal.plugins import kinds
from rehearsal.plugins.bridged import Bridged
from rehearsal.plugins.changes import Difference
from rehearsal.plugins.standin import Place, Resource, StandInError, way_of
from rehearsal.plugins.values import Props, Secret, leaves, mark_like, plain, rewrap
from rehearsal.plugins.vault_ways import WAYS, Way

_EMPTY: tuple[object, ...] = (None, "", 0, False, [], {})


class VaultServer(Bridged):
    """Makes mounts, policies, roles, groups and secrets in OpenBao."""

    name = "vault"
    package = "pulumi_vault"

    def __init__(self, place: Place, endpoints: Endpoints, config: Props) -> None:
        """Serve one provider resource; the login waits for the first request that needs it."""
        super().__init__(place)
        self.config = config
        self._endpoints = endpoints
        self._given: dict[str, Props] = {}

    @cached_property
    def client(self) -> Client:
        """The server, with this run's own login.

        Raises:
            StandInError: the run has no login, or Vault refuses it.

        """
        server = self._endpoints.vault
        assert server is not None, "this provider is made only where there is an OpenBao"
        ca = server.ca or (self._endpoints.kubernetes.ca if self._endpoints.kubernetes else "")
        secure = server.address.startswith("https:")
        # The organisation's address stays in the program and its state; only here it is bound to this machine.
        client = Client(server.address, ca=Path(ca) if secure and ca else None, proxies=False)
        login = _nested(self.config.get("authLoginJwt"))
        if login:
            jwt = str(login.get("jwt") or os.environ.get("TERRAFORM_VAULT_AUTH_JWT", ""))
            if not jwt:
                msg = "There is no token to sign in to Vault with: TERRAFORM_VAULT_AUTH_JWT is not set."
                raise StandInError(msg)
            with _told():
                return client.login(str(login.get("mount") or "jwt"), str(login.get("role") or ""), jwt)
        token = str(plain(self.config.get("token")) or os.environ.get("VAULT_TOKEN", ""))
        if not token:
            msg = "There is no login to Vault: set VAULT_TOKEN, or KADE_VAULT_ROLE and TERRAFORM_VAULT_AUTH_JWT."
            raise StandInError(msg)
        return client.as_token(token)

    def diff(self, resource: Resource, id_: str, olds: Props, news: Props) -> Difference:
        """Compare, and keep the inputs before: an update must take back what is no longer given."""
        self._given[resource.urn] = olds
        return super().diff(resource, id_, olds, news)

    def create(self, resource: Resource, inputs: Props) -> tuple[str, Props]:
        """Make an object, or take up the one that is there as it should be.

        Raises:
            StandInError: another one is there, or Vault refuses.

        """
        way, given = _way(resource), cast("Props", plain(inputs))
        id_ = str(kinds.render(self.kind(resource).id, inputs, lambda _: b""))
        key = f"{resource.type}|{id_}"
        noted = self.store(resource).get(key)
        with _told(resource):
            existing = way.find(self.client, id_, given)
            if existing is not None:
                _refuse_foreign(resource, id_, noted.urn if noted else None, _differing(given, existing))
            # Before the request: a run that is killed during it leaves an object whose maker is known.
            self.store(resource).put(key, resource.urn, resource.type, id_, inputs)
            self._known.add((resource.urn, id_))
            if existing is None:
                way.make(self.client, id_, given, _secrets(inputs))
            elif _differing(given, existing):
                way.change(self.client, id_, given, {}, _secrets(inputs))
            found = way.find(self.client, id_, given) or {}
        return id_, self._shown(resource, inputs, found)

    def update(self, resource: Resource, id_: str, olds: Props, news: Props) -> Props:
        """Change an object in place.

        Raises:
            StandInError: Vault refuses.

        """
        way, given = _way(resource), cast("Props", plain(news))
        before = cast("Props", plain(self._given.get(resource.urn, {})))
        moved = [key for key in way.named(id_) if key in given and str(given[key]).strip("/") != way.named(id_)[key]]
        if moved:
            msg = f"{resource.name}: the rehearsal does not move a {resource.type} to another {moved[0]}. Replace it."
            raise StandInError(msg)
        gone = {key: value for key, value in before.items() if key not in given and key not in way.named(id_)}
        with _told(resource):
            way.change(self.client, id_, given, gone, _secrets(news))
            found = way.find(self.client, id_, given) or {}
        self.store(resource).put(f"{resource.type}|{id_}", resource.urn, resource.type, id_, news)
        return self._shown(resource, news, found)

    def read(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> tuple[Props, Props] | None:
        """Return an object as the server has it, with the marks of what is known of it; `None` where it is gone.

        Raises:
            StandInError: Vault refuses.

        """
        way = _way(resource)
        self._known.add((resource.urn, id_))
        with _told(resource):
            found = way.find(self.client, id_, cast("Props", plain(inputs)))
        if found is None:
            return None
        if not inputs and not properties:
            facts = self.facts(resource).inputs
            named = way.named(id_)
            inputs = named | {k: v for k, v in found.items() if k in facts and k not in named and v not in _EMPTY}
            self.store(resource).put(f"{resource.type}|{id_}", resource.urn, resource.type, id_, inputs)
        else:
            inputs = self._drifted(resource, inputs, found, cast("Props", plain(properties)))
        marked = self._marked(resource, inputs)
        outputs = mark_like(self._shown(resource, marked, found), properties)
        return cast("Props", outputs), cast("Props", mark_like(marked, inputs))

    def delete(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> None:
        """Remove an object; one that is gone already is no error.

        Raises:
            StandInError: Vault refuses.

        """
        del inputs, properties
        with _told(resource):
            _way(resource).remove(self.client, id_)
        self.store(resource).remove(f"{resource.type}|{id_}")

    def _drifted(self, resource: Resource, inputs: Props, found: Props, before: Props) -> Props:
        """Return the inputs with what somebody has changed on the server.

        What the server filled in by itself stood among the outputs from the start; only what differs from them now is
        somebody's doing.
        """
        result = dict(inputs)
        for key, value in inputs.items():
            if key in found and not same(plain(value), found[key]):
                result[key] = rewrap(found[key], value)
        known = self.facts(resource).inputs
        for key, value in found.items():
            if key not in inputs and key in known and value not in _EMPTY and not same(before.get(key), value):
                result[key] = value
        return result

    def _shown(self, resource: Resource, inputs: Props, found: Props) -> Props:
        """Return the outputs: inputs as given, and whatever else the server says."""
        facts = self.facts(resource)
        result: Props = {key: value for key, value in found.items() if key in facts.outputs and value is not None}
        for output in facts.computed(frozenset(inputs)):
            if output.name not in result:  # nothing that the server has: the program reads the type's own nothing
                result[output.name] = kinds.of_type(output.type, output.name, lambda _: b"")
                if isinstance(result[output.name], str):
                    result[output.name] = ""
        return self._marked(resource, {**result, **inputs})


def _way(resource: Resource) -> Way:
    return way_of(resource, WAYS, "a real OpenBao", "rehearsal/plugins/vault_ways.py")


def _refuse_foreign(resource: Resource, id_: str, noted: str | None, differing: list[str]) -> None:
    """Refuse to take what another resource made, or what nobody here made and is not what it should be."""
    if noted is not None and noted != resource.urn:
        msg = (
            f"{resource.type} {id_} already exists: {noted.rsplit('::', 1)[1]} of this stack made it. "
            "Give one of the two another name."
        )
        raise StandInError(msg)
    if noted is not None and "type" in differing:
        # As the official provider, which finds the path in use: an engine cannot become another one.
        msg = f"{resource.name}: {id_} exists with another type. Give the resource `delete_before_replace`."
        raise StandInError(msg)
    if noted is None and differing:
        msg = (
            f"{resource.name}: {id_} already exists in Vault, this stack did not make it, and it differs in "
            f"{', '.join(differing)}. Give it another name, or take it over: "
            f"`pulumi import {resource.type} {resource.name} {id_}`."
        )
        raise StandInError(msg)


def _differing(given: Props, existing: Props) -> list[str]:
    return [key for key, value in given.items() if key in existing and not same(value, existing[key])]


def _secrets(inputs: Props) -> set[str]:
    """Return every text below a secret mark: none of them may stand in an error."""
    marked = [value for value in inputs.values() if isinstance(value, Secret)]
    return {str(leaf) for value in marked for _, leaf in leaves(value) if isinstance(leaf, str)}


def _nested(value: Any) -> Props:
    """Return a part of the provider's configuration, which the engine hands over as JSON."""
    value = plain(value)
    if isinstance(value, str) and value:
        value = json.loads(value)
    return cast("Props", value) if isinstance(value, dict) else {}


@contextmanager
def _told(resource: Resource | None = None) -> Generator[None]:
    """Turn what Vault says into a message of the plugin, with the resource that it is about."""
    try:
        yield
    except VaultError as error:
        msg = f"{resource.name}: {error}" if resource else str(error)
        raise StandInError(msg) from None
