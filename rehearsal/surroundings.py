"""From the organisation's files to what a rehearsal must play around one cluster."""

from __future__ import annotations

from rehearsal.backends.site import Host, Site
from stacks.loading import Organisation
from stacks.models.cluster import ClusterFile


def site_of(organisation: Organisation, environment: str) -> Site:
    """Return the surroundings of an environment's cluster: all that its files take for granted.

    Raises:
        FaultsError: every fault in the files of the environment, its cluster and its teams.

    """
    cluster = organisation.cluster(organisation.environment(environment).cluster)
    where, balancer = cluster.vsphere, cluster.network.load_balancer
    teams = [team for team, _ in organisation.teams(environment)]
    return Site(
        environment=environment,
        cluster=cluster.name,
        api_endpoint=cluster.endpoint,
        pod_network=str(cluster.network.pods),
        service_network=str(cluster.network.services),
        load_balancer=(str(balancer.first), str(balancer.last)),
        vault_address=cluster.vault.address if cluster.vault else None,
        vcenter_server=where.server,
        datacenter=where.datacenter,
        compute_cluster=where.compute_cluster,
        hosts=_hosts(cluster),
        networks=(where.port_group,),
        storage_policies=(where.storage_policy,) if where.storage_policy else (),
        # One member of each group, so that every right that a file gives can be tried by somebody who has it.
        people={
            **{f"{team.name}-developer": (team.groups.deploy, team.groups.view) for team in teams},
            **{f"{team.name}-reader": (team.groups.view,) for team in teams},
            "outsider": (),
        },
    )


def _hosts(cluster: ClusterFile) -> tuple[Host, ...]:
    """Return every zone's hosts. The library's datastore and a replicated one would be within reach of all of them."""
    library = cluster.vsphere.content_library_datastore
    return tuple(
        Host(name=host, datastores=tuple(dict.fromkeys((zone.datastore, library))))
        for zone in cluster.zones
        for host in zone.hosts
    )
