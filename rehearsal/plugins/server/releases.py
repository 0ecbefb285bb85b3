"""Helm releases, played: recorded as Helm records them, so that `helm list` shows them; nothing of a chart is made.

Charts come from repositories that a rehearsal does not reach. What is real: the namespace, the right to write there,
the record with chart, version and revision. What is not: templates, hooks, workloads, and values, of which the record
holds a digest only, since values carry secrets. Every record says that it is played.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from rehearsal.plugins.server.apply import apply
from rehearsal.plugins.server.client import Client, Object, segment
from rehearsal.plugins.values import Props, canonical, plain

PLAYED = "kade.rehearsal/played"
"""Label of what only pretends to be there."""
_DIGEST = "kade.rehearsal/digest"
_SUPERSEDED = "superseded"
_FIRST = "kade.rehearsal/first"
_TYPE = "helm.sh/release.v1"
_SAID = "Played by Kade's rehearsal: recorded, not installed"


class Releases:
    """The releases that one identity may see."""

    def __init__(self, client: Client, digest: Callable[[str], str]) -> None:
        """Use a client; `digest` hides values."""
        self._client = client
        self._digest = digest

    def find(self, namespace: str, name: str) -> Object | None:
        """Return the newest record of a release, or `None` where there is none."""
        found = self._records(namespace, name)
        return max(found, key=_revision) if found else None

    def install(self, inputs: Props, manager: str) -> Object:
        """Record a release: the first revision, the next one, or the same where nothing differs."""
        namespace, name = names(inputs)
        if plain(inputs.get("createNamespace")) is True:
            self._ensure_namespace(namespace, manager)
        before = self.find(namespace, name)
        digest = self._digest(canonical({key: plain(value) for key, value in inputs.items()}))
        if before is not None and _annotations(before).get(_DIGEST) == digest:
            made = before
        else:
            revision = _revision(before) + 1 if before else 1
            first = _annotations(before).get(_FIRST) if before else None
            record = _record(inputs, revision, digest, first)
            path = f"{_secrets(namespace)}/{segment(record['metadata']['name'])}"
            made = apply(self._client, path, record, manager, force=True)
        self._supersede(namespace, name, _revision(made))
        return made

    def uninstall(self, namespace: str, name: str) -> None:
        """Remove every record of a release; the namespace stays, as with Helm."""
        for record in self._records(namespace, name):
            path = f"{_secrets(namespace)}/{segment(record['metadata']['name'])}"
            if self._client.find(path) is not None:
                self._client.request("DELETE", path)

    def _records(self, namespace: str, name: str) -> list[Object]:
        query = {"labelSelector": f"owner=helm,name={name}"}
        found = self._client.get(_secrets(namespace), query=query)
        head = {"apiVersion": "v1", "kind": "Secret"}
        return [{**head, **item} for item in cast("list[Object]", found.get("items") or [])]

    def _supersede(self, namespace: str, name: str, revision: int) -> None:
        """Keep older revisions as Helm does, marked as such."""
        for record in self._records(namespace, name):
            if _revision(record) < revision and _status(record) != _SUPERSEDED:
                path = f"{_secrets(namespace)}/{segment(record['metadata']['name'])}"
                release = _unpacked(record)
                release["info"]["status"] = _SUPERSEDED
                change = {"metadata": {"labels": {"status": _SUPERSEDED}}, "data": {"release": _packed(release)}}
                headers = {"Content-Type": "application/merge-patch+json"}
                self._client.request("PATCH", path, body=change, headers=headers)

    def _ensure_namespace(self, namespace: str, manager: str) -> None:
        if self._client.find(f"/api/v1/namespaces/{segment(namespace)}") is None:
            content = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            apply(self._client, f"/api/v1/namespaces/{segment(namespace)}", content, manager, force=False)


def names(inputs: Props) -> tuple[str, str]:
    """Return namespace and name of a release."""
    return str(plain(inputs.get("namespace")) or "default"), str(plain(inputs["name"]))


def status(inputs: Props, record: Object) -> Props:
    """Return what the provider tells of a release."""
    namespace, name = names(inputs)
    return {
        "name": name, "namespace": namespace, "status": _status(record), "chart": plain(inputs.get("chart")),
        "version": plain(inputs.get("version")) or "", "revision": _revision(record), "appVersion": "",
    }  # fmt: skip


def _secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{segment(namespace)}/secrets"


def _labels(record: Object) -> Object:
    return cast("Object", record["metadata"].get("labels") or {})


def _annotations(record: Object) -> Object:
    return cast("Object", record["metadata"].get("annotations") or {})


def _revision(record: Object) -> int:
    return int(_labels(record).get("version") or 0)


def _status(record: Object) -> str:
    return str(_labels(record).get("status") or "unknown")


def _record(inputs: Props, revision: int, digest: str, first: Any) -> Object:
    """Return a release's record: what Helm 3 calls its secret storage."""
    namespace, name = names(inputs)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    chart = {"apiVersion": "v2", "name": _chart_name(inputs), "version": str(plain(inputs.get("version")) or "0.0.0")}
    release: Object = {
        "name": name, "namespace": namespace, "version": revision, "manifest": "", "hooks": [],
        "config": {"kade-rehearsal": {"played": True, "digest": digest}},
        "chart": {"metadata": chart, "templates": [], "values": {}, "lock": None, "schema": None, "files": []},
        "info": {
            "first_deployed": first or now, "last_deployed": now, "deleted": "", "status": "deployed",
            "description": _SAID,
        },
    }  # fmt: skip
    labels = {"owner": "helm", "name": name, "status": "deployed", "version": str(revision), PLAYED: "true"}
    return {
        "apiVersion": "v1", "kind": "Secret", "type": _TYPE,
        "metadata": {
            "name": f"sh.helm.release.v1.{name}.v{revision}", "namespace": namespace, "labels": labels,
            "annotations": {_DIGEST: digest, _FIRST: first or now},
        },
        "data": {"release": _packed(release)},
    }  # fmt: skip


def _packed(release: Object) -> str:
    """Return a release as it stands in its Secret: in base64 once by Helm, and once more by Kubernetes."""
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode(), mtime=0))
    return base64.b64encode(packed).decode()


def _unpacked(record: Object) -> Object:
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(record["data"]["release"]))))


def _chart_name(inputs: Props) -> str:
    """Return the last part of a chart's name: it may be given with its repository."""
    return str(plain(inputs.get("chart"))).rstrip("/").rsplit("/", 1)[-1]
