"""Workloads: everything that runs pods, in one shape whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policies.kernel.finding import Subject
from policies.model.known import by_image
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Count, Data, Unknown, dig, items, mapping, number, text

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "PodTemplate": ("template",),
}
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of a workload."""

    name: str
    image: str | Unknown | None
    path: str
    """Where it stands in the object, for example `spec.template.spec.containers[0]`."""
    arguments: tuple[str | Unknown, ...]
    """Command and arguments."""
    known: str | None
    """What its image is, where rules know it."""
    security: Data | Unknown
    """Its securityContext."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Something that runs pods."""

    subject: Subject
    replicas: Count
    """Number of pods it asks for; any number for kinds that run one per node or on a schedule."""
    containers: tuple[Container, ...] | Unknown
    pod: Data | Unknown
    """The pod's spec. Environment variables are left out: they may hold secrets that nobody marked."""
    pod_path: str

    @property
    def known(self) -> tuple[str, ...]:
        """What runs in it, where rules know the images."""
        found = () if isinstance(self.containers, Unknown) else self.containers
        return tuple(container.known for container in found if container.known)


def workloads(inventory: Inventory) -> tuple[Workload, ...]:
    """Return every workload."""
    return tuple(_workload(item, path) for kind, path in _TEMPLATES.items() for item in inventory.objects(kind))


def _workload(item: KubernetesObject, path: tuple[str, ...]) -> Workload:
    where = (*path, "spec")
    spec = item.get(*where)
    whole = number(item.get("spec", "replicas"))
    pod = spec if isinstance(spec, Unknown) else _without_environment(mapping(spec))
    return Workload(
        subject=item.subject,
        replicas=Count(0, None) if item.kind in ("DaemonSet", "CronJob") else Count.of(1 if whole is None else whole),
        containers=pod if isinstance(pod, Unknown) else tuple(_containers(pod, ".".join(where))),
        pod=pod,
        pod_path=".".join(where),
    )


def _without_environment(spec: Data) -> Data:
    cleaned = dict(spec)
    for kind in CONTAINERS:
        if isinstance(spec.get(kind), list):
            cleaned[kind] = [
                {key: value for key, value in mapping(part).items() if key not in ("env", "envFrom")}
                if isinstance(part, dict)
                else part
                for part in items(spec[kind])
            ]
    return cleaned


def _containers(spec: Data, path: str) -> Iterator[Container]:
    for kind in CONTAINERS:
        for index, part in enumerate(items(spec.get(kind))):
            image = text(dig(part, "image"))
            name = text(dig(part, "name"))
            known = by_image(image) if isinstance(image, str) else None
            context: Any = dig(part, "securityContext")
            yield Container(
                name=name if isinstance(name, str) else f"{kind}[{index}]",
                image=image,
                path=f"{path}.{kind}[{index}]",
                arguments=tuple(
                    found
                    for key in ("command", "args")
                    for argument in items(dig(part, key))
                    if (found := text(argument)) is not None
                ),
                known=known.name if known else None,
                security=context if isinstance(context, Unknown) else mapping(context),
            )
