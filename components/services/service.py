"""A service of the catalogue on a cluster: its namespace, its releases, its objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.base import Component, kept
from components.gitops.delivery import engine
from components.gitops.engine import Project, Release, Source
from components.gitops.manifest import logical, resource
from components.services.catalogue import AnyService, position
from components.services.definition import Chart, Place
from components.services.networking.gateway_api import GATEWAY, ROUTES_LABEL
from inputs.validate import FileModel

PROJECT = "services"
"""Project of all services."""

STEP = 10
"""Distance of two services in the order: the objects of a service stand between its charts and the next service."""

CLUSTER_WIDE = (
    ("", "Namespace"),
    ("*", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io", "*"),
    ("apiregistration.k8s.io", "APIService"),
    ("cert-manager.io", "ClusterIssuer"),
    ("external-secrets.io", "ClusterSecretStore"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("policies.kyverno.io", "*"),
    ("kyverno.io", "*"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "StorageClass"),
)
"""Kinds without a namespace that services bring."""


def services_project(services: Sequence[AnyService], *, engine_namespace: str, repository: str | None) -> Project:
    """Return the bounds of the services: their repositories, their namespaces, and the kinds they bring."""
    repositories = {chart.repository for service in services for chart in service.charts}
    # Releases of the engine live beside it; some charts put a role into `kube-system`.
    namespaces = {service.namespace for service in services} | {engine_namespace, "kube-system"}
    return Project(
        name=PROJECT,
        description="The services of the cluster.",
        repositories=sorted(repositories | ({repository} if repository else set())),
        namespaces=sorted(namespaces),
        cluster_wide=CLUSTER_WIDE,
    )


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """What a service is made of."""

    definition: AnyService
    """Its definition in the catalogue."""
    settings: FileModel
    """Its part of the cluster file."""
    place: Place
    """The cluster it goes to."""


class Service(Component):
    """One service: everything it makes is a child, delivered by the engine or by Pulumi."""

    layer = "services"

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make namespace, then releases, then the objects that need the releases' kinds."""
        definition = args.definition
        super().__init__(name, _facts(args), opts)
        gitops = engine(args.place.cluster)
        order = position(definition) * STEP
        # A namespace and a release take the service's data with them: in production they are unprotected first, and the
        # GitOps engine keeps them when its root goes.
        keep_data = args.place.cluster.keep_data
        keep = kept(keep_data)
        namespace = _namespace(definition, dict(gitops.marks(order, keep=keep_data)))
        last: list[pulumi.Resource] = [resource(f"{name}-namespace", namespace, opts=self.child(keep))]
        values = definition.values(args.settings, args.place)
        last = [
            gitops.release(
                f"{name}-{chart.name}",
                _release(definition, chart, values[chart.name], order + 1 + number, keep=keep_data),
                self.child(pulumi.ResourceOptions.merge(keep, pulumi.ResourceOptions(depends_on=last))),
            )
            for number, chart in enumerate(chart for chart in definition.charts if chart.name in values)
        ]
        for manifest in definition.objects(args.settings, args.place):
            marked = {**manifest, "metadata": _marked(manifest["metadata"], dict(gitops.marks(order + STEP - 1)))}
            resource(f"{name}-{logical(manifest)}", marked, self.child(pulumi.ResourceOptions(depends_on=last)))
        self.register_outputs({"namespace": definition.namespace})


def _facts(args: ServiceArgs) -> dict[str, Any]:
    definition = args.definition
    return {
        "service": definition.name,
        "charts": {chart.name: chart.version for chart in definition.charts},
        "namespace": definition.namespace,
        "haven": list(definition.haven),
    }


def _namespace(definition: AnyService, annotations: dict[str, str]) -> dict[str, Any]:
    level = definition.pod_security
    labels = {
        "kade/layer": "services",
        "kade/service": definition.name,
        ROUTES_LABEL: GATEWAY,
        "pod-security.kubernetes.io/enforce": level,
        # What is above `restricted` stays visible even where it must be allowed.
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": level,
    }
    metadata = {"name": definition.namespace, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _release(definition: AnyService, chart: Chart, values: dict[str, Any], order: int, *, keep: bool) -> Release:
    alone = len(definition.charts) == 1
    source = Source(
        repository=chart.repository,
        version=chart.version,
        chart=chart.name,
        values=values,
    )
    return Release(
        name=definition.name if alone else chart.name,
        namespace=definition.namespace,
        project=PROJECT,
        source=source,
        position=order,
        ready=definition.ready,
        keep=keep,
    )


def _marked(metadata: dict[str, Any], annotations: dict[str, str]) -> dict[str, Any]:
    return {**metadata, "annotations": {**metadata.get("annotations", {}), **annotations}}
