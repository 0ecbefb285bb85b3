"""The GitOps engine, played: what the program renders for the organisation's repository is really applied.

It goes about it as Argo CD does: within the bounds of the project, in waves, each after the one before is healthy, by
server-side apply as `argocd-controller`, and what is gone from the folder goes from the cluster. There is no git: the
rendered folder is the repository.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from rehearsal.backends.api import ApiError, Client, Object, connect, dig, items, mapping
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.gitops_bounds import Bounds
from rehearsal.backends.gitops_health import waits_for
from rehearsal.backends.gitops_owned import APPLICATIONS, NAMESPACE, TRACKING, prune, rank
from rehearsal.backends.made_up import MadeUpError, fill

MANAGER = "argocd-controller"
WAVE = "argocd.argoproj.io/sync-wave"
WAVE_SECONDS = 120.0
"""Seconds that a wave may take to become healthy."""


class SyncError(Exception):
    """There is nothing to sync, or nothing to sync it with; the text says what to do."""


@dataclass(frozen=True)
class Refusal:
    """One object that did not go in, or did not become healthy."""

    file: str
    object: str
    """Kind, namespace and name."""
    what: str
    fields: tuple[str, ...] = ()
    """Paths of the fields that it is about."""

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.file}: {self.object}: {self.what}"


@dataclass
class SyncResult:
    """What one sync did."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    pruned: int = 0
    refused: list[Refusal] = field(default_factory=list[Refusal])
    made_up: list[str] = field(default_factory=list[str])
    """Paths in Vault that got a made-up value, because people had not written one."""

    @property
    def total(self) -> int:
        """How many objects the folder holds, the refused ones included."""
        return self.created + self.changed + self.unchanged + len(self.refused)


Outcome = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, eq=False)
class Rendered:
    """One object of the folder."""

    file: str
    manifest: Object

    @property
    def wave(self) -> int:
        """Its wave; 0 where it names none."""
        text = str(mapping(self.manifest, "metadata", "annotations").get(WAVE, "0"))
        return int(text) if text.lstrip("-").isdigit() else 0

    @property
    def place(self) -> tuple[int, int, str, str]:
        """What it is sorted by."""
        kind = str(self.manifest.get("kind"))
        return self.wave, rank(kind), kind, str(dig(self.manifest, "metadata", "name"))

    def __str__(self) -> str:
        """Return kind, namespace and name."""
        metadata = mapping(self.manifest, "metadata")
        path = "/".join(str(part) for part in (metadata.get("namespace"), metadata.get("name")) if part)
        return f"{self.manifest.get('kind')} {path}"


def sync(folder: Path, endpoints: Endpoints, stack: str, *, seconds: float = WAVE_SECONDS) -> SyncResult:
    """Bring the cluster to what a rendered folder says.

    Values that people would have written into Vault before are made up first, where they are missing.

    `stack` is the name of the root Application, which carries the name of its stack; it must be there.

    Raises:
        SyncError: there is no API server, no root, or no folder, or a file in it is no manifest.
        ApiError: the API server is gone.

    """
    if endpoints.kubernetes is None:
        msg = "The rehearsal has no API server to sync with."
        raise SyncError(msg)
    client, rendered = connect(Path(endpoints.kubernetes.kubeconfig)), load(folder)
    done = Sync(client, stack, seconds)
    if endpoints.vault is not None:
        try:
            done.result.made_up = fill(endpoints.vault, client, (one.manifest for one in rendered))
        except MadeUpError as error:
            raise SyncError(str(error)) from None
    return done.run(rendered)


def load(folder: Path) -> list[Rendered]:
    """Return the objects of a folder in the order in which they are applied.

    Raises:
        SyncError: there is no such folder, or a file holds something else.

    """
    if not folder.is_dir():
        msg = f"{folder} is not there: nothing was rendered. Run `up` of its stack first."
        raise SyncError(msg)
    found: list[Rendered] = []
    for file in sorted(folder.rglob("*.yaml")):
        name = str(file.relative_to(folder))
        try:
            documents: list[Any] = list(yaml.load_all(file.read_bytes(), yaml.CSafeLoader))
        except yaml.YAMLError as error:
            msg = f"{file} is no YAML: {str(error).splitlines()[0]}"
            raise SyncError(msg) from None
        for document in documents:
            if document is None:
                continue
            if not isinstance(document, dict) or not dig(document, "metadata", "name"):
                msg = f"{file} holds something that is no Kubernetes object."
                raise SyncError(msg)
            found.append(Rendered(name, cast(Object, document)))
    return sorted(found, key=lambda one: one.place)


