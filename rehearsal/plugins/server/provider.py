"""The Kubernetes provider on the rehearsal's API server: what the engine asks, answered by the server.

Names, checks and the rules of replacing are the stand-in's. Follows the official provider with server-side apply; where
it differs: the field manager's name follows from the URN, an object of the same resource that a killed run has left is
adopted, outputs leave out `managedFields`, and only an object that this resource made is deleted.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property

from rehearsal.backends import endpoints
from rehearsal.plugins.changes import Difference
from rehearsal.plugins.kubernetes import AUTONAMED, RELEASE, Kubernetes
from rehearsal.plugins.server import apply, ownership, waiting
from rehearsal.plugins.server.client import Client, Object
from rehearsal.plugins.server.errors import ApiError, CancelledError, UnreachableError
from rehearsal.plugins.server.kubeconfig import access
from rehearsal.plugins.server.objects import Objects, as_inputs, kind_of, kind_of_type
from rehearsal.plugins.server.releases import Releases, names, status
from rehearsal.plugins.standin import Place, Resource, StandInError, UnreadyError
from rehearsal.plugins.values import Props, Unknown, at, has_unknown, mark, mark_like, plain


class KubernetesServer(Kubernetes):
    """One provider resource, and with it one identity at the API server."""

    def __init__(self, place: Place, endpoint: endpoints.Kubernetes, config: Props) -> None:
        """Serve a configuration; the server is asked when there is something to ask."""
        super().__init__(place)
        self.config = config
        self._endpoint = endpoint
        self._cancelled = False

    @cached_property
    def client(self) -> Client:
        """The API server, as this provider's identity.

        Raises:
            StandInError: the provider's kubeconfig is none.
            UnreachableError: nobody can say yet who asks.

        """
        kubeconfig = plain(self.config.get("kubeconfig"))
        if kubeconfig is None or isinstance(kubeconfig, Unknown):
            msg = "The provider has no kubeconfig. Give it the cluster's, from the layer before."
            raise StandInError(msg)
        # The organisation's address stays in the program and its state; only here it is bound to this machine.
        client = Client(access(str(kubeconfig), plain(self.config.get("context"))), self._endpoint.server)
        if self._cancelled:
            client.cancel()
        return client

    @cached_property
    def objects(self) -> Objects:
        """The objects on the server."""
        return Objects(self.client, self.config)

    @cached_property
    def releases(self) -> Releases:
        """The Helm releases."""
        return Releases(self.client, lambda text: self.store(Resource("urn:pulumi:::", RELEASE)).digest(text))

    def scope(self) -> str:
        """Only names that were made up are remembered here; the objects are on the server."""
        return "kubernetes-names"

    def cancel(self) -> None:
        """End every wait."""
        self._cancelled = True
        if "client" in self.__dict__:
            self.client.cancel()

    def scoped(self, api_version: str, kind: str) -> bool:
        """Ask the server; where it does not know, decide by name."""
        try:
            served = self.objects.kinds.find(api_version, kind)
        except (ApiError, UnreachableError, CancelledError):
            served = None
        return super().scoped(api_version, kind) if served is None else not served.namespaced

    def diff(self, resource: Resource, id_: str, olds: Props, news: Props) -> Difference:
        """Compare inputs, as the official provider does; what was changed by hand comes in by a refresh."""
        self.know(resource, id_)
        return self.difference(resource, olds, news)

    def planned(self, resource: Resource, inputs: Props, olds: Props | None) -> Props:
        """Return what the server says would come of it; without server, namespace or kind only what is known."""
        fallback = super().planned(resource, inputs, olds)
        if resource.type == RELEASE or has_unknown(inputs):
            return fallback
        what, own = self._what(resource, inputs), ownership.manager(resource.urn, inputs, olds or {})
        try:
            if olds is None:
                replaced = self.knows(resource, self._key(resource, inputs)[1])
                live = self.objects.try_new(what, inputs, own, replaced=replaced)
            else:
                live = self.objects.try_change(inputs, own, resource.ignored)
        except (UnreachableError, CancelledError):
            return fallback
        except ApiError as error:
            # What is missing may be made in this very run, rights too; the official provider is silent about these.
            if error.namespace_missing or error.code in (401, 403, 404) or "does not support dry run" in error.message:
                return fallback
            raise StandInError(apply.refusal(error, what, inputs)) from None
        return fallback if live is None else _outputs(live, inputs, olds or {}, own)

    def create(self, resource: Resource, inputs: Props) -> tuple[str, Props]:
        """Make an object, or adopt the one that a killed run of this resource has left."""
        own = ownership.manager(resource.urn, inputs, {})
        key, id_ = self._key(resource, inputs)
        what = self._what(resource, inputs)
        with _told(what, inputs):
            if resource.type == RELEASE:
                return id_, self._install(what, inputs, own, fresh=True)
            if plain(at(inputs, ("metadata", "annotations", AUTONAMED))) == "true":
                # Written before the call: a killed run must find the name again that it has made up.
                self.store(resource).put(key, resource.urn, resource.type, id_, inputs)
            path, live = self.objects.make(what, resource, inputs, own)
        self.know(resource, id_)
        return id_, self._ready(resource, id_, path, live, inputs, {}, own)

    def update(self, resource: Resource, id_: str, olds: Props, news: Props) -> Props:
        """Change an object in place."""
        self.know(resource, id_)
        what, own = self._what(resource, news), ownership.manager(resource.urn, news, olds)
        with _told(what, news):
            if resource.type == RELEASE:
                return self._install(what, news, own, fresh=False)
            before = ownership.manager(resource.urn, {}, olds)
            path, live = self.objects.change(what, news, own, before=before, ignored=resource.ignored)
        return self._ready(resource, id_, path, live, news, olds, own)

    def delete(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> None:
        """Remove the object that this resource made, and wait until it is gone."""
        known = inputs or properties
        what, own = self._what(resource, known), ownership.manager(resource.urn, inputs, properties)
        with _told(what, known):
            if resource.type == RELEASE:
                namespace, name = _parts(id_)
                self.releases.uninstall(namespace or "default", name)
            else:
                uid = plain(at(properties, ("metadata", "uid")))
                self.objects.remove(what, resource, known, _parts(id_), own, uid)
        self.store(resource).remove(self._key(resource, known)[0])

    def read(self, resource: Resource, id_: str, inputs: Props, properties: Props) -> tuple[Props, Props] | None:
        """Return an object as it is, and its inputs with what was changed by hand."""
        self.know(resource, id_)
        known = inputs or properties
        with _told(f"{resource.type} {id_} ({resource.name})", known):
            if resource.type == RELEASE:
                return self._read_release(resource, id_, inputs, properties)
            kind = kind_of(known) if known else kind_of_type(resource.type)
            there = self.objects.read(kind, _parts(id_))
            if there is None:
                return None
            path, live = there
            own = ownership.manager(resource.urn, inputs, properties)
            if not inputs:
                found = self.check(resource, {}, as_inputs(live)).inputs
            else:
                marked = self.check(resource, inputs, inputs).inputs
                found = self.objects.with_drift(path, live, marked, own)
        return _outputs(live, found, properties, own), mark_like(found, inputs)

    # Helm releases: played.

    def _install(self, what: str, inputs: Props, own: str, *, fresh: bool) -> Props:
        before = self.releases.find(*names(inputs)) if fresh else None
        if before is not None and not ownership.applied_by(before, own):
            msg = f"{what}: cannot re-use a name that is still in use. Give the release another name."
            raise StandInError(msg)
        record = self.releases.install(inputs, own)
        return {"resourceNames": {}, **inputs, "status": status(inputs, record)}

    def _read_release(
        self, resource: Resource, id_: str, inputs: Props, properties: Props
    ) -> tuple[Props, Props] | None:
        namespace, name = _parts(id_)
        record = self.releases.find(namespace or "default", name)
        if record is None:
            return None
        if not inputs:
            msg = f"{resource.type} {id_}: a played release has no values to import."
            raise StandInError(msg)
        outputs: Props = {"resourceNames": {}, **inputs, "status": status(inputs, record)}
        return mark_like(outputs, properties), inputs

    # Parts.

    def _key(self, resource: Resource, inputs: Props) -> tuple[str, str]:
        named = self.identity(resource, inputs)
        assert named is not None, "every object has a name"
        return named

    def _what(self, resource: Resource, inputs: Props) -> str:
        """Name a resource for people: kind, namespace, name and its name in the program."""
        kind = plain(inputs.get("kind")) or resource.type.rsplit(":", 1)[-1]
        return f"{kind} {self._key(resource, inputs)[1]} ({resource.name})"

    def _ready(
        self, resource: Resource, id_: str, path: str, live: Object, inputs: Props, olds: Props, own: str
    ) -> Props:
        try:
            live = waiting.until_ready(self.client, path, live, resource, inputs)
        except waiting.NotReadyError as error:
            msg = f"{self._what(resource, inputs)} is there, but {error}."
            raise UnreadyError(msg, id_, _outputs(error.live, inputs, olds, own), inputs) from None
        return _outputs(live, inputs, olds, own)


def _outputs(live: Object, inputs: Props, olds: Props, own: str) -> Props:
    """Return an object as the program sees it, marked secret wherever the inputs or the outputs before are."""
    metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    found: Props = mark_like(mark_like({**live, "metadata": metadata}, inputs), olds)
    if kind_of(live) == ("v1", "Secret"):
        for field in ("data", "stringData"):
            found = mark(found, (field,))
    return {**found, ownership.MANAGER: own}


def _parts(id_: str) -> tuple[str | None, str]:
    namespace, _, name = id_.rpartition("/")
    return namespace or None, name


@contextmanager
def _told(what: str, inputs: Props) -> Generator[None]:
    """Turn what the server says into one message."""
    try:
        yield
    except ApiError as error:
        raise StandInError(apply.refusal(error, what, inputs)) from None
    except UnreachableError as error:
        msg = f"{what}: {error}"
        raise StandInError(msg) from None
    except CancelledError:
        msg = f"{what}: interrupted. The next run goes on with it."
        raise StandInError(msg) from None
