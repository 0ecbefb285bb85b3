"""tenancy-token-automount: no pod of a team gets a token of the API server without asking."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.words import Severity
from policies.model.fences import Fence
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.outcomes import fails, undetermined
from policies.rules.tenancy.shared import Teams, each, strays, tenancy

PATH = "automountServiceAccountToken"


@tenancy(
    "token-automount",
    title="No pod of a team gets a token without asking",
    cis=("5.1.6",),
    rationale="A token that a pod does not need is a key to the API server for whoever breaks into it.",
    looks_at=f"`{PATH}` of each service account in a team's namespace, which must be false; the account `default` must"
    " be declared, because Kubernetes makes it with true.",
    severity=Severity.MEDIUM,
    fix=f"Declare the service account with `{PATH}: false`; a pod that needs the API server says so itself.",
)
def token_automount(model: Model, parameters: Teams) -> Iterator[Outcome]:
    """Look at each account of each namespace."""
    return each(model, parameters, _look, "{} namespaces of teams give no token without asking.")


def _look(fence: Fence, _team: str) -> Iterator[Outcome]:
    fix = Fix(text="Write false.", path=PATH, value=False)
    for account in fence.accounts:
        if isinstance(account.mounts, Unknown):
            sentence = "Whether pods get its token is not known yet."
            yield undetermined(account.subject, sentence, [account.mounts], path=PATH)
        elif account.mounts is not False:
            sentence = f"Every pod under {account.subject.name} gets its token."
            yield fails(account.subject, sentence, path=PATH, expected=False, actual=account.mounts, fix=fix)
    if not any(account.subject.name == "default" for account in fence.accounts):
        gaps = strays(fence, "ServiceAccount")
        if gaps:
            yield undetermined(fence.subject, "Whether the account `default` is declared is not known yet.", gaps)
        else:
            sentence = "The account `default` is not declared, so pods get its token."
            yield fails(
                fence.subject, sentence, path="ServiceAccount default", expected="declared", actual="absent", fix=fix
            )
