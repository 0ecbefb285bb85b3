"""What the rules on fences share: which namespaces are teams', and how a rule looks at each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from policies.kernel.finding import Outcome
from policies.kernel.registry import RULES
from policies.kernel.rule import Check, Control, Parameters, Rule, weakens
from policies.model.fences import Fence
from policies.model.model import Model
from policies.model.namespaces import TEAM_LABELS
from policies.model.values import Unknown
from policies.rules.haven.shared import DECIDED, bio2_controls
from policies.rules.outcomes import not_here, passes, undetermined


class Teams(Parameters):
    """Which namespaces are teams'."""

    team_labels: Annotated[tuple[str, ...], weakens("any")] = TEAM_LABELS
    """Labels that make a namespace a team's. Default: those that Kade writes, and the plain word."""


def tenancy(
    slug: str,
    *,
    bio2: tuple[str, ...] = ("8.03.01",),
    cis: tuple[str, ...] = (),
    nis2: str = "21.2.i",
    parameters: type[Parameters] = Teams,
    **fields: Any,
) -> Callable[[Check], Rule]:
    """Register a rule on fences."""
    controls = (
        *(Control("CIS Kubernetes", "1.12", number) for number in cis),
        *bio2_controls(*bio2),
        Control("NIS2", "2022/2555", nis2),
    )
    return RULES.rule(
        id=f"tenancy-{slug}",
        category="Tenancy",
        controls=controls,
        decidable=DECIDED,
        parameters=parameters,
        **fields,
    )


def team_fences(model: Model, parameters: Teams) -> tuple[list[tuple[Fence, str]], list[Unknown]]:
    """Return the namespaces of teams with their team, and what is not known of whose the others are."""
    found: list[tuple[Fence, str]] = []
    unknown: list[Unknown] = []
    for fence in model.fences:
        team = fence.team(parameters.team_labels)
        if isinstance(team, Unknown):
            unknown.append(team.of(fence.subject))
        elif team is not None:
            found.append((fence, team))
    return found, unknown


def each(
    model: Model, parameters: Teams, look: Callable[[Fence, str], Iterator[Outcome]], right: str
) -> Iterator[Outcome]:
    """Look at each team's namespace; say once how many are right."""
    found, unknown = team_fences(model, parameters)
    wrong = False
    for gap in unknown:
        wrong = True
        assert gap.subject is not None  # given by team_fences
        yield undetermined(gap.subject, "Whose the namespace is, is not known yet.", [gap], path=gap.path)
    for fence, team in found:
        for outcome in look(fence, team):
            wrong = True
            yield outcome
    yield from summed(model, len(found), right, wrong=wrong)


def summed(model: Model, number: int, right: str, *, wrong: bool) -> Iterator[Outcome]:
    """Say that everything is right, or that nothing is here; nothing where something was said already."""
    if wrong:
        return
    if number:
        yield passes(model.cluster, right.format(number))
    else:
        yield not_here(model, "There are no namespaces of teams here.")


def strays(fence: Fence, *kinds: str) -> list[Unknown]:
    """Return the namespaces that are not known yet of objects of these kinds."""
    return [one for kind in kinds for one in fence.strays[kind]]
