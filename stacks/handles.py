"""Handles between layers: the declared part from the files, the observed part from the earlier stack."""

from __future__ import annotations

from typing import Any, cast

import pulumi
from pulumi.output import UNKNOWN

from components.cluster.handle import (
    HANDLE_VERSION,
    STORAGE_CLASSES,
    ClusterDeclared,
    ClusterHandle,
    ClusterObserved,
    GitOps,
)
from components.machines.handle import MachinesDeclared, MachinesHandle, MachinesObserved, Node, Role
from inputs.faults import Fault, FaultsError
from stacks.joining import read_outputs, reason_of, received
from stacks.models.cluster import ClusterFile, NodePool
from stacks.runner import identity_faults, kubeconfig, require_identity


def nodes(cluster: ClusterFile) -> tuple[Node, ...]:
    """Return every machine of a cluster; within a pool they take turns over its zones."""
    return (*_pool(cluster, cluster.control_plane, "controlplane"), *_pool(cluster, cluster.workers, "worker"))


def _pool(cluster: ClusterFile, pool: NodePool, role: Role) -> tuple[Node, ...]:
    zones = pool.zones or tuple(zone.name for zone in cluster.zones)
    noun = "control-plane" if role == "controlplane" else "worker"
    return tuple(
        Node(
            name=f"{cluster.name}-{noun}-{number}",
            role=role,
            zone=zones[(number - 1) % len(zones)],
            address=str(address),
            cpus=pool.cpus,
            memory_gib=pool.memory_gib,
            disk_gib=pool.disk_gib,
        )
        for number, address in enumerate(pool.addresses, 1)
    )


def machines_declared(cluster: ClusterFile) -> MachinesDeclared:
    """Return what the files say of a cluster's machines."""
    return MachinesDeclared(cluster=cluster.name, nodes=nodes(cluster))


def cluster_declared(cluster: ClusterFile, keep_data: bool) -> ClusterDeclared:
    """Return what the files say of a cluster."""
    balancer = cluster.network.load_balancer
    return ClusterDeclared(
        name=cluster.name,
        domain=cluster.domain,
        endpoint=cluster.endpoint,
        kubernetes_version=cluster.versions.kubernetes,
        zones=tuple(zone.name for zone in cluster.zones),
        workers=cluster.workers.count,
        storage_classes=STORAGE_CLASSES,
        load_balancer_range=(str(balancer.first), str(balancer.last)),
        pod_network=str(cluster.network.pods),
        service_network=str(cluster.network.services),
        issuer=cluster.endpoint,
        identity_issuer=cluster.identity.issuer if cluster.identity else None,
        vault_address=cluster.vault.address if cluster.vault else None,
        vault_directory=bool(cluster.vault and cluster.vault.people.ldap),
        delivery=cluster.delivery,
        gitops=GitOps(
            engine=cluster.gitops.engine, repository=cluster.gitops.repository, revision=cluster.gitops.revision
        ),
        keep_data=keep_data,
    )


def read_machines_handle(cluster: ClusterFile) -> MachinesHandle:
    """Return the handle of the machines stack: from its outputs, or from the hand-over file where there are such.

    Raises:
        FaultsError: at `up` there is no handle yet; at any time it is another cluster's or of a newer version, or the
            hand-over file is not accepted.

    """
    if cluster.handover:
        handed = received(cluster, "machines")
        found = handed.facts.model_dump() if handed else None
    else:
        found = _read(f"{cluster.name}-machines", "machines", cluster.name)
    declared = machines_declared(cluster)
    known: dict[str, Any] = (found or {}).get("machines", {})
    _require_machines([node.name for node in declared.nodes if node.name not in known], cluster)
    observed = MachinesObserved(
        machines={node.name: _output(known, node.name) for node in declared.nodes},
        installer=_output(found, "installer"),
    )
    return MachinesHandle(declared=declared, observed=observed)


