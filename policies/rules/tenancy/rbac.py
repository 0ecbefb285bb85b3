"""What the rules on rights share: which roles reach a team, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policies.kernel.finding import Outcome, Subject
from policies.kernel.rule import Rule
from policies.kernel.words import Severity
from policies.model.access import BUILT_IN, Binding, Grant
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import fails, undetermined
from policies.rules.tenancy.shared import Teams, summed, team_fences, tenancy

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


def rights(model: Model, parameters: Teams) -> Iterator[Right | Outcome]:
    """Yield what reaches a team: roles in its namespaces, and roles that are bound there or to its accounts."""
    names = {fence.name for fence, _ in team_fences(model, parameters)[0]}
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
        if not _reaches(binding, names):
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


def _reaches(binding: Binding, names: set[str]) -> bool:
    if not binding.cluster:
        return binding.subject.namespace in names
    return not isinstance(binding.holders, Unknown) and any(account_of(binding, names))


def account_of(binding: Binding, names: set[str]) -> Iterator[str]:
    """Yield the paths at which a binding names service accounts of these namespaces."""
    if isinstance(binding.holders, Unknown):
        return
    for holder in binding.holders:
        group = str(holder.name).removeprefix("system:serviceaccounts:")
        own = holder.namespace or binding.subject.namespace
        if (holder.kind == "ServiceAccount" and own in names) or (holder.kind == "Group" and group in names):
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
        looks_at=f"{what}, in roles of teams' namespaces and in every role that is bound there or to their service"
        " accounts.",
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

    def check(model: Model, parameters: Teams) -> Iterator[Outcome]:
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
    return tenancy(slug, title=title, rationale=rationale, looks_at=looks_at, severity=severity, cis=cis, fix=fix)(
        check
    )
