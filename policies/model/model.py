"""The model: built once per run, each aspect when a rule first asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from policies.kernel.finding import Subject
from policies.kernel.verdict import Scope
from policies.kernel.words import Layer, Source
from policies.model.access import Access, access
from policies.model.api_services import answering
from policies.model.certificates import Issuer, custom_resource_definitions, issuers
from policies.model.cloud_provider import AddressRanges, address_ranges
from policies.model.control_plane import ControlPlane, control_planes
from policies.model.fences import Fence, fences
from policies.model.machines import FailureDomain, Machine, failure_domains, machines
from policies.model.namespaces import Listener, Namespace, Team, listeners, namespaces, teams
from policies.model.nodes import Declarations, Nodes, declarations, nodes
from policies.model.pods import Pod, pods
from policies.model.projects import Project, projects
from policies.model.releases import Delegation, Release, delegations, releases
from policies.model.resource import Inventory
from policies.model.storage import Claim, StorageClass, shared_claims, storage_classes, tried_claims
from policies.model.values import Unknown
from policies.model.vault import VaultPolicy, vault_policies
from policies.model.verification import Verification, verifications
from policies.model.workloads import Workload, workloads


@dataclass(frozen=True, kw_only=True)
class Service:
    """A program that rules know, installed by a chart or as plain workloads."""

    name: str
    subject: Subject
    release: Release | None = None
    workload: Workload | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The chart's values that rules may read, by dotted path; empty for plain workloads."""
        return self.release.settings if self.release else {}


class Model:
    """What rules look at, the same whatever the source."""

    def __init__(self, inventory: Inventory, scope: Scope, day: date) -> None:
        """Keep the raw material; `day` is the day that versions and terms are judged on."""
        self._inventory = inventory
        self.scope = scope
        self.day = day

    @cached_property
    def cluster(self) -> Subject:
        """The cluster as a finding names it."""
        return Subject("Cluster", self.scope.cluster or self.scope.stack or "cluster")

    @cached_property
    def nodes(self) -> Nodes:
        """Nodes and pools of nodes."""
        return nodes(self.declarations, self.machines)

    @cached_property
    def declarations(self) -> Declarations:
        """What declares nodes, beside virtual machines."""
        return declarations(self._inventory)

    @cached_property
    def machines(self) -> tuple[Machine, ...]:
        """Virtual machines."""
        return machines(self._inventory)

    @cached_property
    def failure_domains(self) -> tuple[FailureDomain, ...]:
        """Groups of hosts that machines are bound to."""
        return failure_domains(self._inventory)

    @cached_property
    def control_planes(self) -> tuple[ControlPlane, ...]:
        """Declarations of the control plane."""
        return control_planes(self._inventory)

    @cached_property
    def address_ranges(self) -> tuple[AddressRanges, ...]:
        """Configurations of the vSphere cloud provider."""
        return address_ranges(self._inventory)

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """Installations of charts."""
        return releases(self._inventory)

    @cached_property
    def delegations(self) -> tuple[Delegation, ...]:
        """What delivers objects that are not seen here."""
        return delegations(self._inventory)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Everything that runs pods."""
        return workloads(self._inventory)

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """What each workload starts, as rules on pods look at it."""
        return pods(self._inventory)

    @cached_property
    def fences(self) -> tuple[Fence, ...]:
        """Namespaces with what bounds them."""
        return fences(self._inventory)

    @cached_property
    def access(self) -> Access:
        """Roles and bindings."""
        return access(self._inventory)

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """Bounds within which Argo CD delivers."""
        return projects(self._inventory)

    @cached_property
    def vault_policies(self) -> tuple[VaultPolicy, ...]:
        """Policies of Vault."""
        return vault_policies(self._inventory)

    @cached_property
    def verifications(self) -> tuple[Verification, ...]:
        """What checks the signatures of images."""
        return verifications(self._inventory)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The programs that rules know."""
        found = [Service(name=item.known, subject=item.subject, release=item) for item in self.releases if item.known]
        for workload in self.workloads:
            found.extend(Service(name=name, subject=workload.subject, workload=workload) for name in workload.known)
        return tuple(found)

    def service(self, *names: str) -> tuple[Service, ...]:
        """Return the installations of programs by name."""
        return tuple(service for service in self.services if service.name in names)

    @cached_property
    def storage_classes(self) -> tuple[StorageClass, ...]:
        """Storage classes."""
        return storage_classes(self._inventory)

    @cached_property
    def shared_claims(self) -> tuple[Claim, ...]:
        """Claims for volumes of several writers."""
        return shared_claims(self._inventory)

    @cached_property
    def tried_claims(self) -> Mapping[str, bool | Unknown]:
        """Whether a claim for several writers was bound, per storage class that was tried."""
        return tried_claims(self._inventory)

    @cached_property
    def issuers(self) -> tuple[Issuer, ...]:
        """Issuers of certificates."""
        return issuers(self._inventory)

    @cached_property
    def definitions(self) -> tuple[str, ...]:
        """Names of custom resource definitions that are declared by themselves."""
        return custom_resource_definitions(self._inventory)

    @cached_property
    def namespaces(self) -> tuple[Namespace, ...]:
        """Namespaces."""
        return namespaces(self._inventory)

    @cached_property
    def teams(self) -> tuple[Team, ...]:
        """Teams, as their namespaces show them."""
        return teams(self.namespaces)

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """What answers to the outside."""
        return listeners(self._inventory)

    @cached_property
    def apis(self) -> tuple[str, ...]:
        """Names of the API services that are declared or seen, for example `v1beta1.metrics.k8s.io`."""
        return tuple(item.name for item in self._inventory.objects("APIService", "apiregistration.k8s.io"))

    @cached_property
    def renders(self) -> bool:
        """Whether objects here are written to a folder, from where GitOps delivers them."""
        return any(resource.provider.renders for resource in self._inventory.resources)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of Kubernetes objects that there are."""
        return self._inventory.kinds

    @property
    def gaps(self) -> tuple[Unknown, ...]:
        """Kinds of objects that could not be read."""
        return self._inventory.gaps

    def unreadable(self, kind: str) -> Unknown | None:
        """Return why the objects of a kind could not be read; `None` where they could."""
        return next((gap for gap in self.gaps if gap.path.endswith(f" {kind}")), None)

    @cached_property
    def answering(self) -> Mapping[str, bool | Unknown]:
        """Whether each API service answers, by name; only a running cluster says it."""
        return answering(self._inventory)

    def holds(self, layer: Layer) -> bool | None:
        """Return whether a layer is judged here in full; `None` where that is not known."""
        if self.scope.source is Source.LIVE:
            return None if self.gaps else True
        return None if self.scope.layers is None else layer in self.scope.layers
