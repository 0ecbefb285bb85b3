"""Whether an API server with the projects' own definitions takes an object, field by field, without keeping it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rehearsal.backends.api import ApiError, Client, Object, dig

MANAGER = "kade-schemas"


@dataclass(frozen=True)
class Refused:
    """One object that the server does not take."""

    where: str
    """Where it comes from, as who asked calls it."""
    object: str
    """Kind, namespace and name."""
    why: str
    """The server's own words; they name the field."""


def refused(client: Client, manifests: Iterable[tuple[str, Object]]) -> list[Refused]:
    """Return what the server would refuse, with unknown and doubled fields.

    Nothing is kept but the namespaces that the objects name: into one that is not there nothing can be tried.

    Raises:
        ApiError: the server is gone.

    """
    known: set[str] = set()
    found: list[Refused] = []
    for where, manifest in manifests:
        namespace = dig(manifest, "metadata", "namespace")
        if isinstance(namespace, str) and namespace not in known:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            client.apply(f"/api/v1/namespaces/{namespace}", body, MANAGER)
            known.add(namespace)
        try:
            client.apply(client.path_of(manifest), manifest, MANAGER, dry_run=True)
        except ApiError as error:
            if error.status == 0:
                raise
            name = "/".join(str(part) for part in (namespace, dig(manifest, "metadata", "name")) if part)
            found.append(Refused(where, f"{manifest.get('kind')} {name}", str(error)))
    return found
