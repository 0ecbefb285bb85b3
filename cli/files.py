"""Reading every file of the organisation, whichever stack needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from inputs.faults import FaultsError
from stacks.loading import Organisation, collect
from stacks.names import parse_stack


def read_all(organisation: Organisation) -> int:
    """Read every file and return how many readings it took.

    Raises:
        FaultsError: every fault in every file.

    """
    return len(collect(list(_reads(organisation))))


def _reads(organisation: Organisation) -> Iterator[Callable[[], object]]:
    for cluster in organisation.cluster_names():
        yield partial(organisation.cluster, cluster)
    for environment in organisation.environment_names():
        yield partial(organisation.environment, environment)
    for team in organisation.all_team_names():
        yield partial(organisation.team, team)
        for environment in organisation.environment_names():
            yield partial(organisation.apps, team, environment)


def read_for(stack: str, organisation: Organisation) -> int:
    """Read the files that one stack needs, before an engine is started for it, and return how many readings it took.

    Raises:
        FaultsError: the stack's name fits nothing, or every fault in the files that it reads.

    """
    target = parse_stack(stack, organisation)
    reads: list[Callable[[], object]] = [partial(organisation.cluster, target.cluster)]
    teams: tuple[str, ...] = ()
    if target.environment is not None:
        reads.append(partial(organisation.environment, target.environment))
        teams = (target.team,) if target.team else _teams(organisation, target.environment)
        reads += [partial(organisation.team, team) for team in teams]
        reads += [partial(organisation.apps, team, target.environment) for team in teams]
    return len(collect(reads))


def _teams(organisation: Organisation, environment: str) -> tuple[str, ...]:
    """Return the teams of an environment; where a team's file has faults, all of them, so that reading reports it."""
    try:
        return organisation.team_names(environment)
    except FaultsError:
        return organisation.all_team_names()
