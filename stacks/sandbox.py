"""Every layer of one environment in one program: for an environment of stage sandbox, whose stack has its name."""

from __future__ import annotations

import pulumi

from components.base import Layer
from stacks.cluster import deploy_cluster
from stacks.loading import Organisation, both
from stacks.machines import deploy_machines
from stacks.services import deploy_services
from stacks.teams import deploy_team


def deploy_sandbox(files: Organisation, name: str) -> None:
    """Build machines, cluster, services and every team.

    Raises:
        FaultsError: every fault in the environment's, the cluster's and all teams' files.

    """
    environment = files.environment(name)
    cluster, teams = both(lambda: files.cluster(environment.cluster), lambda: files.teams(name))
    keep_data = files.keeps_data(environment.cluster)

    machines = deploy_machines(cluster, keep_data=keep_data)
    handle = deploy_cluster(cluster, machines, keep_data=keep_data, debug=files.debugs(environment.cluster))
    services = Layer("services")
    deploy_services(cluster, handle, parent=services)
    above_teams = Layer("teams", pulumi.ResourceOptions(depends_on=[services]))
    for team, apps in teams:
        deploy_team(environment, team, apps, handle, parent=above_teams)
    pulumi.export("handle", handle.export())
