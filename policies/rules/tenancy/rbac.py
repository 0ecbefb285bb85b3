"""What the rules on rights share: which roles reach a team, and what they give."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any

from policies.kernel.finding import Outcome, Subject
from policies.kernel.rule import Rule, weakens
from policies.kernel.words import Severity
from policies.model.access import BUILT_IN, Binding, Grant
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import fails, undetermined
from policies.rules.tenancy.shared import Teams, summed, team_fences, tenancy


class Rights(Teams):
    """Which rights are teams'."""

    platform_groups: Annotated[tuple[str, ...], weakens("any")] = ()
    """Groups of the directory that are the platform's, by name or pattern.

    Default: none. A group that is bound in the namespaces of one team only is taken for that team's; name here the
    platform's own where it is bound so."""


_KINDS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


@dataclass(frozen=True, kw_only=True)
class Right:
    """A rule of a role that reaches a team."""

    subject: Subject
    grant: Grant
    everywhere: bool
    """Whether it holds in every namespace."""


@dataclass(frozen=True)
class Ask:
    """What a rule asks of a grant: one of these verbs on one of these resources."""

    verbs: tuple[str, ...]
    group: str
    resources: tuple[str, ...]


def rights(model: Model, parameters: Rights) -> Iterator[Right | Outcome]:
    """Yield what reaches a team: roles in its namespaces, and roles that are bound there or to its own people."""
    names = {fence.name for fence, _ in team_fences(model, parameters)[0]}
    groups = groups_of_teams(model, parameters)
    if not names:
        return
    hidden = [gap for kind in _KINDS if (gap := model.unreadable(kind)) is not None]
    if hidden:
        yield undetermined(model.cluster, "Not every role and binding could be read.", hidden)
    seen: set[tuple[Subject, bool]] = set()
    for role in model.access.roles:
        if role.subject.namespace in names:
            seen.add((role.subject, False))
            yield from (Right(subject=role.subject, grant=grant, everywhere=False) for grant in role.grants)
            if role.open:
                yield undetermined(role.subject, "What the role gives is not known yet.", role.open, path="rules")
    for binding in model.access.bindings:
        if not _reaches(binding, names, groups):
            continue
        if isinstance(binding.role, Unknown):
            sentence = "Which role is given is not known yet."
            yield undetermined(binding.subject, sentence, [binding.role], path="roleRef.name")
            continue
        role = model.access.role_of(binding)
        if role is None:
            yield from _unseen(binding)
        elif (role.subject, binding.cluster) not in seen:
            seen.add((role.subject, binding.cluster))
            for grant in role.grants:
                yield Right(subject=role.subject, grant=grant, everywhere=binding.cluster)
            if role.open:
                yield undetermined(role.subject, "What the role gives is not known yet.", role.open, path="rules")


def _unseen(binding: Binding) -> Iterator[Right | Outcome]:
    if binding.role_kind == "ClusterRole" and binding.role in BUILT_IN:
        for grant in BUILT_IN[str(binding.role)]:
            yield Right(subject=binding.subject, grant=grant, everywhere=binding.cluster)
        return
    gap = Unknown("roleRef.name", f"the {binding.role_kind} {binding.role} is not seen here", binding.subject)
    yield undetermined(binding.subject, "What the role gives is not seen here.", [gap], path="roleRef.name")


def _reaches(binding: Binding, names: set[str], groups: set[str]) -> bool:
    if not binding.cluster:
        return binding.subject.namespace in names
    return not isinstance(binding.holders, Unknown) and any(own_holders(binding, names, groups))


def groups_of_teams(model: Model, parameters: Rights) -> set[str]:
    """Return the groups of the directory that are a team's: those that are bound in the namespaces of one team only."""
    teams = {fence.name: team for fence, team in team_fences(model, parameters)[0]}
    bound: dict[str, set[str]] = defaultdict(set)
    for binding in model.access.bindings:
        team = None if binding.cluster else teams.get(binding.subject.namespace)
        if team is None or isinstance(binding.holders, Unknown):
            continue
        for holder in binding.holders:
            if holder.kind == "Group" and isinstance(holder.name, str) and not holder.name.startswith("system:"):
                bound[holder.name].add(team)
    platform = parameters.platform_groups
    return {
        name
        for name, whose in bound.items()
        if len(whose) == 1 and not any(fnmatchcase(name, pattern) for pattern in platform)
    }


def own_holders(binding: Binding, names: set[str], groups: set[str]) -> Iterator[str]:
    """Yield the paths at which a binding names a team's group, or service accounts of these namespaces."""
    if isinstance(binding.holders, Unknown):
        return
    for holder in binding.holders:
        group = str(holder.name).removeprefix("system:serviceaccounts:")
        own = holder.namespace or binding.subject.namespace
        if (holder.kind == "ServiceAccount" and own in names) or (holder.kind == "Group" and group in names | groups):
            yield holder.path


def forbids(
    slug: str,
    title: str,
    *asks: Ask,
    severity: Severity,
    cis: tuple[str, ...],
    rationale: str,
    what: str,
    everywhere: bool = False,
) -> Rule:
    """Register a rule: no role that reaches a team gives what is asked, or not in every namespace at once."""

    def look(right: Right) -> str | None:
        if everywhere and not right.everywhere:
            return None
        return next((found for ask in asks if (found := right.grant.gives(ask.verbs, ask.group, ask.resources))), None)

    return rights_rule(
        slug,
        title,
        look,
        severity=severity,
        cis=cis,
        rationale=rationale,
        looks_at=f"{what}, in roles of teams' namespaces and in every role that is bound there, to their service"
        " accounts or to their group of the directory.",
    )


def rights_rule(
    slug: str,
    title: str,
    look: Callable[[Right], str | None],
    *,
    severity: Severity,
    cis: tuple[str, ...],
    rationale: str,
    looks_at: str,
) -> Rule:
    """Register a rule on each right that reaches a team; `look` returns what is wrong with it."""

    def check(model: Model, parameters: Rights) -> Iterator[Outcome]:
        wrong = False
        for right in rights(model, parameters):
            if isinstance(right, Outcome):
                wrong = True
                yield right
                continue
            actual = look(right)
            if actual:
                wrong = True
                sentence = f"A team is given: {actual}."
                yield fails(right.subject, sentence, path=right.grant.path, expected="not given", actual=actual)
            elif right.grant.open:
                wrong = True
                sentence = "What the role gives is not known yet."
                yield undetermined(right.subject, sentence, right.grant.open, path=right.grant.path)
        number = len(team_fences(model, parameters)[0])
        yield from summed(model, number, "In {} namespaces of teams nobody is given it.", wrong=wrong)

    fix = "Give the verbs, resources and groups that are needed, and no more."
    fields: dict[str, Any] = {"title": title, "rationale": rationale, "looks_at": looks_at, "fix": fix}
    return tenancy(slug, severity=severity, cis=cis, parameters=Rights, **fields)(check)
