"""The services layer: the GitOps engine, then the Haven+ services that the cluster file names."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.handle import ClusterHandle
from components.gitops.delivery import Engine, EngineArgs, engine, root_of
from components.services.catalogue import in_order
from components.services.definition import Place
from components.services.service import PROJECT, Service, ServiceArgs, services_project
from stacks.delivery import children_provider
from stacks.models.cluster import ClusterFile


def deploy_services(cluster: ClusterFile, handle: ClusterHandle, *, parent: pulumi.Resource | None = None) -> None:
    """Build the services of one cluster.

    `parent` stands above everything that is made; the stack that runs all layers gives what must be there first.
    """
    declared = handle.declared
    services = in_order(cluster.services)
    provider = k8s.Provider(
        "services-cluster",
        kubeconfig=handle.observed.kubeconfig,
        enable_server_side_apply=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    gitops = engine(declared)
    project = services_project(services, engine_namespace=gitops.namespace, repository=declared.gitops.repository)
    delivery = Engine(
        "gitops",
        EngineArgs(cluster=declared, projects=[project]),
        pulumi.ResourceOptions(parent=parent, providers=[provider]),
    )
    children = children_provider("services", declared.delivery, provider, pulumi.ResourceOptions(parent=parent))
    place = Place(cluster=declared, services=cluster.services)
    made: dict[str, Service] = {}
    for definition in services:
        before = [made[name] for name in (*definition.requires, *definition.follows) if name in made]
        made[definition.name] = Service(
            definition.name,
            ServiceArgs(definition=definition, settings=cluster.services[definition.name], place=place),
            # The projects, not only the engine: on the way back the children go first, then the projects.
            pulumi.ResourceOptions(parent=parent, providers=[children], depends_on=[*delivery.projects, *before]),
        )
    if declared.delivery == "git":
        gitops.root(
            "services-root",
            root_of(f"{declared.name}-services", PROJECT, declared),
            pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=[*delivery.projects]),
        )
