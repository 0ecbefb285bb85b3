"""The keys of a Vault: made once, split over people, each part encrypted for one of them, shown to nobody."""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from inputs.faults import Fault, FaultsError
from operations.vault.client import Client, RejectedError, VaultError
from stacks.models.vault import KeyHolders

_AGE: Any = importlib.import_module("pyrage")  # it has no types
"""The library has no types."""
ROOT_TOKEN = "root-token.age"
"""The root token, encrypted for every holder; there only until it is revoked."""
SUFFIX = ".age"


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a Vault is."""

    initialised: bool
    sealed: bool
    automatic: bool
    """Whether another service unseals it; holders then keep recovery keys."""
    needed: int
    """Shares that unseal it."""


def status(client: Client) -> Status:
    """Return how a Vault is; nobody has to sign in for that.

    Raises:
        VaultError: nobody answers.

    """
    found = client.read("sys/seal-status") or {}
    return Status(
        initialised=bool(found.get("initialized")),
        sealed=bool(found.get("sealed")),
        automatic=bool(found.get("recovery_seal")) or found.get("type", "shamir") != "shamir",
        needed=int(found.get("t") or 0),
    )


def initialise(client: Client, keys: KeyHolders, folder: Path, *, automatic: bool) -> tuple[str, list[str]]:
    """Make the keys, write each holder's share encrypted, and return the root token and the shares.

    Raises:
        FaultsError: the folder holds keys already, or cannot be written. Nothing was made then.
        VaultError: Vault refuses.

    """
    files = [folder / f"{holder}{SUFFIX}" for holder in keys.holders]
    _reserve([*files, folder / ROOT_TOKEN], folder)
    kind = "recovery" if automatic else "secret"
    try:
        made = client.write("sys/init", {f"{kind}_shares": len(keys.holders), f"{kind}_threshold": keys.threshold})
    except VaultError:
        for file in (*files, folder / ROOT_TOKEN):
            file.unlink(missing_ok=True)
        raise
    recipients = [_AGE.x25519.Recipient.from_str(text) for text in keys.holders.values()]
    made_shares: list[Any] = made.get("recovery_keys_base64" if automatic else "keys_base64") or []
    shares = [str(share) for share in made_shares]
    token = str(made["root_token"])
    for file, share, recipient in zip(files, shares, recipients, strict=True):
        _write(file, _AGE.encrypt(share.encode(), [recipient]))
    _write(folder / ROOT_TOKEN, _AGE.encrypt(token.encode(), recipients))
    return token, shares


def _reserve(files: Sequence[Path], folder: Path) -> None:
    """Make empty files, so that what cannot be written is found before there are keys to lose.

    Raises:
        FaultsError: one is there, or cannot be made.

    """
    made: list[Path] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in files:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            made.append(file)
    except OSError as error:
        for file in made:
            file.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            what = "keys of an earlier Vault lie here, and this one has never been initialised"
            remedy = "Keep them, and name another folder with `--keys`."
        else:
            what = f"the keys cannot be written here ({error.strerror})"
            remedy = "Name a folder that you may write to with `--keys`."
        raise FaultsError([Fault(str(error.filename or folder), 0, "", what, remedy)]) from None


def _write(file: Path, data: bytes) -> None:
    with open(file, "wb") as opened:  # made with mode 0600 before
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())


def identities(files: Iterable[Path]) -> list[Any]:
    """Return the private keys in files of age (`AGE-SECRET-KEY-1…`, one a line; `#` begins a comment).

    Raises:
        FaultsError: a file cannot be read, others can read it, or it holds no such key.

    """
    found: list[Any] = []
    faults: list[Fault] = []
    for file in files:
        try:
            text = secret_text(file)
            lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
            found += [_AGE.x25519.Identity.from_str(line.strip()) for line in lines]
            if not lines:
                raise _AGE.IdentityError
        except FaultsError as error:
            faults += error.faults
        except _AGE.IdentityError:
            what = "it holds no private key of age"
            faults.append(Fault(str(file), 0, "", what, "Name the file that `age-keygen` made."))
    if faults:
        raise FaultsError(faults)
    return found


def secret_text(file: Path) -> str:
    """Return what a file holds that its owner alone may read.

    Raises:
        FaultsError: it cannot be read, or others can read it as well.

    """
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise FaultsError(
            [Fault(str(file), 0, "", f"it cannot be read ({why})", "Name a file that is there.")]
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        what = "others than its owner can read it"
        raise FaultsError([Fault(str(file), 0, "", what, f"Run `chmod 600 {file}`, and replace what it held.")])
    return text


def shares(folder: Path, own: Sequence[Any]) -> dict[str, str]:
    """Return the shares that these private keys open, by the holder's name."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        if file.name != ROOT_TOKEN and (text := _opened(file, own)) is not None:
            found[file.stem] = text
    return found


def root_token(folder: Path, own: Sequence[Any]) -> str | None:
    """Return the root token of an initialisation that was not finished, or was told to keep it."""
    return _opened(folder / ROOT_TOKEN, own)


def _opened(file: Path, own: Sequence[Any]) -> str | None:
    with suppress(_AGE.DecryptError, OSError):
        return cast("bytes", _AGE.decrypt(file.read_bytes(), list(own))).decode() if own else None
    return None


def unseal(client: Client, given: dict[str, str], needed: int, folder: Path) -> None:
    """Unseal with the shares that are there.

    Raises:
        FaultsError: there are too few.
        VaultError: Vault refuses them.

    """
    if len(given) < needed:
        here = ", ".join(sorted(given)) or "none"
        what = f"{needed} shares unseal this Vault, and the private keys given open {len(given)} ({here})"
        remedy = "Name the private keys of more holders with `--identity FILE`, or let each holder unseal in turn."
        raise FaultsError([Fault(str(folder), 0, "", what, remedy)])
    if bring(client, given, folder):
        # Enough, and still sealed: somebody had begun with other shares. Forget them, so that the next try counts.
        client.write("sys/unseal", {"reset": True})
        raise FaultsError([_foreign(folder)])


def bring(client: Client, given: dict[str, str], folder: Path) -> int:
    """Bring the shares that one holder has; return how many Vault now has of those it needs, or 0 once it is unsealed.

    Raises:
        FaultsError: they belong to another Vault.

    """
    progress = 0
    for share in given.values():
        try:
            answer = client.write("sys/unseal", {"key": share}, [share])
        except RejectedError:
            raise FaultsError([_foreign(folder)]) from None
        if not answer.get("sealed"):
            return 0
        progress = int(answer.get("progress") or 0)
    return progress


def _foreign(folder: Path) -> Fault:
    what = "these shares do not unseal this Vault: some are of another one"
    return Fault(str(folder), 0, "", what, "Name the folder that belongs to this Vault with `--keys`.")
