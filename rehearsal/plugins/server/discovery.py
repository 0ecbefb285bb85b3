"""Which kinds the API server knows, where they lie, and whether they have namespaces."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.plugins.server.client import Client, Object, segment

_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_AGAIN = 1.0
"""Seconds before the server is asked again for a kind that it did not know: a new definition takes that long."""


@dataclass(frozen=True)
class Served:
    """One kind."""

    prefix: str
    """Path of its group and version, for example `/apis/apps/v1`."""
    plural: str
    namespaced: bool

    def collection(self, namespace: str | None) -> str:
        """Return the path of all objects of the kind, or of those in one namespace."""
        within = f"/namespaces/{segment(namespace)}" if self.namespaced and namespace else ""
        return f"{self.prefix}{within}/{self.plural}"

    def path(self, namespace: str | None, name: str) -> str:
        """Return the path of one object."""
        return f"{self.collection(namespace or 'default')}/{segment(name)}"


class Discovery:
    """The kinds of one server, asked for once in a run and again for what was not there."""

    def __init__(self, client: Client) -> None:
        """Ask on the first use."""
        self._client = client
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str], Served] = {}
        self._asked: float | None = None

    def find(self, api_version: str, kind: str) -> Served | None:
        """Return where a kind lies, or `None` where the server does not know it."""
        with self._lock:
            found = self._kinds.get((api_version, kind))
            if found is None and (self._asked is None or time.monotonic() - self._asked >= _AGAIN):
                self._kinds = self._ask()
                self._asked = time.monotonic()
                found = self._kinds.get((api_version, kind))
            return found

    def groups(self, kind: str) -> list[str]:
        """Return the API versions that know a kind, for messages."""
        with self._lock:
            return sorted(version for version, known in self._kinds if known == kind)

    def _ask(self) -> dict[tuple[str, str], Served]:
        """Two requests for everything: the aggregated form of discovery."""
        self._client.await_ready()
        kinds: dict[tuple[str, str], Served] = {}
        for root in ("/api", "/apis"):
            for group in _list(self._client.get(root, accept=_ACCEPT).get("items")):
                name = str(cast("Object", group.get("metadata") or {}).get("name") or "")
                for version in _list(group.get("versions")):
                    api = f"{name}/{version['version']}" if name else str(version["version"])
                    for resource in _list(version.get("resources")):
                        kind = cast("Object", resource.get("responseKind") or {}).get("kind")
                        if kind:
                            served = Served(
                                f"{root}/{api}", str(resource["resource"]), resource.get("scope") == "Namespaced"
                            )
                            kinds[api, str(kind)] = served
        return kinds


def _list(value: Any) -> list[Object]:
    return cast("list[Object]", value) if isinstance(value, list) else []
