"""The name of a stack says what it builds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inputs.faults import Fault, FaultsError, nearest
from stacks.loading import Organisation

Layer = Literal["machines", "cluster", "services", "team", "all"]
"""What a stack builds. `all`: every layer in one program, for an environment of stage sandbox."""

CLUSTER_LAYERS: tuple[Layer, ...] = ("machines", "cluster", "services")


@dataclass(frozen=True)
class Target:
    """What a stack's name means."""

    layer: Layer
    """The layer."""
    cluster: str
    """Name of the cluster it belongs to."""
    environment: str | None = None
    """Name of the environment; only for layers `team` and `all`."""
    team: str | None = None
    """Name of the team; only for layer `team`."""


def parse_stack(name: str, organisation: Organisation) -> Target:
    """Return what the stack builds.

    Raises:
        FaultsError: the name fits nothing (the message lists what fits), or its environment's file has faults.

    """
    for layer in CLUSTER_LAYERS:
        cluster = name.removesuffix(f"-{layer}")
        if cluster != name and cluster in organisation.cluster_names():
            return Target(layer, cluster)
    environment, infix, team = name.partition("-team-")
    if infix and environment in organisation.environment_names() and team in organisation.all_team_names():
        cluster = organisation.environment(environment).cluster
        organisation.team_in(team, environment)
        return Target("team", cluster, environment, team)
    if name in organisation.environment_names():
        found = organisation.environment(name)
        if found.stage == "sandbox":
            return Target("all", found.cluster, name)
    raise FaultsError([_fits_nothing(name, organisation)])


def stacks_of(environment: str, organisation: Organisation) -> tuple[str, ...]:
    """Return the stacks of an environment, each after those that it builds on.

    Raises:
        FaultsError: the environment's file or a team's file has faults.

    """
    found = organisation.environment(environment)
    if found.stage == "sandbox":
        return (environment,)
    below = tuple(f"{found.cluster}-{layer}" for layer in CLUSTER_LAYERS)
    return (*below, *(f"{environment}-team-{team}" for team in organisation.team_names(environment)))


def stack_names(organisation: Organisation) -> tuple[str, ...]:
    """Return the name of every stack that fits, from the files' names and the stages of the environments."""
    names = [f"{cluster}-{layer}" for cluster in organisation.cluster_names() for layer in CLUSTER_LAYERS]
    for environment in organisation.environment_names():
        try:
            if organisation.environment(environment).stage == "sandbox":
                names.append(environment)
        except FaultsError:
            pass  # its own stacks report it
        for team in organisation.all_team_names():
            try:
                if environment in organisation.team(team).environments:
                    names.append(f"{environment}-team-{team}")
            except FaultsError:
                names.append(f"{environment}-team-{team}")  # it may be meant: that stack then reports the fault
    return tuple(sorted(names))


def _fits_nothing(name: str, organisation: Organisation) -> Fault:
    names = stack_names(organisation)
    if name in organisation.environment_names():
        what = "an environment is built by its cluster's stacks and one stack per team, unless its stage is sandbox"
    else:
        what = "no cluster, environment or team has a stack of this name"
    remedy = f"{nearest(name, names)} Stacks: {', '.join(names) or 'none'}.".strip()
    return Fault(f"stack {name}", 0, "", what, remedy)
