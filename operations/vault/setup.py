"""`kade vault init`: from an empty Vault to one that teams, apps and people can use, as often as one likes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inputs.faults import Fault, FaultsError
from operations.vault import keys, wanted
from operations.vault.client import Client, DeniedError, VaultError
from operations.vault.plan import Change, apply, plan
from stacks.loading import Organisation
from stacks.models.cluster import ClusterFile

_LEADER_SECONDS = 30.0
"""How long servers take to agree who leads after they were unsealed."""

AUDIT = (
    "No audit device: nobody could tell later who read what. OpenBao takes one from its configuration file only "
    '(`audit "file" …`); the service `openbao` of the catalogue brings two.'
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for."""

    organisation: Organisation
    cluster: ClusterFile
    trust: wanted.Trust
    secrets: wanted.Secrets = field(default_factory=wanted.Secrets)
    client: Client
    """The server, with the token of whoever runs this, where there is one."""
    folder: Path | None = None
    """Folder of the encrypted shares."""
    identities: Sequence[Any] = field(default=(), repr=False)
    """Private keys of holders who are present."""
    dry_run: bool = False
    keep_root: bool = False
    """Whether the root token stays, encrypted beside the shares."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done."""

    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()
    """What people must know."""


def run(request: Request, say: Callable[[str], None]) -> Outcome:
    """Initialise, unseal and configure; say each step.

    Raises:
        FaultsError: the files, the folder of keys or what was given do not allow it; nothing was changed then.
        VaultError: Vault does not answer or refuses; what was done before stays.

    """
    things = wanted.wanted(request.organisation, request.cluster, request.trust, request.secrets)
    state = keys.status(request.client)
    if request.dry_run:
        return _planned(request, things, state, say)
    token, shares = "", dict[str, str]()
    if not state.initialised:
        token, shares = _initialise(request, state, say)
        state = keys.status(request.client)
    if state.sealed and not state.automatic:
        folder = _folder(request)
        keys.unseal(request.client, shares or keys.shares(folder, request.identities), state.needed, folder)
        say("unsealed")
    client, own_root = _signed_in(request, token)
    _wait_for_leader(client)
    changes = plan(client, things, _policies(request))
    apply(client, changes, say)
    remarks = _audit(client)
    if own_root:
        remarks += _give_up_root(request, client, say)
    return Outcome(changes=tuple(changes), remarks=tuple(remarks))


def _planned(request: Request, things: list[wanted.Wanted], state: keys.Status, say: Callable[[str], None]) -> Outcome:
    """Say what would be done."""
    if not state.initialised:
        holders = _holders(request)
        say(f"make    keys: {len(holders.holders)} shares, {holders.threshold} of them unseal")
    if not state.initialised or state.sealed:
        remarks = () if not state.initialised else ("It is sealed, so nobody can see what is in it already.",)
        changes = plan(None, things)
    else:
        client, _ = _signed_in(request, "")
        changes, remarks = plan(client, things, _policies(request)), tuple(_audit(client))
    for change in changes:
        say(f"  {change}")
    return Outcome(changes=tuple(changes), remarks=remarks)


def _initialise(request: Request, state: keys.Status, say: Callable[[str], None]) -> tuple[str, dict[str, str]]:
    holders, folder = _holders(request), _folder(request)
    token, shares = keys.initialise(request.client, holders, folder, automatic=state.automatic)
    say(f"initialised: {len(shares)} shares, each encrypted for its holder, in {folder}")
    return token, dict(zip(holders.holders, shares, strict=True))


def _holders(request: Request) -> keys.KeyHolders:
    settings = wanted.settings_of(request.cluster)
    if settings.keys is None:
        what = "this Vault is new, and nobody is named who would hold its keys"
        remedy = "Add `keys: {holders: {<name>: age1…}, threshold: …}`; `age-keygen` makes such a key."
        raise FaultsError([Fault(f"clusters/{request.cluster.name}.yaml", 0, "vault.keys", what, remedy)])
    return settings.keys


def _folder(request: Request) -> Path:
    if request.folder is None:
        what = "no folder is named for the encrypted shares"
        raise FaultsError([Fault("kade vault", 0, "--keys", what, "Name it with `--keys FOLDER`, outside git.")])
    return request.folder


def _signed_in(request: Request, token: str) -> tuple[Client, bool]:
    """Return a client that may change things, and whether it does so with this Vault's own root token."""
    if token:
        return request.client.as_token(token), True
    if request.client.token:
        return request.client, False
    found = keys.root_token(request.folder, request.identities) if request.folder else None
    if found is None:
        msg = (
            "There is no login. Sign in as one of the administrators and set VAULT_TOKEN (`bao login -method=oidc "
            f"role={wanted.ADMINISTRATORS}`, or `-method=ldap`); or, as long as the root token lies beside the shares, "
            "name `--keys` and the private key of a holder with `--identity`."
        )
        raise DeniedError(msg)
    return request.client.as_token(found), True


def _policies(request: Request) -> frozenset[str]:
    """Return the runners' policies of every cluster that has this Vault: they share one list."""
    organisation = request.organisation
    address = wanted.settings_of(request.cluster).address
    clusters = [organisation.cluster(name) for name in organisation.cluster_names()]
    sharing = [cluster for cluster in clusters if cluster.vault and cluster.vault.address == address]
    return frozenset(team.policy for cluster in sharing for team in wanted.team_stacks(organisation, cluster))


def _wait_for_leader(client: Client) -> None:
    """Wait until the servers agree who leads; until then every request is refused."""
    end = time.monotonic() + _LEADER_SECONDS
    while True:
        leader = client.read("sys/leader") or {}
        if not leader.get("ha_enabled") or leader.get("leader_address"):
            return
        if time.monotonic() > end:
            msg = f"No server leads at {client.address}. Unseal the others too: `kade vault unseal … --address`."
            raise VaultError(msg)
        time.sleep(0.5)


def _audit(client: Client) -> list[str]:
    return [] if client.read("sys/audit") else [AUDIT]


def _give_up_root(request: Request, client: Client, say: Callable[[str], None]) -> list[str]:
    """Revoke the root token; keep it where nobody else could ever change anything."""
    settings = wanted.settings_of(request.cluster)
    people = settings.people.ldap is not None or request.cluster.identity is not None
    if request.keep_root or settings.administrators is None or not people:
        why = "as asked" if request.keep_root else "because the cluster file names no `administrators` who can sign in"
        return [f"The root token stays valid, {why}: encrypted for the holders as {keys.ROOT_TOKEN} beside the shares."]
    client.write("auth/token/revoke-self", {})
    if request.folder is not None:
        (request.folder / keys.ROOT_TOKEN).unlink(missing_ok=True)
    say("root token revoked")
    return [
        "From now on administrators sign in by themselves. Try it now, while the shares are at hand: a root token can "
        "be made again only with them, and with OpenBao's endpoint for it switched on in its configuration."
    ]
