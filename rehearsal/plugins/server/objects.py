"""Objects on the server: tried, made, changed, read and removed as one identity, with server-side apply."""

from __future__ import annotations

import time
from typing import Any

from rehearsal.plugins.server import apply, drift, ownership, waiting
from rehearsal.plugins.server.client import Client, Object
from rehearsal.plugins.server.discovery import Discovery, Served
from rehearsal.plugins.server.errors import ApiError
from rehearsal.plugins.standin import Resource, StandInError
from rehearsal.plugins.values import Props, at, plain

_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
_LATE = 10.0
"""Seconds in which a namespace or a definition may still come that another part of the run makes."""
SERVER_MADE = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")


class Objects:
    """What one provider resource can do on the server. `own` is the field manager of the resource that asks."""

    def __init__(self, client: Client, config: Props) -> None:
        """Ask as the client's identity, under a provider's configuration."""
        self.client = client
        self.kinds = Discovery(client)
        self._forces = apply.forced({}, config)
        self._upserts = str(plain(config.get("upsertExistingObjects"))).lower() == "true"

    # Dry runs.

    def try_new(self, what: str, inputs: Props, own: str, *, replaced: bool) -> Object | None:
        """Return what making an object would give, less what the real one will have otherwise.

        `None`: the server does not know the kind yet. `replaced`: the engine knows an object of this name, and will
        delete it first.

        Raises:
            ApiError: the server would refuse it.
            StandInError: it exists already.

        """
        served = self.kinds.find(*kind_of(inputs))
        if served is None:
            return None
        namespace, name = place_of(inputs)
        content = apply.body(inputs)
        try:
            live = self._dry(served.path(namespace, name), content, own)
        except ApiError as error:
            if not error.immutable:
                raise
            # An object that is to be replaced still stands in its way: as officially, under another name then.
            other = {**content, "metadata": {**content["metadata"], "name": f"{name}-preview"}}
            live = self._dry(served.path(namespace, f"{name}-preview"), other, own)
            live = {**live, "metadata": {**live["metadata"], "name": name}}
        if _others(live, own) and not replaced and not self._upserts:
            self._refuse_foreign(what, served.path(namespace, name), own)
        return _as_planned(live, content)

    def _refuse_foreign(self, what: str, path: str, own: str) -> None:
        before = self.client.find(path)
        others = _others(before, own) if before is not None else []
        # One of another Pulumi resource may be about to go in the same run.
        pulumi = any(other.startswith("pulumi-kubernetes") for other in others)
        if before is not None and not ownership.applied_by(before, own) and not pulumi:
            raise StandInError(_exists(what, others))

    def _dry(self, path: str, content: Object, own: str) -> Object:
        return apply.apply(self.client, path, content, own, force=True, dry_run=True)

    def try_change(self, inputs: Props, own: str, ignored: tuple[str, ...]) -> Object | None:
        """Return what changing an object would give; `None` where the server does not know the kind.

        Raises:
            ApiError: the server would refuse it.

        """
        served = self.kinds.find(*kind_of(inputs))
        if served is None:
            return None
        path = served.path(*place_of(inputs))
        live = self.client.get(path)
        content = apply.keep_ignored(apply.body(inputs), live, own, ignored)
        # What was done with kubectl is taken over before the real apply, which a dry run cannot do.
        force = self._forced(inputs) or bool(ownership.by_hand(live, own))
        return apply.apply(self.client, path, content, own, force=force, dry_run=True)

    # The real thing.

    def make(self, what: str, resource: Resource, inputs: Props, own: str) -> tuple[str, Object]:
        """Make an object, or adopt the one that this resource made before; return its path too.

        Raises:
            ApiError: the server refuses it.
            StandInError: somebody else made it, or the server does not know its kind.

        """
        path = self._served(what, inputs).path(*place_of(inputs))
        before = self.client.find(path)
        if before is not None and before["metadata"].get("deletionTimestamp"):
            self._until_gone(what, path, before, resource, inputs)
            before = None
        if before is not None and not self._upserts and not ownership.applied_by(before, own):
            raise StandInError(_exists(what, _others(before, own)))
        content, force = apply.body(inputs), self._forced(inputs)
        end = time.monotonic() + _LATE
        while True:
            try:
                return path, apply.apply(self.client, path, content, own, force=force)
            except ApiError as error:
                # Its namespace may be made beside it; the official provider waits for that too.
                if error.code != 404 or time.monotonic() >= end:
                    raise
            self.client.pause(1)

    def change(
        self, what: str, inputs: Props, own: str, *, before: str, ignored: tuple[str, ...]
    ) -> tuple[str, Object]:
        """Change an object in place; `before` was its field manager until now. Return its path too.

        Raises:
            ApiError: the server refuses it.
            StandInError: it is gone.

        """
        path = self._served(what, inputs).path(*place_of(inputs))
        live = self.client.find(path)
        if live is None:
            msg = f"{what} is gone: somebody deleted it. Run `pulumi refresh`, then it is made again."
            raise StandInError(msg)
        live = apply.take_over(self.client, path, live, own)
        content = apply.keep_ignored(apply.body(inputs), live, own, ignored)
        live = apply.apply(self.client, path, content, own, force=self._forced(inputs))
        if before != own and ownership.applied_by(live, before):
            apply.relinquish(self.client, path, live, before)
        return path, live

    def remove(
        self, what: str, resource: Resource, inputs: Props, place: tuple[str | None, str], own: str, uid: Any
    ) -> None:
        """Delete the object that this resource made, and wait until it is gone; one that is gone is no error."""
        served = self.kinds.find(*kind_of(inputs))
        if served is None:  # its definition is gone, and with it every object
            return
        path = served.path(*place)
        live = self.client.find(path)
        # One of the same name that somebody else made after ours was deleted stays.
        if live is None or (live["metadata"]["uid"] != uid and not ownership.applied_by(live, own)):
            return
        policy = (waiting.annotation(inputs, _PROPAGATION) or "foreground").capitalize()
        precondition = {"uid": live["metadata"]["uid"]}
        options = {
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy, "preconditions": precondition,
        }  # fmt: skip
        try:
            self.client.request("DELETE", path, body=options)
        except ApiError as error:
            if error.code in (404, 409):  # gone already, or another one by now
                return
            if error.code == 403 and served.plural == "namespaces":
                # Those that Kubernetes itself needs cannot go: give back what was set, as the official provider does.
                apply.relinquish(self.client, path, live, own)
                return
            raise
        if not waiting.skipped(inputs):
            self._until_gone(what, path, live, resource, inputs)

    def read(self, kind: tuple[str, str], place: tuple[str | None, str]) -> tuple[str, Object] | None:
        """Return an object's path and the object; `None` where it is gone or about to go."""
        served = self.kinds.find(*kind)
        live = self.client.find(served.path(*place)) if served else None
        if served is None or live is None or live["metadata"].get("deletionTimestamp"):
            return None
        return served.path(*place), live

    def with_drift(self, path: str, live: Object, inputs: Props, own: str) -> Props:
        """Return inputs with what was changed by hand put in."""
        try:
            again = self._dry(path, apply.body(inputs), own)
        except ApiError as error:
            if error.code in (401, 429) or error.code >= 500:
                raise
            # A field that cannot change was changed, or this identity may only look: compare with the inputs.
            again = apply.body(inputs)
        found = drift.project(inputs, live, again)
        return drift.fold_secret(found, live, again) if plain(inputs.get("kind")) == "Secret" else found

    def _forced(self, inputs: Props) -> bool:
        return self._forces or apply.forced(inputs, {})

    def _served(self, what: str, inputs: Props) -> Served:
        """Return where a kind lies; its definition may still be on its way.

        Raises:
            StandInError: the server does not know the kind.

        """
        api_version, kind = kind_of(inputs)
        end = time.monotonic() + _LATE
        while (served := self.kinds.find(api_version, kind)) is None:
            if time.monotonic() >= end:
                others = [other for other in self.kinds.groups(kind) if other != api_version]
                hint = f" It knows it in {', '.join(others)}." if others else ""
                msg = (
                    f"{what}: the API server knows no kind {kind} in {api_version}.{hint} Let the resource depend on "
                    "what brings its definition, or correct apiVersion and kind."
                )
                raise StandInError(msg)
            self.client.pause(1)
        return served

    def _until_gone(self, what: str, path: str, live: Object, resource: Resource, inputs: Props) -> None:
        limit = waiting.allowed(resource, inputs, waiting.DELETION_SECONDS)
        try:
            waiting.until_gone(self.client, path, str(live["metadata"]["uid"]), limit)
        except waiting.NotReadyError as error:
            msg = f"{what} is being deleted, but {error}."
            raise StandInError(msg) from None


