"""Pods: what every kind of workload starts, in the one shape that rules on pods look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from policies.kernel.finding import Subject
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Data, Unknown, dig, items, mapping, text

TEMPLATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Pod": ("", ()),
    "ReplicationController": ("", ("spec", "template")),
    "PodTemplate": ("", ("template",)),
    "Deployment": ("apps", ("spec", "template")),
    "StatefulSet": ("apps", ("spec", "template")),
    "DaemonSet": ("apps", ("spec", "template")),
    "ReplicaSet": ("apps", ("spec", "template")),
    "Job": ("batch", ("spec", "template")),
    "CronJob": ("batch", ("spec", "jobTemplate", "spec", "template")),
}
"""Kinds that start pods: their API group, and where the pod stands in them."""

_LISTS: tuple[tuple[str, Literal["init", "main", "ephemeral"]], ...] = (
    ("initContainers", "init"),
    ("containers", "main"),
    ("ephemeralContainers", "ephemeral"),
)
_SILENT: Data = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class PodContainer:
    """One container of a pod. A sidecar is an init container: the standards treat it as one."""

    name: str
    kind: Literal["init", "main", "ephemeral"]
    path: str
    """Where it stands in the object, for example `spec.template.spec.containers[0]`."""
    body: Data
    """The container as it is written. Its environment may hold secrets: no rule reads it."""
    context: Data | Unknown
    """Its securityContext; empty where it has none."""
    image: str | Unknown | None
    pull: str | Unknown | None
    """When its image is pulled; `None` where nothing is said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """What a workload starts."""

    subject: Subject
    """The workload."""
    namespace: str | Unknown
    """Its namespace; empty where it says none."""
    path: str
    """Where the pod's spec stands, for example `spec.template.spec`."""
    spec: Data
    context: Data | Unknown
    """The pod's own securityContext; empty where it has none."""
    annotations: Data | Unknown
    annotations_path: str
    containers: tuple[PodContainer, ...]
    windows: bool | Unknown
    """Whether it says that it runs on Windows."""
    own_users: bool | Unknown
    """Whether it has users of its own, apart from the node's (`hostUsers: false`)."""
    open: tuple[Unknown, ...] = ()
    """Parts that are not known: the whole spec, or a list of containers."""


def pods(inventory: Inventory) -> tuple[Pod, ...]:
    """Return the pod of every workload that no other workload made."""
    return tuple(
        _pod(item, path)
        for kind, (group, path) in TEMPLATES.items()
        for item in inventory.objects(kind, group)
        if not _made(item)
    )


def _made(item: KubernetesObject) -> bool:
    """Whether another workload made it: what is wrong with it is said there, once."""
    owners = items(dig(item.body, "metadata", "ownerReferences"))
    return any(dig(owner, "controller") is True and dig(owner, "kind") in TEMPLATES for owner in owners)


def _pod(item: KubernetesObject, path: tuple[str, ...]) -> Pod:
    where = ".".join((*path, "spec"))
    found = item.get(*path, "spec")
    spec = mapping(found)
    subject = replace(item.subject, named=tuple(_named(spec, where)))
    annotations_at = (*path, "metadata", "annotations")
    annotations = item.get(*annotations_at)
    namespace = dig(item.body, "metadata", "namespace")
    open_parts = [found] if isinstance(found, Unknown) else []
    open_parts += [one for key, _ in _LISTS if isinstance(one := spec.get(key), Unknown)]
    open_parts += [part for key, _ in _LISTS for part in items(spec.get(key)) if isinstance(part, Unknown)]
    system = text(dig(spec, "os", "name"))
    users = spec.get("hostUsers")
    return Pod(
        subject=subject,
        namespace=namespace.of(subject) if isinstance(namespace, Unknown) else text(namespace) or "",
        path=where,
        spec=spec,
        context=_context(spec),
        annotations=annotations if isinstance(annotations, Unknown) else mapping(annotations),
        annotations_path=".".join(annotations_at),
        containers=tuple(_containers(spec, where)),
        windows=system if isinstance(system, Unknown) else system == "windows",
        own_users=users if isinstance(users, Unknown) else users is False,
        open=tuple(open_parts),
    )


def _named(spec: Data, path: str) -> Iterator[tuple[str, str]]:
    """Yield the place of each container and volume with the same place by its name."""
    for key in (*(key for key, _ in _LISTS), "volumes"):
        for index, part in enumerate(items(spec.get(key))):
            name = dig(part, "name")
            if isinstance(name, str):
                yield f"{path}.{key}[{index}]", f"{path}.{key}[{name}]"


def _containers(spec: Data, path: str) -> Iterator[PodContainer]:
    for key, kind in _LISTS:
        for index, part in enumerate(items(spec.get(key))):
            if isinstance(part, Unknown):
                continue
            body = mapping(part)
            name = body.get("name")
            yield PodContainer(
                name=name if isinstance(name, str) else f"{key}[{index}]",
                kind=kind,
                path=f"{path}.{key}[{index}]",
                body=body,
                context=_context(body),
                image=text(body.get("image")),
                pull=text(body.get("imagePullPolicy")),
            )


def _context(owner: Data) -> Data | Unknown:
    found: Any = owner.get("securityContext")
    if found is None:
        return _SILENT
    return found if isinstance(found, Unknown) else mapping(found)
