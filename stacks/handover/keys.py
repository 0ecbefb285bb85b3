"""Keys that sign hand-over files: Ed25519. Only its owner can read a private one, and nothing ever prints it."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from inputs.faults import Fault, FaultsError
from stacks.models.base import strict_base64

OTHERS = 0o077
"""Rights of everybody but the owner: a private key may have none of them."""


def new_key() -> Ed25519PrivateKey:
    """Make a key."""
    return Ed25519PrivateKey.generate()


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public half as it stands in the cluster file."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")


def public_key(text: str) -> Ed25519PublicKey:
    """Return a public key as it stands in the cluster file.

    Raises:
        ValueError: it is none.

    """
    return Ed25519PublicKey.from_public_bytes(strict_base64(text))


def save(key: Ed25519PrivateKey, path: Path) -> None:
    """Write a private key into a new file that only its owner can read.

    Raises:
        FaultsError: the file is there already, or cannot be made.

    """
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    except FileExistsError:
        what = "the file is there already, and a key that is written over is gone"
        raise FaultsError([Fault(str(path), 0, "", what, "Choose another name.")]) from None
    except OSError as error:
        what = f"it cannot be written ({error.strerror})"
        raise FaultsError([Fault(str(path), 0, "", what, "Name a folder that you may write to.")]) from None


def read(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        FaultsError: there is none, it is none of ours, or others can read it.

    """

    def refused(what: str, remedy: str) -> FaultsError:
        return FaultsError([Fault(str(path), 0, "", what, remedy)])

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(10_000)
    except OSError as error:
        remedy = "Make one with `kade handover keygen NAME`, or name the file that holds yours."
        what = f"the private key cannot be read ({error.strerror})"
        raise refused(what, remedy) from None
    if mode & OTHERS:
        what = f"others than its owner can read or change the private key (mode {mode & 0o777:04o})"
        raise refused(what, f"`chmod 600 {path}`; if others have seen it, make a new key.")
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        what = "it is no private key for hand-overs"
        raise refused(what, "Make one with `kade handover keygen NAME`.")
    return key
