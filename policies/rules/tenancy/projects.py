"""What the rules on projects of Argo CD share: which projects are teams', and how a rule looks at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Annotated

from policies.kernel.finding import Outcome
from policies.kernel.rule import weakens
from policies.model.model import Model
from policies.model.projects import Place, Project
from policies.model.values import Unknown
from policies.rules.outcomes import fails, not_here, passes, undetermined
from policies.rules.tenancy.shared import Teams

_SIGN_IN = re.compile(r"//[^/@]*@")
"""Name and password in an address: never in a finding."""


class Projects(Teams):
    """Which projects are not teams'."""

    platform: Annotated[tuple[str, ...], weakens("any")] = ("services", "platform")
    """Projects of the platform itself, by name or pattern; every other one must be bounded."""


def judge(
    model: Model,
    parameters: Projects,
    places: Callable[[Project], Iterable[Place]],
    wrong_with: Callable[[Project, str], str | None],
    expected: str,
    right: str,
) -> Iterator[Outcome]:
    """Look at the places of each project that is not the platform's.

    `wrong_with` says what is wrong with a value of a project; `None` where nothing is.
    """
    found = [
        project
        for project in model.projects
        if not any(fnmatchcase(project.subject.name, pattern) for pattern in parameters.platform)
    ]
    clean = True
    for project in found:
        for place in places(project):
            if isinstance(place.value, Unknown):
                clean = False
                yield undetermined(project.subject, "A bound is not known yet.", [place.value], path=place.path)
                continue
            value = _SIGN_IN.sub("//", place.value or "")
            sentence = wrong_with(project, value)
            if sentence:
                clean = False
                yield fails(project.subject, sentence, path=place.path, expected=expected, actual=value or None)
    if not found:
        yield not_here(model, "There are no projects of teams here.")
    elif clean:
        yield passes(model.cluster, right.format(len(found)))
