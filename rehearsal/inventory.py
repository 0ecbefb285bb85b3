"""What exists in the back ends, asked of them and not of the engine or the plugins: the count that drills rest on."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rehearsal.backends import api
from rehearsal.backends.endpoints import Endpoints, Vault, VCenter

OF_OTHERS = frozenset(
    {
        "Event", "EndpointSlice", "Endpoints", "Lease", "ControllerRevision", "ReplicaSet", "Pod", "ComponentStatus",
        "CertificateSigningRequest", "FlowSchema", "PriorityLevelConfiguration", "APIService", "IPAddress",
        "PersistentVolume", "VolumeAttachment", "CSINode", "StorageVersion", "ServiceCIDR", "PodMetrics", "NodeMetrics",
    }
)  # fmt: skip
"""Kinds that controllers make, under names that change: what a program makes has a name of its own."""


@dataclass(frozen=True)
class Inventory:
    """The things that exist, by what they are and what they are called; a name may exist twice."""

    things: Counter[str] = field(default_factory=Counter[str])

    def against(self, before: Inventory) -> Difference:
        """Return what is gone and what came since `before`."""
        return Difference(
            tuple(sorted((before.things - self.things).elements())),
            tuple(sorted((self.things - before.things).elements())),
        )


@dataclass(frozen=True)
class Difference:
    """How two inventories differ."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    """What is there now and was not before."""

    def __str__(self) -> str:
        """Return the first of each, for people."""
        parts = [f"{word} {', '.join(names[:3])}" for word, names in self._named() if names]
        return "; ".join(parts)

    def _named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (("lost", self.lost), ("left over", self.doubled))


def take(endpoints: Endpoints) -> Inventory:
    """Return what exists now in every back end that runs.

    Raises:
        ApiError, OSError: a back end cannot be asked.

    """
    parts: list[Callable[[], list[str]]] = []
    if endpoints.kubernetes is not None:
        kubeconfig = Path(endpoints.kubernetes.kubeconfig)
        parts.append(lambda: list(_kubernetes(kubeconfig)))
    if endpoints.vault is not None:
        vault = endpoints.vault
        parts.append(lambda: list(_vault(vault)))
    if endpoints.vcenter is not None:
        vcenter = endpoints.vcenter
        parts.append(lambda: list(_vcenter(vcenter)))
    found: Counter[str] = Counter()
    for part in parts:
        found.update(part())
    return Inventory(found)


def _kubernetes(kubeconfig: Path) -> Iterator[str]:
    client = api.connect(kubeconfig)
    kinds = [kind for kind in client.kinds() if "list" in kind.verbs and kind.kind not in OF_OTHERS]

    def names(kind: api.Kind) -> list[str]:
        found = [api.mapping(one, "metadata") for one in api.items(client.get(kind.path()), "items")]
        return [
            f"kubernetes {kind.kind}.{kind.group} {one.get('namespace', '')}/{one['name']}"
            for one in found
            if not one.get("ownerReferences") and not _changing(kind.kind, str(one["name"]))
        ]

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(names, kinds):
            yield from found


def _changing(kind: str, name: str) -> bool:
    """Say whether a name changes from run to run: a Helm release has a Secret for each revision."""
    return kind == "Secret" and name.startswith("sh.helm.release.v1.")


def _vault(vault: Vault) -> Iterator[str]:
    token = Path(vault.token).read_text(encoding="utf-8").strip()
    context = ssl.create_default_context(cafile=vault.ca) if vault.ca else None

    def ask(path: str, *, listing: bool = False) -> dict[str, Any]:
        query = "?list=true" if listing else ""
        request = urllib.request.Request(f"{vault.address}/v1/{path}{query}", headers={"X-Vault-Token": token})
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # fixed local address
                return cast("dict[str, Any]", json.load(answer).get("data") or {})
        except urllib.error.HTTPError as error:
            if error.code == 404:  # an empty list
                return {}
            raise

    for mount in ask("sys/mounts"):
        yield f"openbao mount {mount}"
    for policy in ask("sys/policies/acl", listing=True).get("keys", []):
        yield f"openbao policy {policy}"
    for method, about in ask("sys/auth").items():
        yield f"openbao auth {method}"
        if about["type"] in ("jwt", "oidc", "kubernetes"):
            for role in ask(f"auth/{method}role", listing=True).get("keys", []):
                yield f"openbao role {method}{role}"
        elif about["type"] == "ldap":
            for group in ask(f"auth/{method}groups", listing=True).get("keys", []):
                yield f"openbao group {method}{group}"


def _vcenter(vcenter: VCenter) -> Iterator[str]:
    from rehearsal.backends.vcenter import session

    client = session(vcenter, vcenter.server)
    for kind in ("VirtualMachine", "Folder"):
        for _, known in client.named(client.content.rootFolder, kind):
            yield f"vcenter {kind} {known.get('name')}"
    for _, known in client.named(client.content.rootFolder, "ClusterComputeResource", ("configurationEx",)):
        configuration = known["configurationEx"]
        for group in configuration.group or ():
            yield f"vcenter group {group.name}"
        for rule in configuration.rule or ():
            yield f"vcenter rule {rule.name}"
    for what in ("category", "tag"):
        for number in client.rest("GET", f"cis/tagging/{what}") or ():
            yield f"vcenter {what} {client.rest('GET', f'cis/tagging/{what}/id:{number}')['name']}"
    for number in client.rest("GET", "content/library") or ():
        yield f"vcenter library {client.rest('GET', f'content/library/id:{number}')['name']}"