class Sync:
    """One sync of one root."""

    def __init__(self, client: Client, stack: str, seconds: float = WAVE_SECONDS) -> None:
        """Do nothing yet."""
        self.client = client
        self.stack = stack
        self.seconds = seconds
        self.result = SyncResult()

    def run(self, rendered: Sequence[Rendered]) -> SyncResult:
        """Apply, wave by wave, then prune. Raises SyncError, ApiError."""
        root = self._root()
        bounds = Bounds.read(self.client, root)
        kept = {self._tracking(one.manifest) for one in rendered}
        # Before anything is made: what a sync that is cut short has made is known to the next one.
        resources = [_listed(one) for one in rendered]
        before = items(root, "status", "resources")
        root = self._write({"resources": [*resources, *(one for one in before if one not in resources)]})
        held = ""
        for wave in sorted({one.wave for one in rendered}):
            batch = [one for one in rendered if one.wave == wave]
            if held:
                for one in batch:
                    self._refuse(one, f"is held back: {held}")
                continue
            applied = {one: done for one in batch if (done := self._apply(one, bounds))}
            waiting = self._await(list(applied)) if len(applied) == len(batch) else {}
            for one, done in applied.items():
                if one in waiting:
                    self._refuse(one, waiting[one])
                else:
                    setattr(self.result, done, getattr(self.result, done) + 1)
            if len(applied) < len(batch):
                held = f"an object of wave {wave} was refused"
            elif waiting:
                held = f"wave {wave} did not become healthy"
        # Prune goes last, and not after a sync that failed: as with Argo CD's option `PruneLast`.
        if not held and dig(root, "spec", "syncPolicy", "automated", "prune"):
            self.result.pruned = prune(self.client, root, kept)
            self._write({"resources": resources})
        self._report(root, held)
        return self.result

    def _root(self) -> Object:
        try:
            return self.client.get(f"{APPLICATIONS}/{self.stack}")
        except ApiError as error:
            if error.status != 404:
                raise
            msg = f"There is no Application {NAMESPACE}/{self.stack}: run `up` of stack {self.stack} first."
            raise SyncError(msg) from None

    def _apply(self, one: Rendered, bounds: Bounds) -> Outcome | None:
        try:
            kind = self.client.kind(str(one.manifest.get("apiVersion")), str(one.manifest.get("kind")))
            manifest = self._own(one.manifest, namespaced=kind.namespaced)
            if fault := placeholder(manifest) or bounds.fault(manifest, kind):
                return self._refuse(one, fault)
            path = self.client.path_of(manifest)
            before = self._before(path)
            after = self.client.apply(path, manifest, MANAGER)
        except ApiError as error:
            if error.status == 0:
                raise
            return self._refuse(one, str(error), error.fields)
        if before is None:
            return "created"
        return "changed" if version(before) != version(after) else "unchanged"

    def _own(self, manifest: Object, *, namespaced: bool) -> Object:
        """Return an object with the mark that makes it the root's."""
        metadata = mapping(manifest, "metadata")
        annotations = {**mapping(metadata, "annotations"), TRACKING: self._tracking(manifest)}
        place = {"namespace": metadata.get("namespace") or NAMESPACE} if namespaced else {}
        return {**manifest, "metadata": {**metadata, **place, "annotations": annotations}}

    def _tracking(self, manifest: Object) -> str:
        group = str(manifest.get("apiVersion")).rpartition("/")[0]
        metadata = mapping(manifest, "metadata")
        return f"{self.stack}:{group}/{manifest.get('kind')}:{metadata.get('namespace') or ''}/{metadata.get('name')}"

    def _before(self, path: str) -> Object | None:
        try:
            return self.client.get(path)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def _refuse(self, one: Rendered, what: str, fields: tuple[str, ...] = ()) -> None:
        self.result.refused.append(Refusal(one.file, str(one), what, fields))

    def _await(self, batch: Sequence[Rendered]) -> dict[Rendered, str]:
        """Wait until all are healthy; return those that are not in time, and what they wait for."""
        deadline = time.monotonic() + self.seconds
        left: dict[Rendered, str] = dict.fromkeys(batch, "")
        while True:
            seen = {one: waits_for(self.client.get(self._path(one))) for one in left}
            left = {one: why for one, why in seen.items() if why}
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.3)

    def _path(self, one: Rendered) -> str:
        kind = self.client.kind(str(one.manifest.get("apiVersion")), str(one.manifest.get("kind")))
        return self.client.path_of(self._own(one.manifest, namespaced=kind.namespaced))

    def _report(self, root: Object, held: str) -> None:
        """Write the root's own status, as the engine does after a sync."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        spec = mapping(root, "spec")
        status = {
            "controllerNamespace": NAMESPACE,
            "reconciledAt": now,
            "sourceType": "Directory",
            "sync": {
                "status": "OutOfSync" if held else "Synced",
                "comparedTo": {"source": spec.get("source"), "destination": spec.get("destination")},
            },
            "health": {
                "status": "Degraded" if held else "Healthy",
                "message": held or "played by the rehearsal, from the rendered folder",
                "lastTransitionTime": now,
            },
        }
        self._write(status)

    def _write(self, status: Object) -> Object:
        """Write into the root's status, which Argo CD keeps beside the rest and not as a subresource."""
        return self.client.merge(f"{APPLICATIONS}/{self.stack}", {"status": status})


def _listed(one: Rendered) -> Object:
    """Return an object as the status of a root names it."""
    group, _, api = str(one.manifest.get("apiVersion")).rpartition("/")
    metadata = mapping(one.manifest, "metadata")
    named = {"group": group, "version": api, "kind": one.manifest.get("kind"), "syncWave": one.wave}
    named |= {key: metadata[key] for key in ("namespace", "name") if metadata.get(key)}
    return {key: value for key, value in named.items() if value not in ("", 0)}


def placeholder(manifest: Object) -> str | None:
    """Say what is wrong with a Secret in the folder: git holds no values, and a digest is none."""
    if manifest.get("kind") != "Secret" or not (manifest.get("data") or manifest.get("stringData")):
        return None
    return "a Secret with values does not belong in git; ask for it by an ExternalSecret"


def version(thing: Object) -> str:
    """Return what changes with every change of an object."""
    return str(dig(thing, "metadata", "resourceVersion"))
