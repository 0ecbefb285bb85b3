"""Facts that outlive their run, so that rules can look at the stacks of an environment together.

They are what the official checks look at, and of that only what rules read: of a workload neither its environment nor
an argument that rules do not know, of a chart's values only the paths that are known to hold no secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date

from policies.kernel.finding import Subject
from policies.kernel.verdict import Scope
from policies.model.certificates import Issuer
from policies.model.cloud_provider import AddressRanges, seen
from policies.model.control_plane import ControlPlane
from policies.model.known import by_name
from policies.model.machines import FailureDomain, Machine
from policies.model.model import Model
from policies.model.namespaces import Listener, Namespace
from policies.model.nodes import Declarations
from policies.model.releases import Delegation, Release
from policies.model.resource import Inventory, KubernetesObject, Resource
from policies.model.storage import Claim, StorageClass
from policies.model.values import Unknown
from policies.model.workloads import Container, Workload


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts of one stack, or of several together. Each field is called as the model calls it."""

    declarations: Declarations = field(default_factory=Declarations)
    machines: tuple[Machine, ...] = ()
    failure_domains: tuple[FailureDomain, ...] = ()
    control_planes: tuple[ControlPlane, ...] = ()
    address_ranges: tuple[AddressRanges, ...] = ()
    releases: tuple[Release, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    workloads: tuple[Workload, ...] = ()
    """Those that run a program that rules know."""
    storage_classes: tuple[StorageClass, ...] = ()
    shared_claims: tuple[Claim, ...] = ()
    tried_claims: Mapping[str, bool | Unknown] = field(default_factory=dict[str, bool | Unknown])
    issuers: tuple[Issuer, ...] = ()
    definitions: tuple[str, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    listeners: tuple[Listener, ...] = ()
    apis: tuple[str, ...] = ()
    answering: Mapping[str, bool | Unknown] = field(default_factory=dict[str, bool | Unknown])
    gaps: tuple[Unknown, ...] = ()

    @property
    def subjects(self) -> frozenset[Subject]:
        """The objects that the facts are about."""
        declared = self.declarations
        nodes = (*(item.node for item in declared.configured), *declared.observed, *(p.node for p in declared.pools))
        parts = (
            *(self.machines, self.failure_domains, self.control_planes, self.address_ranges, self.releases),
            *(self.delegations, self.workloads, self.storage_classes, self.shared_claims, self.issuers),
            *(self.namespaces, self.listeners, nodes),
        )
        return frozenset(item.subject for part in parts for item in part)


def facts_of(model: Model) -> Facts:
    """Return the facts of a model."""
    whole = {part.name: getattr(model, part.name) for part in fields(Facts) if part.name != "workloads"}
    return Facts(workloads=tuple(_trimmed(item) for item in model.workloads if item.known), **whole)


def _trimmed(workload: Workload) -> Workload:
    found = () if isinstance(workload.containers, Unknown) else workload.containers
    containers = tuple(_known_only(container) for container in found if container.known)
    return replace(workload, containers=containers, pod={})


def _known_only(container: Container) -> Container:
    known = by_name(container.known or "")
    wanted = known.arguments if known else ()
    arguments = tuple(item for item in container.arguments if _is_wanted(item, wanted))
    return replace(container, arguments=arguments, security={})


def _is_wanted(argument: str | Unknown, wanted: tuple[str, ...]) -> bool:
    return isinstance(argument, Unknown) or argument.partition("=")[0] in wanted


def together(stacks: Iterable[Facts]) -> Facts:
    """Return the facts of several stacks as those of one program."""
    every = tuple(stacks)
    declared = tuple(item.declarations for item in every)
    joined = {
        part.name: tuple(fact for item in every for fact in getattr(item, part.name))
        for part in fields(Facts)
        if part.name not in ("declarations", "tried_claims", "answering")
    }
    found = Facts(
        declarations=Declarations(
            configured=tuple(node for item in declared for node in item.configured),
            observed=tuple(node for item in declared for node in item.observed),
            pools=tuple(pool for item in declared for pool in item.pools),
        ),
        tried_claims={name: bound for item in every for name, bound in item.tried_claims.items()},
        answering={name: answer for item in every for name, answer in item.answering.items()},
        **joined,
    )
    return replace(found, address_ranges=seen(found.address_ranges))


class RememberedModel(Model):
    """A model of facts that were written down. What was not written down cannot be asked of it."""

    def __init__(self, found: Facts, scope: Scope, day: date) -> None:
        """Put the facts where the model would keep them once it had built them."""
        super().__init__(_NotKept((), gaps=found.gaps), scope, day)
        for part in fields(Facts):
            if part.name != "gaps":
                self.__dict__[part.name] = getattr(found, part.name)


class _NotKept(Inventory):
    """In place of the resources. Answering with nothing would make rules say that there is nothing."""

    def of_type(self, type: str) -> list[Resource]:
        """Refuse."""
        raise LookupError(type)

    def objects(self, kind: str, *groups: str) -> list[KubernetesObject]:
        """Refuse."""
        raise LookupError(kind)
