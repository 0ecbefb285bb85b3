"""What all providers of a rehearsal share, and what all stand-ins do: exist, adopt, refuse. Knows nothing of gRPC."""

from __future__ import annotations

import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

from rehearsal.backends import endpoints
from rehearsal.backends.endpoints import Endpoints
from rehearsal.plugins.changes import Difference
from rehearsal.plugins.store import Record, Store
from rehearsal.plugins.values import Props, mark_like

Way = TypeVar("Way")
_FOLDER_NAME = re.compile(r"[^\w.-]+")


class StandInError(Exception):
    """A request that cannot be met. The text is shown to the user as it is, so it must hold no value."""


@dataclass(frozen=True)
class Resource:
    """A resource as the program names it."""

    urn: str
    type: str
    timeout: float = 0
    """Seconds that the program allows for this operation; 0 where it says nothing."""
    ignored: tuple[str, ...] = ()
    """Properties whose changes the program ignores (`ignore_changes`)."""

    @property
    def stack(self) -> str:
        """Name of the stack that it belongs to."""
        return self.urn.split("::")[0].removeprefix("urn:pulumi:")

    @property
    def name(self) -> str:
        """Logical name in the program."""
        return self.urn.rsplit("::", 1)[1]


class UnreadyError(StandInError):
    """An object was made, but did not become ready. The engine keeps it in its state and tries again next time."""

    def __init__(self, message: str, id_: str, outputs: Props, inputs: Props) -> None:
        """Say why, and what there is."""
        super().__init__(message)
        self.id = id_
        self.outputs = outputs
        self.inputs = inputs


@dataclass
class Checked:
    """Inputs with names and defaults filled in, and what is wrong with them."""

    inputs: Props
    failures: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Property and reason."""


@dataclass(frozen=True)
class Place:
    """Where a rehearsal lies on disk; read from the environment, which the engine hands to its plugins."""

    workspace: Path
    out: Path
    key: bytes

    @classmethod
    def of_environment(cls) -> Place:
        """Return the rehearsal that this process was started for.

        Raises:
            StandInError: there is none, or the engine works on another backend: a stand-in pretends to make things, so
                a state that people rely on must never hold what it says.

        """
        workspace = os.environ.get("KADE_REHEARSAL", "")
        backend = os.environ.get("PULUMI_BACKEND_URL", "")
        if not workspace or not _is_own(backend, Path(workspace)):
            msg = (
                "This is a stand-in plugin of Kade's rehearsal: it makes nothing real, and works only on a rehearsal's "
                f"own backend. This run's backend is {backend or 'not set by PULUMI_BACKEND_URL'}. For a real target, "
                "leave the rehearsal's shell and use a PULUMI_HOME with the official plugins; for a rehearsal, use "
                "`make shell` or `make sandbox`."
            )
            raise StandInError(msg)
        root = Path(workspace)
        return cls(root, Path(os.environ.get("KADE_OUT", root.parent.parent / "out")), (root / "key").read_bytes())

    def back_ends(self) -> Endpoints | None:
        """Return the real back ends of this rehearsal; `None` where it runs on stand-ins alone.

        Raises:
            StandInError: they are those of another version of Kade.

        """
        return _back_ends(self.workspace)


def _back_ends(workspace: Path) -> Endpoints | None:
    try:
        return endpoints.load(workspace)
    except endpoints.EndpointsError as error:
        raise StandInError(str(error)) from None


def _is_own(backend: str, workspace: Path) -> bool:
    """Say whether a state backend is the rehearsal's: its own folder, or a server among its back ends."""
    if backend.startswith("file://"):
        return Path(backend[7:].partition("?")[0]).resolve() == (workspace / "backend").resolve()
    found = _back_ends(workspace)
    servers = (found.postgres, found.object_store) if found else ()
    return any(state is not None and state.url == backend for state in servers)