def kind_of(props: Props) -> tuple[str, str]:
    """Return API version and kind."""
    return str(plain(props.get("apiVersion"))), str(plain(props.get("kind")))


def kind_of_type(token: str) -> tuple[str, str]:
    """Return API version and kind of a type token such as `kubernetes:apps/v1:Deployment`."""
    _, module, kind = token.split(":")
    return module.removeprefix("core/"), kind


def place_of(inputs: Props) -> tuple[str | None, str]:
    """Return namespace and name that inputs give."""
    return plain(at(inputs, ("metadata", "namespace"))), str(plain(at(inputs, ("metadata", "name"))))


def as_inputs(live: Object) -> Props:
    """Return an object as a program would write it: for an import."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in SERVER_MADE}
    return {key: value for key, value in live.items() if key != "status"} | {"metadata": metadata}


def _as_planned(live: Object, content: Object) -> Object:
    """Take out of a dry run what the real one will have otherwise: identity, times, addresses, status."""
    planned = as_inputs(live)
    asked: Object = content.get("spec") or {}
    if live.get("kind") == "Service" and not asked.get("clusterIP"):
        addresses = ("clusterIP", "clusterIPs", "healthCheckNodePort")
        given: list[Object] = live["spec"].get("ports") or []
        ports = [{k: v for k, v in port.items() if k != "nodePort"} for port in given]
        planned["spec"] = {k: v for k, v in live["spec"].items() if k not in addresses} | {"ports": ports}
    return planned


def _others(live: Object, own: str) -> list[str]:
    return sorted({str(entry.get("manager")) for entry in ownership.managers(live)} - {own})


def _exists(what: str, others: list[str]) -> str:
    return (
        f"{what} already exists; its fields are managed by {', '.join(others) or 'nobody'}. Give this one another "
        "name, import the one that is there (`pulumi import`), or use a provider with upsert_existing_objects."
    )
