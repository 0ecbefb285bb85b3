"""`kade vault`: set up the Vault of a cluster, and unseal it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli.exits import Exit

if TYPE_CHECKING:
    from operations.vault.client import Client
    from operations.vault.wanted import Secrets, Trust
    from stacks.models.cluster import ClusterFile

app = typer.Typer(help="Set up and unseal the Vault of a cluster.", no_args_is_help=True)

Cluster = Annotated[str, typer.Argument(help="Name of the cluster: the stem of its file.")]
Address = Annotated[str, typer.Option(help="Address of one server. Default: the cluster file's.")]
Ca = Annotated[Path | None, typer.Option(help="Authority of Vault's certificate, PEM. Default: VAULT_CACERT.")]
Keys = Annotated[Path | None, typer.Option(help="Folder of the holders' encrypted shares, outside git.")]
Identities = Annotated[
    list[Path] | None, typer.Option("--identity", help="File with the private age key of a holder who is present.")
]


@app.command("init")
def initialise(
    cluster: Cluster,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Cluster whose public keys Vault is to trust. Default: as kubectl finds it.")
    ] = None,
    discovery: Annotated[
        bool, typer.Option("--discovery", help="Vault asks the API server itself; it must answer without credentials.")
    ] = False,
    issuer_ca: Annotated[
        Path | None, typer.Option(help="For `--discovery`: authority of the API server's certificate, PEM.")
    ] = None,
    address: Address = "",
    ca: Ca = None,
    keys: Keys = None,
    identity: Identities = None,
    oidc_secret_file: Annotated[
        Path | None, typer.Option(help="File (mode 0600) with the client's secret at the OpenID Connect provider.")
    ] = None,
    ldap_password_file: Annotated[
        Path | None, typer.Option(help="File (mode 0600) with the password of the account under `bindDn`.")
    ] = None,
    keep_root: Annotated[
        bool, typer.Option("--keep-root", help="Keep the root token, encrypted beside the shares.")
    ] = False,
) -> None:
    """Initialise, unseal and configure Vault: methods, policies and roles, so that teams can be deployed.

    Run it again whenever a team or an app was added: runners may make exactly what the files say. The login is
    VAULT_TOKEN, or the root token for as long as it lies beside the shares.
    """
    from operations.vault import keys as shares
    from operations.vault import setup
    from stacks.loading import organisation

    file = _cluster(cluster)
    request = setup.Request(
        organisation=organisation(),
        cluster=file,
        trust=_trust(file, kubeconfig, discovery=discovery, issuer_ca=issuer_ca),
        secrets=_secrets(oidc_secret_file, ldap_password_file),
        client=_client(file, address, ca),
        folder=keys,
        identities=shares.identities(identity or []),
        dry_run=dry_run,
        keep_root=keep_root,
    )

    def work() -> None:
        outcome = setup.run(request, typer.echo)
        typer.echo(f"{len(outcome.changes)} changes{' to make; nothing was done' if dry_run else ''}.")
        for remark in outcome.remarks:
            typer.echo(f"Note: {remark}")

    _told(work)


@app.command()
def unseal(
    cluster: Cluster, address: Address = "", ca: Ca = None, keys: Keys = None, identity: Identities = None
) -> None:
    """Bring the shares of the holders who are present; each server of a Vault is unsealed by itself."""
    from operations.vault import keys as shares

    file = _cluster(cluster)
    own = shares.identities(identity or [])
    client = _client(file, address, ca)

    def work() -> None:
        state = shares.status(client)
        if not state.sealed:
            typer.echo("It is unsealed.")
            return
        given = shares.shares(keys, own) if keys else {}
        if keys is None or not given:
            _refuse(str(keys or "kade vault unseal"), "no share is opened by the private keys given",
                    "Name the folder with `--keys`, and a holder's private key with `--identity`.")  # fmt: skip
        brought = shares.bring(client, given, keys)
        still = state.needed - brought
        typer.echo(f"{brought} of {state.needed} shares; {still} more are needed." if brought else "Unsealed.")

    _told(work)


def _cluster(name: str) -> ClusterFile:
    from inputs.faults import nearest
    from stacks.loading import organisation

    known = organisation().cluster_names()
    if name not in known:
        _refuse(f"cluster {name}", "there is no such cluster",
                f"{nearest(name, known)} Clusters: {', '.join(known)}.".strip())  # fmt: skip
    file = organisation().cluster(name)
    if file.vault is None:
        _refuse(f"clusters/{name}.yaml", "the cluster has no Vault", "Add `vault: {address: https://…}`.")
    return file


def _client(cluster: ClusterFile, address: str, ca: Path | None) -> Client:
    from operations.vault.client import Client
    from operations.vault.wanted import settings_of

    address = address or settings_of(cluster).address
    if not address.startswith(("https://", "http://127.0.0.1:")):
        _refuse("--address", "keys would cross the network in clear", "Write an address that starts with `https://`.")
    named = ca or (Path(found) if (found := os.environ.get("VAULT_CACERT")) else None)
    if named is not None and not named.is_file():
        _refuse(str(named), "there is no such file", "Name the authority of Vault's certificate, PEM.")
    return Client(address, token=os.environ.get("VAULT_TOKEN", ""), ca=named)


def _trust(cluster: ClusterFile, kubeconfig: Path | None, *, discovery: bool, issuer_ca: Path | None) -> Trust:
    """Return how Vault knows the cluster's tokens: by its public keys, or by asking the API server for them."""
    from operations.vault.wanted import KEY_SET, Trust, keys_of
    from policies.sources.api import ClientError, connect

    if discovery:
        if issuer_ca is None or not issuer_ca.is_file():
            _refuse("--issuer-ca", "the authority of the API server's certificate is not named",
                    "Name its file, PEM: no public authority signs an API server.")  # fmt: skip
        return Trust(ca=issuer_ca.read_text(encoding="utf-8"))
    shown = str(kubeconfig or "kubeconfig")
    try:
        answer = connect(kubeconfig, None).get("/openid/v1/jwks", accept=KEY_SET)
        if answer.status != 200:
            reason = f"the API server does not tell its public keys ({answer.status})"
            _refuse(shown, reason, "Sign in as somebody who may read /openid/v1/jwks.")
        return Trust(keys=keys_of(answer.data))
    except ClientError as error:
        _refuse(shown, error.what, f"{error.remedy} It is needed for the public keys of {cluster.name}.")
    except ValueError as error:
        _refuse(shown, f"what the API server tells is no set of keys: {error}", "Is this a Kubernetes API server?")


def _secrets(oidc: Path | None, ldap: Path | None) -> Secrets:
    from operations.vault.keys import secret_text
    from operations.vault.wanted import Secrets

    return Secrets(
        oidc_client=secret_text(oidc) if oidc else None,
        ldap_password=secret_text(ldap) if ldap else None,
    )


def _refuse(where: str, what: str, remedy: str) -> NoReturn:
    from inputs.faults import Fault, FaultsError

    raise FaultsError([Fault(where, 0, "", what, remedy)])


def _told(work: Callable[[], None]) -> None:
    """Do it; what Vault says no to is a message and an exit code, not a traceback."""
    from operations.vault.client import DeniedError, VaultError

    try:
        work()
    except VaultError as error:
        print(f"kade vault: {error}", file=sys.stderr)
        raise typer.Exit(Exit.BAD_INPUT if isinstance(error, DeniedError) else Exit.INTERNAL) from None
