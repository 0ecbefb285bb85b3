"""Projects of Argo CD: the bounds within which it delivers on somebody's behalf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from policies.kernel.finding import Subject
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Unknown, dig, items, text


@dataclass(frozen=True, kw_only=True)
class Place:
    """A value of a list, with its place."""

    path: str
    value: str | Unknown | None


@dataclass(frozen=True, kw_only=True)
class Project:
    """An AppProject."""

    subject: Subject
    repositories: tuple[Place, ...]
    namespaces: tuple[Place, ...]
    clusters: tuple[Place, ...]
    """Servers or names of clusters that it may deliver to."""
    cluster_wide: tuple[Place, ...]
    """Kinds of objects without a namespace that it may make."""


def projects(inventory: Inventory) -> tuple[Project, ...]:
    """Return the projects."""
    return tuple(_project(item) for item in inventory.objects("AppProject", "argoproj.io"))


def _project(item: KubernetesObject) -> Project:
    repositories = tuple(_places(item, "sourceRepos"))
    namespaces = tuple(_places(item, "destinations", "namespace"))
    clusters = tuple(_places(item, "destinations", "server", "name"))
    cluster_wide = tuple(_places(item, "clusterResourceWhitelist", "kind"))
    places = (*repositories, *namespaces, *clusters, *cluster_wide)
    named = tuple(
        (one.path, re.sub(r"\[\d+\]", "[*]", one.path) + f"={one.value}")
        for one in places
        if isinstance(one.value, str)
    )
    return Project(
        subject=replace(item.subject, named=named),
        repositories=repositories,
        namespaces=namespaces,
        clusters=clusters,
        cluster_wide=cluster_wide,
    )


def _places(item: KubernetesObject, key: str, *parts: str) -> Iterator[Place]:
    """Yield the values of a list: its items, or the first of these parts that an item has."""
    whole = item.get("spec", key)
    if isinstance(whole, Unknown):
        yield Place(path=f"spec.{key}", value=whole)
    for index, one in enumerate(items(whole)):
        part = next((part for part in parts if dig(one, part) is not None), "")
        value = text(dig(one, part) if part else one)
        path = f"spec.{key}[{index}]" + (f".{part}" if part else "")
        yield Place(path=path, value=value.of(item.subject) if isinstance(value, Unknown) else value)
