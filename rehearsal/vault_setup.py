"""The rehearsal's OpenBao as `kade vault init` would leave the organisation's: same plan, same policies, same roles.

Two things differ, and only here. The organisation's OpenID Connect issuers are not on this machine, so what would ask
them stays without its configuration: nobody signs in there. And a directory is the rehearsal's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from operations.vault import wanted
from operations.vault.client import Client
from operations.vault.plan import Change, apply, plan
from operations.vault.wanted import Secrets, Trust, Wanted
from policies.sources.api import ClientError, connect
from rehearsal.backends.endpoints import Directory, Endpoints
from stacks.loading import Organisation

_ISSUERS = ("auth/oidc/config", f"auth/{wanted.RUNNERS}/config")
RUN_SECONDS = 4 * 3600
"""Lifetime of a runner's token: a rehearsal's own."""


class VaultSetupError(Exception):
    """OpenBao cannot be made ready; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What was done, and with what each stack signs in."""

    changes: tuple[Change, ...]
    tokens: dict[str, str] = field(repr=False)
    """Value of VAULT_TOKEN by stack: the policy of its runner and no more. Never the root token."""
    without: tuple[str, ...]
    """Paths that stay without configuration, because their issuer is not here."""


def client(endpoints: Endpoints) -> Client:
    """Return the root login of the rehearsal's OpenBao."""
    server = endpoints.vault
    assert server is not None, "this rehearsal has no OpenBao"
    token = Path(server.token).read_text(encoding="utf-8").strip()
    return Client(server.address, token, Path(server.ca) if server.ca else None, proxies=False)


def prepare(endpoints: Endpoints, organisation: Organisation, environment: str) -> Prepared:
    """Configure OpenBao for an environment's cluster, and make a token for the runner of each team's stack.

    Raises:
        FaultsError: the organisation's files have faults.
        VaultError: OpenBao refuses.
        VaultSetupError: the API server does not tell its public keys.

    """
    cluster = organisation.cluster(organisation.environment(environment).cluster)
    root = client(endpoints)
    things = list(_here(wanted.wanted(organisation, cluster, trust(endpoints), Secrets()), endpoints.directory))
    without = tuple(one.path for one in things if one.path in _ISSUERS)
    changes = plan(root, [one for one in things if one.path not in without])
    apply(root, changes, lambda _: None)
    policies = {
        team.stack: [team.policy]
        for team in wanted.team_stacks(organisation, cluster)
        if team.stack.startswith(f"{environment}-team-")
    }
    if organisation.environment(environment).stage == "sandbox":  # one stack builds all its teams
        policies[environment] = [name for names in policies.values() for name in names]
    tokens = {stack: _token(root, stack, names) for stack, names in policies.items()}
    return Prepared(changes=tuple(changes), tokens=tokens, without=without)


def trust(endpoints: Endpoints) -> Trust:
    """Return the public keys of the rehearsal's API server.

    Raises:
        VaultSetupError: it does not tell them.

    """
    server = endpoints.kubernetes
    assert server is not None, "this rehearsal has no API server"
    try:
        answer = connect(Path(server.kubeconfig), None).get("/openid/v1/jwks", accept=wanted.KEY_SET)
        return Trust(keys=wanted.keys_of(answer.data or {}))
    except (ClientError, ValueError) as error:
        msg = f"The API server does not tell the public keys of its service accounts: {error}"
        raise VaultSetupError(msg) from None


def _here(things: Iterable[Wanted], directory: Directory | None) -> Iterable[Wanted]:
    """Yield what is wanted, with the rehearsal's directory in place of the organisation's."""
    for one in things:
        if directory is not None and one.body.get("userdn") is not None:
            password = Path(directory.password).read_text(encoding="utf-8").strip()
            yield replace(one, body=one.body | ldap_config(directory), secret={"bindpass": password})
        else:
            yield one


def ldap_config(directory: Directory) -> dict[str, object]:
    """Return the settings of the rehearsal's directory as Vault has them. Without TLS: it never leaves this machine."""
    return {
        "url": directory.url,
        "starttls": False,
        "userdn": f"ou=people,{directory.base}",
        "userattr": "uid",
        "groupdn": f"ou=groups,{directory.base}",
        "groupattr": "cn",
        "groupfilter": "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))",
        "binddn": directory.manager,
        "certificate": "",
    }


def _token(root: Client, stack: str, policies: list[str]) -> str:
    body = {"policies": policies, "ttl": RUN_SECONDS, "display_name": stack, "renewable": False}
    return str(root.write("auth/token/create-orphan", body)["auth"]["client_token"])
