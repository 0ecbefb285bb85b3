"""Stack name → layer → one deploy function. Only what the layer needs is imported: each SDK costs time to load."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pulumi

from inputs.faults import FaultsError
from stacks.credentials import require
from stacks.loading import Organisation, both, collect, organisation
from stacks.names import Target, parse_stack

FAULTS_VARIABLE = "KADE_FAULTS"
"""Names a file for the faults that end the program: who started the engine then knows them from other errors."""


def run() -> None:
    """Build the stack that Pulumi asks for.

    Raises:
        RunError: something in the organisation's files or the stack's secrets is wrong; the message holds every fault.

    """
    try:
        files = organisation()
        target = parse_stack(pulumi.get_stack(), files)
        both(lambda: require(target.layer), lambda: read(target, files))
        deploy(target, files)
    except FaultsError as error:
        if report := os.environ.get(FAULTS_VARIABLE):
            Path(report).write_text(str(error), encoding="utf-8")
        raise pulumi.RunError(str(error)) from None


def read(target: Target, files: Organisation) -> None:
    """Read every file that the layer needs before anything is built; `deploy` then finds them read.

    Raises:
        FaultsError: every fault in every one of them.

    """
    reads: list[Callable[[], object]] = [lambda: files.cluster(target.cluster)]
    environment, team = target.environment, target.team
    if environment and team:
        reads += [lambda: files.team(team), lambda: files.apps(team, environment)]
    elif environment:
        reads += [lambda: files.teams(environment)]
    collect(reads)


def deploy(target: Target, files: Organisation) -> None:
    """Build the layer from its files."""
    match target.layer:
        case "machines":
            from stacks.machines import deploy_machines

            machines = deploy_machines(files.cluster(target.cluster), keep_data=files.keeps_data(target.cluster))
            pulumi.export("handle", machines.export())
        case "cluster":
            from stacks.cluster import deploy_cluster
            from stacks.handles import read_machines_handle

            cluster = files.cluster(target.cluster)
            keep_data = files.keeps_data(target.cluster)
            machines = read_machines_handle(cluster)
            handle = deploy_cluster(cluster, machines, keep_data=keep_data, debug=files.debugs(target.cluster))
            pulumi.export("handle", handle.export())
        case "services":
            from stacks.handles import read_cluster_handle
            from stacks.services import deploy_services

            cluster = files.cluster(target.cluster)
            deploy_services(cluster, read_cluster_handle(cluster, files.keeps_data(target.cluster)))
        case "team":
            from stacks.handles import read_cluster_handle
            from stacks.teams import deploy_team

            assert target.environment
            assert target.team
            environment = files.environment(target.environment)
            cluster = files.cluster(target.cluster)
            handle = read_cluster_handle(cluster, files.keeps_data(target.cluster))
            team = files.team(target.team)
            deploy_team(environment, team, files.apps(target.team, target.environment), handle)
        case "all":
            from stacks.sandbox import deploy_sandbox

            assert target.environment
            deploy_sandbox(files, target.environment)