def _require_machines(missing: list[str], cluster: ClusterFile) -> None:
    """Refuse to configure machines that were not handed over; a preview may come before them."""
    if missing and not pulumi.runtime.is_dry_run():
        stack = f"{cluster.name}-machines"
        what = f"the machines {', '.join(missing)} stand in the cluster's file and were not handed over"
        remedy = f"Run `pulumi up --stack {stack}` first" + (", and hand over again." if cluster.handover else ".")
        raise FaultsError([Fault(f"stack {stack}", 0, "handle", what, remedy)])


def read_cluster_handle(cluster: ClusterFile, keep_data: bool) -> ClusterHandle:
    """Return the handle of the cluster stack: from its outputs, or from the hand-over file where there are such.

    Raises:
        FaultsError: at `up` there is no handle yet; at any time it is another cluster's or of a newer version, or the
            hand-over file is not accepted, or the runner has no identity.

    """
    if cluster.handover:
        return ClusterHandle(declared=cluster_declared(cluster, keep_data), observed=_handed_over(cluster))
    found = _read(f"{cluster.name}-cluster", "cluster", cluster.name)
    observed = ClusterObserved(
        kubeconfig=pulumi.Output.secret(_output(found, "kubeconfig")),
        ca=_output(found, "ca"),
        uid=_output(found, "uid"),
    )
    return ClusterHandle(declared=cluster_declared(cluster, keep_data), observed=observed)


def _handed_over(cluster: ClusterFile) -> ClusterObserved:
    """Return what the cluster layer handed over in a file, with a kubeconfig for the runner itself."""
    handed = received(cluster, "cluster")
    facts = handed.facts.model_dump() if handed else None
    stack = pulumi.get_stack()
    if not pulumi.runtime.is_dry_run():
        require_identity(stack)
    elif faults := identity_faults(stack):
        # The kubeconfig stays the same text, so the plan does not change; the provider only cannot ask the cluster.
        pulumi.log.info(f"this preview does not ask the cluster: {faults[0].what}")
    ca = _output(facts, "ca")
    text = ca.apply(lambda known: kubeconfig(cluster.name, cluster.endpoint, str(known)))
    return ClusterObserved(kubeconfig=text, ca=ca, uid=_output(facts, "uid"))


def _output(found: dict[str, Any] | None, key: str) -> pulumi.Output[Any]:
    """Return one observed value; unknown where the earlier stack is missing, which only a preview can meet."""
    return pulumi.Output.from_input(UNKNOWN if found is None else found.get(key, UNKNOWN))


def _read(stack: str, kind: str, cluster: str) -> dict[str, Any] | None:
    """Return the exported handle of a stack, or `None` at preview where there is none yet."""
    reason = "it has no output `handle`"
    outputs: dict[str, Any] = {}
    try:
        outputs = read_outputs(stack)
    except Exception as error:  # the SDK raises plain `Exception` for a stack that does not exist
        reason = reason_of(error)
    handle = cast("dict[str, Any] | None", outputs.get("handle"))
    if handle is None:
        if pulumi.runtime.is_dry_run():
            pulumi.log.info(f"{stack} has not been up: what it hands over is unknown in this preview ({reason})")
            return None
        remedy = f"Run `pulumi up --stack {stack}` first."
        raise FaultsError(
            [Fault(f"stack {stack}", 0, "handle", f"what this stack builds on is missing: {reason}", remedy)]
        )
    _check(handle, stack, kind, cluster)
    return handle


def _check(handle: dict[str, Any], stack: str, kind: str, cluster: str) -> None:
    """Refuse a handle that is not the expected one."""
    what, remedy = "", ""
    if int(handle.get("version", 0)) > HANDLE_VERSION:
        what = f"the handle has version {int(handle['version'])}, newer than {HANDLE_VERSION}"
        remedy = "Use the release of Kade that wrote it, or a later one."
    elif handle.get("kind") != kind or handle.get("cluster") != cluster:
        what = f"the handle is not the {kind} handle of cluster `{cluster}`"
        remedy = f"Run `pulumi up --stack {stack}` again from this organisation's files."
    if what:
        raise FaultsError([Fault(f"stack {stack}", 0, "handle", what, remedy)])