class Provider(ABC):
    """One provider resource of one run, as the engine sees it, wherever its objects are."""

    name: ClassVar[str]
    """Package name, for example `vsphere`."""
    package: ClassVar[str]
    """Python package of its SDK."""

    def __init__(self, place: Place) -> None:
        """Serve one provider resource of one run."""
        self.place = place
        self.config: Props = {}

    def configured(self, config: Props) -> Provider:
        """Take the configuration, and return who answers from now on: this provider, or one on a real back end."""
        self.config = config
        return self

    @abstractmethod
    def checked(self, resource: Resource, olds: Props, news: Props) -> Checked:
        """Check inputs; `olds` are those that the engine knows."""

    @abstractmethod
    def diff(self, resource: Resource, id_: str, olds: Props, news: Props) -> Difference:
        """Compare old and new inputs."""

    @abstractmethod
    def planned(self, resource: Resource, inputs: Props, olds: Props | None) -> Props:
        """Return the outputs at preview: unknown where the official provider's are. `olds` are outputs before."""

    @abstractmethod
    def create(self, resource: Resource, inputs: Props) -> tuple[str, Props]:
        """Make an object, or adopt the one that a killed run of this resource has left; return id and outputs."""

    @abstractmethod
    def update(self, resource: Resource, id_: str, olds: Props, news: Props) -> Props:
        """Change an object in place. `olds` are its outputs before."""

    @abstractmethod
    def read(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> tuple[Props, Props] | None:
        """Return outputs and inputs of an object, secrets marked; `None` where it does not exist.

        With nothing but an id this is an import.
        """

    @abstractmethod
    def delete(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> None:
        """Remove an object; one that is gone already is no error."""

    def invoke(self, token: str, arguments: Props) -> Props:
        """Answer a function of the provider."""
        del arguments
        msg = f"The rehearsal's stand-in for {self.name} does not answer {token}."
        raise StandInError(msg)

    def cancel(self) -> None:  # noqa: B027  # optional on purpose
        """Cut short what is being waited for. By default nothing is: no stand-in waits."""


class StandIn(Provider):
    """One stand-in. A subclass says what its resources look like; making, adopting and removing is done here."""

    def __init__(self, place: Place) -> None:
        """Serve one provider resource of one run."""
        super().__init__(place)
        self._stores: dict[str, Store] = {}
        self._known: set[tuple[str, str]] = set()
        self._mentioned: set[str] = set()
        self._latency = float(os.environ.get("KADE_REHEARSAL_LATENCY", "0"))

    # What a provider says.

    @abstractmethod
    def check(self, resource: Resource, olds: Props, news: Props) -> Checked:
        """Return the inputs with names and defaults filled in; names come from `olds` where there are any."""

    @abstractmethod
    def difference(self, resource: Resource, olds: Props, news: Props) -> Difference:
        """Compare old and new inputs."""

    @abstractmethod
    def identity(self, resource: Resource, inputs: Props) -> tuple[str, str] | None:
        """Return key and id of the object that these inputs name, or `None` where only the back end decides."""

    @abstractmethod
    def new_id(self, resource: Resource, inputs: Props, record: Record) -> str:
        """Return the id of an object that has just been made, where `identity` gave none."""

    @abstractmethod
    def outputs(self, resource: Resource, inputs: Props, record: Record, olds: Props | None) -> Props:
        """Return the outputs of an object that exists, secrets marked. `olds` are its outputs before an update."""

    def applied(self, resource: Resource, inputs: Props) -> None:
        """Do what must be done besides remembering; called after create and update."""
        del resource, inputs

    def heal(self, resource: Resource, inputs: Props) -> None:
        """Do `applied` again where its result is gone: somebody deleted it by hand, as `rm -r out` does."""
        del resource, inputs

    def removed(self, resource: Resource, inputs: Props) -> None:
        """Undo `applied`."""
        del resource, inputs

    # What the engine asks.

    def scope(self) -> str:
        """Return what separates this provider's objects from those of another one of the same stack."""
        return self.name

    def store(self, resource: Resource) -> Store:
        """Return the objects of a resource's stack."""
        if resource.stack not in self._stores:
            folder = self.place.workspace / "objects" / resource.stack / _FOLDER_NAME.sub("-", self.scope())
            self._stores[resource.stack] = Store(folder, self.place.key)
        return self._stores[resource.stack]

    def checked(self, resource: Resource, olds: Props, news: Props) -> Checked:
        """Check inputs, and learn whether the engine knows the resource."""
        if olds:
            self._mentioned.add(resource.urn)
        return self.check(resource, olds, news)

    def diff(self, resource: Resource, id_: str, olds: Props, news: Props) -> Difference:
        """Compare, and learn that the engine knows this object."""
        self.know(resource, id_)
        if self._find(resource, id_) is not None:
            self.heal(resource, olds)
        return self.difference(resource, olds, news)

    def create(self, resource: Resource, inputs: Props) -> tuple[str, Props]:
        """Make an object, or adopt the one that a killed run of this resource has left."""
        store = self.store(resource)
        named = self.identity(resource, inputs)
        left = self._left_behind(resource)
        if named is not None:
            key, id_ = named
            existing = store.get(key)
            if existing is not None and existing.urn != resource.urn:
                msg = (
                    f"{resource.type} {id_} already exists: {existing.urn.rsplit('::', 1)[1]} of this stack made it. "
                    "Give one of the two another name."
                )
                raise StandInError(msg)
            record = store.put(key, resource.urn, resource.type, id_, inputs)
        elif left is not None:
            key, record = left
            record = store.put(key, resource.urn, resource.type, record.id, inputs)
        else:
            time.sleep(self._latency)
            nonce = os.urandom(16).hex()
            draft = Record(resource.urn, resource.type, "", nonce, "", "", 1, {})
            id_ = self.new_id(resource, inputs, draft)
            # Several objects may have one id, as all Talos secrets have: the nonce keeps them apart.
            record = store.put(f"{resource.type}|{id_}|{nonce}", resource.urn, resource.type, id_, inputs, nonce)
        if named is not None:
            time.sleep(self._latency)
        self.know(resource, record.id)
        self.applied(resource, inputs)
        return record.id, self.outputs(resource, inputs, record, None)

    def update(self, resource: Resource, id_: str, olds: Props, news: Props) -> Props:
        """Change an object in place."""
        self.know(resource, id_)
        found = self._find(resource, id_)
        key = found[0] if found is not None else f"{resource.type}|{id_}"
        record = self.store(resource).put(key, resource.urn, resource.type, id_, news)
        self.applied(resource, news)
        return self.outputs(resource, news, record, olds)

    def read(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> tuple[Props, Props] | None:
        """Return outputs and inputs of an object, secrets marked; `None` where it does not exist.

        With nothing but an id this is an import: secret values come back as digests, because only those are kept.
        """
        self.know(resource, id_)
        found = self._find(resource, id_)
        if found is None:
            return None
        record = found[1]
        if not inputs and not properties:
            known = self.check(resource, record.inputs, record.inputs).inputs
            return self.outputs(resource, known, record, None), known
        marked = self.check(resource, inputs, inputs).inputs
        return mark_like(self.outputs(resource, marked, record, properties), properties), mark_like(marked, inputs)

    def delete(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> None:
        """Remove an object; one that is gone already is no error."""
        inputs = inputs or properties
        time.sleep(self._latency)
        found = self._find(resource, id_)
        if found is not None:
            self.store(resource).remove(found[0])
        self.removed(resource, inputs)

    def names_left_behind(self, resource: Resource) -> Props:
        """Return the inputs of the object that a killed run of this resource has left, or nothing."""
        left = self._left_behind(resource)
        return left[1].inputs if left is not None else {}

    def know(self, resource: Resource, id_: str) -> None:
        """Learn that the engine knows an object: no killed run has left it."""
        self._known.add((resource.urn, id_))

    def knows(self, resource: Resource, id_: str) -> bool:
        """Say whether the engine has mentioned an object of a resource in this run."""
        return (resource.urn, id_) in self._known

    def _left_behind(self, resource: Resource) -> tuple[str, Record] | None:
        """Find an object of this resource that the engine has never mentioned: a killed run made it."""
        if resource.urn in self._mentioned and not any(urn == resource.urn for urn, _ in self._known):
            return None  # a forced replacement: the engine knows the old object but has not said its id
        made = self.store(resource).made_by(resource.urn)
        return next(((k, r) for k, r in made if (resource.urn, r.id) not in self._known), None)

    def _find(self, resource: Resource, id_: str) -> tuple[str, Record] | None:
        """Find an object that the engine knows by its id.

        A resource may have another URN than when it made the object (an alias), so the id decides; only where several
        objects have one id, as all Talos secrets have, the URN does.
        """
        found = self.store(resource).with_id(resource.type, id_)
        return found[0] if len(found) == 1 else next((f for f in found if f[1].urn == resource.urn), None)


def way_of(resource: Resource, ways: Mapping[str, Way], where: str, file: str) -> Way:
    """Return how a type is made in a back end.

    Raises:
        StandInError: the rehearsal does not know; the text says which types it knows, and which file to add it to.

    """
    if resource.type not in ways:
        msg = (
            f"{resource.name}: the rehearsal cannot make a {resource.type} in {where} yet. It can make "
            f"{', '.join(sorted(ways))}. Add the type to {file}."
        )
        raise StandInError(msg)
    return ways[resource.type]
