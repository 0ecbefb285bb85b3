"""A cluster on its machines: configuration, network, addresses, storage and certificates."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s
import pulumiverse_talos as talos

from components.cluster.certificates import CertificateApprover, CertificateApproverArgs
from components.cluster.cilium import Cilium, CiliumArgs
from components.cluster.cloud_provider import CloudProvider, CloudProviderArgs, VCenterAccess
from components.cluster.handle import ClusterDeclared, ClusterHandle, ClusterObserved
from components.cluster.patches import ClusterNetwork, Identity
from components.cluster.runners import Runners, RunnersArgs
from components.cluster.storage import Storage, StorageArgs
from components.cluster.talos import TalosCluster, TalosClusterArgs
from components.gitops.delivery import engine
from components.machines.handle import MachinesHandle
from components.services.catalogue import in_order
from stacks.credentials import secret
from stacks.handles import cluster_declared
from stacks.models.cluster import ClusterFile


def deploy_cluster(cluster: ClusterFile, machines: MachinesHandle, *, keep_data: bool, debug: bool) -> ClusterHandle:
    """Build a cluster on machines that wait for their configuration.

    `debug` says whether people may enter pods in an environment on it.
    """
    declared = cluster_declared(cluster, keep_data)
    network = _network(cluster)
    vcenter = VCenterAccess(
        server=cluster.vsphere.server,
        datacenter=cluster.vsphere.datacenter,
        user=secret("vcenterClusterUser"),
        password=secret("vcenterClusterPassword"),
    )
    talos_cluster = TalosCluster(
        "talos",
        TalosClusterArgs(
            name=cluster.name,
            endpoint=cluster.endpoint,
            machines=machines,
            network=network,
            region=cluster.vsphere.region,
            talos_version=cluster.versions.talos,
            kubernetes_version=cluster.versions.kubernetes,
            identity=_identity(cluster),
            keep_data=keep_data,
        ),
        pulumi.ResourceOptions(providers=[talos.Provider("cluster-talos")]),
    )
    kubernetes = k8s.Provider("cluster-kubernetes", kubeconfig=talos_cluster.kubeconfig, enable_server_side_apply=True)
    inside = pulumi.ResourceOptions(providers=[kubernetes])

    cilium = Cilium(
        "cilium",
        CiliumArgs(load_balancer=network.load_balancer, nodes=len(machines.declared.nodes)),
        inside,
    )
    provider = CloudProvider(
        "vsphere-cpi",
        CloudProviderArgs(vcenter=vcenter, machines=network.machines, vip=network.vip),
        pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[cilium.release])),
    )
    initialised = pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[provider.release]))
    approver = CertificateApprover(
        "certificate-approver",
        CertificateApproverArgs(cluster=cluster.name, machines=network.machines),
        initialised,
    )
    storage = Storage(
        "vsphere-csi",
        StorageArgs(cluster=cluster.name, vcenter=vcenter, policy=cluster.vsphere.storage_policy, keep_data=keep_data),
        initialised,
    )
    if cluster.runners.services or cluster.runners.teams:
        Runners("runners", _runners(cluster, declared, debug=debug), inside)
    # What comes next needs network, certificates and storage, so the kubeconfig is handed over after them.
    ready = pulumi.Output.all(talos_cluster.kubeconfig, approver.release.id, storage.storage_class.id)
    return ClusterHandle(
        declared=declared,
        observed=ClusterObserved(
            kubeconfig=pulumi.Output.secret(ready.apply(lambda known: str(known[0]))),
            ca=talos_cluster.ca,
            uid=talos_cluster.uid,
        ),
    )


def _network(cluster: ClusterFile) -> ClusterNetwork:
    network = cluster.network
    return ClusterNetwork(
        machines=str(network.machines),
        prefix_length=network.machines.prefixlen,
        gateway=str(network.gateway),
        nameservers=[str(address) for address in network.nameservers],
        time_servers=network.time_servers,
        pods=str(network.pods),
        services=str(network.services),
        vip=str(cluster.control_plane.vip),
        load_balancer=(str(network.load_balancer.first), str(network.load_balancer.last)),
    )


def _runners(cluster: ClusterFile, declared: ClusterDeclared, *, debug: bool) -> RunnersArgs:
    return RunnersArgs(
        services=cluster.runners.services,
        teams=cluster.runners.teams,
        direct=cluster.delivery == "direct",
        debug=debug,
        engine_namespace=engine(declared).namespace,
        platform_namespaces=sorted({service.namespace for service in in_order(cluster.services)}),
    )


def _identity(cluster: ClusterFile) -> Identity | None:
    if cluster.identity is None:
        return None
    return Identity(
        issuer=cluster.identity.issuer,
        client_id=cluster.identity.client_id,
        groups_claim=cluster.identity.groups_claim,
        username_claim=cluster.identity.username_claim,
    )
