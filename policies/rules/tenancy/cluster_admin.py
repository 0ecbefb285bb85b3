"""tenancy-cluster-admin: no user and no team's service account is cluster-admin."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import fails, not_here, passes, undetermined
from policies.rules.tenancy.rbac import Rights, groups_of_teams, own_holders
from policies.rules.tenancy.shared import team_fences, tenancy


@tenancy(
    "cluster-admin",
    title="No user and no team is cluster-admin",
    rationale="A person who is cluster-admin by name keeps it when the group is left; a team that is has no fence.",
    looks_at="Every binding to `cluster-admin`: no user by name, no service account of a team's namespace, no group"
    " of the directory that is bound in one team's namespaces only. Another group may be, for the platform's people.",
    severity=Severity.CRITICAL,
    cis=("5.1.1",),
    parameters=Rights,
    fix="Bind a group of the directory, and only the platform's.",
)
def cluster_admin(model: Model, parameters: Rights) -> Iterator[Outcome]:
    """Look at who is bound to cluster-admin."""
    names = {fence.name for fence, _ in team_fences(model, parameters)[0]}
    groups = groups_of_teams(model, parameters)
    bindings = model.access.bindings
    wrong = False
    for binding in bindings:
        if isinstance(binding.role, Unknown) or isinstance(binding.holders, Unknown):
            gap = binding.role if isinstance(binding.role, Unknown) else binding.holders
            wrong = True
            sentence = "Whether this binds somebody to cluster-admin is not known yet."
            yield undetermined(binding.subject, sentence, [gap] if isinstance(gap, Unknown) else ())
            continue
        if binding.role != "cluster-admin" or binding.role_kind != "ClusterRole":
            continue
        own = set(own_holders(binding, names, groups))
        inside = not binding.cluster and binding.subject.namespace in names
        for holder in binding.holders:
            unknown = [one for one in (holder.kind, holder.name) if isinstance(one, Unknown)]
            if unknown:
                wrong = True
                yield undetermined(binding.subject, "Who is cluster-admin is not known yet.", unknown, path=holder.path)
            elif holder.kind == "User" or holder.path in own or inside:
                wrong = True
                who = f"{holder.kind} {holder.name}"
                sentence = f"{who} is cluster-admin."
                yield fails(binding.subject, sentence, path=holder.path, expected="a group of the platform", actual=who)
    if not wrong:
        if bindings:
            yield passes(model.cluster, f"None of {len(bindings)} bindings makes a user or a team cluster-admin.")
        else:
            yield not_here(model, "There are no bindings here.")
