"""tenancy-vault-policy: a team's policy in Vault reaches the team's own paths only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from policies.kernel.finding import Outcome
from policies.kernel.rule import weakens
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.model.vault import VaultPath
from policies.rules.outcomes import fails, not_here, passes, undetermined
from policies.rules.tenancy.shared import Teams, team_fences, tenancy


class VaultPaths(Teams):
    """Which paths are a team's."""

    paths: Annotated[tuple[str, ...], weakens("any")] = ("{team}/", "{team}-")
    """What a path of a team begins with. Default: an engine of its own, named after the team."""


@tenancy(
    "vault-policy",
    title="A team's policy in Vault reaches its own paths only",
    rationale="Namespaces bound pods; in Vault only the policy's text stands between two teams' passwords.",
    looks_at="The text of each `vault:index/policy:Policy` whose name begins with a team's name: every path must begin"
    " with the team's own, without a wildcard before its end, and no capability may be `sudo`.",
    severity=Severity.CRITICAL,
    parameters=VaultPaths,
    fix="Begin each path with the team's engine, and remove `sudo`.",
)
def vault_policy(model: Model, parameters: VaultPaths) -> Iterator[Outcome]:
    """Look at each path of each team's policy."""
    fences, unknown = team_fences(model, parameters)
    teams = sorted({team for _, team in fences}, key=len, reverse=True)
    judged = 0
    wrong = False
    for policy in model.vault_policies:
        team = next((one for one in teams if policy.name == one or policy.name.startswith(f"{one}-")), None)
        if team is None:
            if unknown:
                wrong = True
                yield undetermined(policy.subject, "Whose the policy is, is not known yet.", unknown, path="name")
            continue
        judged += 1
        if isinstance(policy.paths, Unknown):
            wrong = True
            sentence = "What the policy reaches is not known yet."
            yield undetermined(policy.subject, sentence, [policy.paths], path="policy")
            continue
        own = tuple(one.format(team=team) for one in parameters.paths)
        for path in policy.paths:
            sentence = _wrong(path, own, [other for other in teams if other.startswith(f"{team}-")])
            if sentence:
                wrong = True
                expected = " or ".join(f"{one}…" for one in own)
                yield fails(policy.subject, sentence, path=f"policy[{path.path}]", expected=expected, actual=path.path)
    if not judged and not wrong:
        yield not_here(model, "There are no policies of teams in Vault here.")
    elif not wrong:
        yield passes(model.cluster, f"{judged} policies in Vault reach their own team's paths only.")


def _wrong(path: VaultPath, own: tuple[str, ...], others: list[str]) -> str | None:
    if "sudo" in path.capabilities:
        return f"The policy gives `sudo` on {path.path}."
    first = path.path.partition("/")[0]
    foreign = any(first == other or first.startswith(f"{other}-") for other in others)
    if foreign or not path.path.startswith(own) or "*" in first or "+" in first:
        return f"The policy reaches {path.path}, which is not the team's."
    return None
