"""Reading the organisation's files before an engine is started: every file, or those of one stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from inputs.faults import FaultsError
from policies.kernel.exemption import read_exemptions
from policies.kernel.settings import read_settings
from policies.rules import load
from stacks import program
from stacks.apps import team_faults
from stacks.loading import PROJECT, Organisation, collect
from stacks.names import parse_stack
from stacks.strays import refuse_strays


def read_all(organisation: Organisation) -> None:
    """Read everything.

    Raises:
        FaultsError: every fault in every file.

    """
    collect(list(_reads(organisation)))


def _reads(organisation: Organisation) -> Iterator[Callable[[], object]]:
    yield partial(refuse_strays, organisation)
    for cluster in organisation.cluster_names():
        yield partial(organisation.cluster, cluster)
    for environment in organisation.environment_names():
        yield partial(organisation.environment, environment)
    for team in organisation.all_team_names():
        yield partial(organisation.team, team)
        for environment in organisation.environment_names():
            yield partial(_team, organisation, team, environment)
    yield partial(_reviewers, organisation)


def _team(organisation: Organisation, team: str, environment: str) -> None:
    """Read what a team has in an environment, and check it against what the environment gives."""
    apps = organisation.apps(team, environment)
    try:
        found, place = organisation.team(team), organisation.environment(environment)
        organisation.cluster(place.cluster)
    except FaultsError:
        return  # reported where it is read for itself
    if environment in found.environments and (faults := team_faults(place, found, apps)):
        raise FaultsError(faults)


def read_for(stack: str, organisation: Organisation) -> None:
    """Read the files that one stack needs.

    Raises:
        FaultsError: the stack's name fits nothing, or every fault in the files that it reads.

    """
    target = parse_stack(stack, organisation)
    reads: list[Callable[[], object]] = [partial(program.read, target, organisation)]
    if target.environment is not None:
        teams = (target.team,) if target.team else organisation.all_team_names()
        reads += [partial(_team, organisation, team, target.environment) for team in teams]
    collect([*reads, partial(_reviewers, organisation)])


def _reviewers(organisation: Organisation) -> None:
    """Read what policy reviewers write: the pack would refuse it too, but only once the engine runs."""
    folder, rules = organisation.root / "policies", load()
    settings = read_settings(folder / "settings.yaml", rules, PROJECT)
    read_exemptions(folder / "exemptions.yaml", rules, settings, PROJECT)
