"""The raw material of the model: resources of a program, and Kubernetes objects, from whatever source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from policies.kernel.finding import Subject
from policies.model.values import Data, Unknown, dig, mapping, text

KUBERNETES = "kubernetes:"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """The provider of a resource, as far as the model needs it."""

    type: str = ""
    renders: bool = False
    """Whether it writes manifests to a folder instead of applying them: what it holds is delivered by GitOps."""


class Resource:
    """One resource. Its properties are converted when something asks for them: most are never asked."""

    def __init__(
        self,
        *,
        type: str,
        name: str,
        load: Callable[[], Data],
        urn: str = "",
        parent: str = "",
        dependencies: Iterable[str] = (),
        property_dependencies: Mapping[str, Iterable[str]] | None = None,
        provider: Provider | None = None,
        file: str = "",
        line: int = 0,
    ) -> None:
        """Keep what is known without looking at the properties."""
        self.type = type
        self.name = name
        self.urn = urn
        self.parent = parent
        self.dependencies = tuple(sorted(dependencies))
        self.property_dependencies = {key: tuple(urns) for key, urns in (property_dependencies or {}).items()}
        self.provider = provider or Provider()
        self.file = file
        self.line = line
        self._load = load

    @cached_property
    def properties(self) -> Data:
        """Plain data; unknown and secret values are `Unknown`, with their path."""
        return self._load()

    @cached_property
    def subject(self) -> Subject:
        """The resource as a finding names it."""
        return Subject(self.type, self.name, urn=self.urn, file=self.file, line=self.line)

    def get(self, *path: str | int) -> object:
        """Return the value at a path; an unknown one carries this resource."""
        value = dig(self.properties, *path)
        return value.of(self.subject) if isinstance(value, Unknown) else value


@dataclass(frozen=True)
class KubernetesObject:
    """One Kubernetes object."""

    api: str
    """`apps/v1`, or `v1` for the core group."""
    kind: str
    resource: Resource
    """Where it comes from."""

    @property
    def group(self) -> str:
        """The API group without version; empty for the core group."""
        return self.api.rpartition("/")[0]

    @property
    def body(self) -> Data:
        """The object as plain data."""
        return self.resource.properties

    @property
    def name(self) -> str:
        """Its name, or that of the resource where it is unknown."""
        found = text(dig(self.body, "metadata", "name"))
        return found if isinstance(found, str) else self.resource.name

    @property
    def namespace(self) -> str:
        """Its namespace; empty for objects without one, and where it is unknown."""
        found = text(dig(self.body, "metadata", "namespace"))
        return found if isinstance(found, str) else ""

    @property
    def labels(self) -> Data:
        """Its labels."""
        return mapping(dig(self.body, "metadata", "labels"))

    @property
    def annotations(self) -> Data:
        """Its annotations."""
        return mapping(dig(self.body, "metadata", "annotations"))

    @property
    def subject(self) -> Subject:
        """The object as a finding names it."""
        source = self.resource
        return Subject(self.kind, self.name, self.namespace, source.urn, source.file, source.line)

    def get(self, *path: str | int) -> object:
        """Return the value at a path; an unknown one carries this object."""
        value = dig(self.body, *path)
        return value.of(self.subject) if isinstance(value, Unknown) else value


@dataclass
class Inventory:
    """All resources of a scope, findable by type, URN and kind."""

    resources: tuple[Resource, ...]
    gaps: tuple[Unknown, ...] = ()
    """Kinds of objects that could not be read, as `apps/v1 Deployment`, each with its reason: what of them is missing
    here may exist."""
    by_urn: dict[str, Resource] = field(init=False)
    _by_type: dict[str, list[Resource]] = field(init=False)
    _objects: dict[str, list[KubernetesObject]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort and index, so that no rule walks over everything."""
        self.resources = tuple(
            sorted(self.resources, key=lambda resource: (resource.type, resource.name, resource.urn))
        )
        self.by_urn = {resource.urn: resource for resource in self.resources if resource.urn}
        self._by_type = defaultdict(list)
        self._objects = defaultdict(list)
        for resource in self.resources:
            self._by_type[resource.type].append(resource)
            found = _kubernetes(resource)
            if found is not None:
                self._objects[found.kind].append(found)

    def of_type(self, type: str) -> list[Resource]:
        """Return the resources of a type."""
        return self._by_type.get(type, [])

    def objects(self, kind: str, *groups: str) -> list[KubernetesObject]:
        """Return the Kubernetes objects of a kind, in any version of the groups given."""
        return [found for found in self._objects.get(kind, []) if not groups or found.group in groups]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of Kubernetes objects there are."""
        return tuple(sorted(self._objects))

    def behind(self, resource: Resource, property: str, type: str) -> list[Resource]:
        """Return the resources of a type that a property's value was made from, followed over other resources.

        An unknown value still has a known origin: the engine says which resources a property depends on.
        """
        seen: set[str] = set()
        queue = list(resource.property_dependencies.get(property, ()))
        found: list[Resource] = []
        while queue:
            urn = queue.pop()
            origin = self.by_urn.get(urn)
            if urn in seen or origin is None:
                continue
            seen.add(urn)
            if origin.type == type:
                found.append(origin)
            else:
                queue.extend(origin.dependencies)
                queue.extend(urn for urns in origin.property_dependencies.values() for urn in urns)
        return sorted(found, key=lambda item: item.name)


def _kubernetes(resource: Resource) -> KubernetesObject | None:
    """Return the Kubernetes object that a resource is, from its type token alone."""
    if not resource.type.startswith(KUBERNETES):
        return None
    group_version, _, kind = resource.type.removeprefix(KUBERNETES).rpartition(":")
    group, _, version = group_version.rpartition("/")
    if not version.startswith("v") or group in ("helm.sh", "yaml", "kustomize"):
        return None  # a Helm release, a chart or a list of files: no object of the API server
    if kind.endswith("Patch"):
        kind = kind.removesuffix("Patch")
    elif kind.endswith("List"):
        return None
    return KubernetesObject(version if group == "core" else f"{group}/{version}", kind, resource)
