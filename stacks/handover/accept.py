"""Accepting a hand-over file, or refusing it with the reason and what to do.

The signature is checked first: of what is not signed nothing is believed, not even its own name. That a file is old is
no reason to refuse it, since a cluster that does not change has an old file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, NoReturn, cast

from cryptography.exceptions import InvalidSignature

from inputs.faults import Fault, FaultsError
from inputs.validate import parse
from inputs.yaml import Document
from stacks.handover.document import VERSION, HandedOver, HandOver, signed_bytes
from stacks.handover.keys import public_key
from stacks.models.base import strict_base64
from stacks.models.cluster import ClusterFile

MOST_BYTES = 1_000_000
"""A file is a few kilobytes; what is larger is none of ours."""

AGAIN = "Fetch the file again from where it was written: it is sent whole and never edited."


@dataclass(frozen=True)
class Remembered:
    """What a stack keeps of the file that it accepted last."""

    serial: int
    """Its number."""
    uid: str | None
    """Identity of the cluster in it; `None` for machines."""
    digest: str
    """SHA-256 of what was signed: two different files never share a number."""

    def export(self) -> dict[str, Any]:
        """Return it as an output of the stack."""
        return asdict(self)


def remembered_from(output: Any) -> Remembered | None:
    """Return what a stack's output `handover` says; `None` where it never accepted a file."""
    if not output:
        return None
    found = cast("dict[str, Any]", output)
    return Remembered(serial=int(found["serial"]), uid=found.get("uid"), digest=str(found["digest"]))


def remember(data: dict[str, Any], accepted: HandOver) -> Remembered:
    """Return what is to be kept of an accepted file."""
    return Remembered(accepted.serial, accepted.uid, hashlib.sha256(signed_bytes(data)).hexdigest())


def accept(
    text: bytes, file: str, cluster: ClusterFile, layer: HandedOver, last: Remembered | None = None
) -> tuple[HandOver, Remembered]:
    """Return a file's content and what to remember of it.

    Args:
        text: the file.
        file: its name, for messages.
        cluster: the cluster's file, with the public keys.
        layer: who should have written it.
        last: what the reading stack remembers of the file that it accepted last.

    Raises:
        FaultsError: the file is not accepted.

    """
    found, data = verify(text, file, cluster)
    _check_meant_for(found, file, cluster, layer)
    now = remember(data, found)
    if last is not None:
        _check_not_older(now, last, file)
    return found, now


def verify(text: bytes, file: str, cluster: ClusterFile) -> tuple[HandOver, dict[str, Any]]:
    """Return a file's content, model and data, if a key of the cluster has signed it and its layout is known.

    Raises:
        FaultsError: it is not, or not in this layout.

    """
    data = read_data(text, file)
    _check_signature(data, file, cluster)
    return parse(HandOver, Document(data, file)), data


def read_data(text: bytes, file: str) -> dict[str, Any]:
    """Return a file's data, nothing of it checked but that it is JSON in a layout that this release knows.

    Raises:
        FaultsError: it is not.

    """
    try:
        if len(text) > MOST_BYTES:
            msg = "it is too large"
            raise ValueError(msg)
        data: Any = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_float=_no_number, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        _refuse(file, "", "it is no hand-over file: it cannot be read as JSON", AGAIN)
    version: Any = cast("dict[str, Any]", data).get("version") if isinstance(data, dict) else None
    if type(version) is not int or version < 1:
        _refuse(file, "version", "it is no hand-over file: it names no version of its layout", AGAIN)
    if version > VERSION:
        what = f"it has version {version}, newer than {VERSION}, which this release knows"
        _refuse(file, "version", what, "Use the release of Kade that wrote it, or a later one.")
    return cast("dict[str, Any]", data)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that is given twice: readers disagree on which one counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a key is given twice"
        raise ValueError(msg)
    return found


def _no_number(text: str) -> NoReturn:
    msg = f"a hand-over has whole numbers only, not {text}"
    raise ValueError(msg)


def _check_signature(data: dict[str, Any], file: str, cluster: ClusterFile) -> None:
    keys = {key.name: key.key for key in cluster.handover.public_keys} if cluster.handover else {}
    place = f"`handover.publicKeys` in clusters/{cluster.name}.yaml"
    if not keys:
        what = f"nobody's signature is accepted for cluster `{cluster.name}`"
        _refuse(file, "signature", what, f"Add the public key of who writes its files to {place}.")
    signature: Any = data.get("signature")
    if not isinstance(signature, dict) or not isinstance(cast("dict[str, Any]", signature).get("value"), str):
        _refuse(file, "signature", "it is not signed", AGAIN)
    signature = cast("dict[str, Any]", signature)
    name = signature.get("key")
    if not isinstance(name, str) or name not in keys:
        what = f"it is signed with a key that the cluster's file does not have; it has {', '.join(sorted(keys))}"
        remedy = f"If the key is a new one of your own, add it to {place} first; else do not use the file."
        _refuse(file, "signature.key", what, remedy)
    try:
        public_key(keys[name]).verify(strict_base64(signature["value"]), signed_bytes(data))
    except (InvalidSignature, ValueError, RecursionError):
        what = f"its content is not what was signed with key `{name}`: it was changed since, or another key signed it"
        remedy = f"Do not use it. {AGAIN} If that one is refused too, find out who changed it."
        _refuse(file, "signature.value", what, remedy)


def _check_meant_for(found: HandOver, file: str, cluster: ClusterFile, layer: HandedOver) -> None:
    """Refuse a file of another cluster or layer: it is genuine, and nevertheless not the one."""
    right = f"Put the file of `{cluster.name}-{layer}` there."
    if found.cluster != cluster.name:
        _refuse(file, "cluster", f"it is of cluster `{found.cluster}`, not of `{cluster.name}`", right)
    if found.facts.layer != layer:
        _refuse(file, "facts.layer", f"it was written by the layer {found.facts.layer}, not by {layer}", right)
    if found.facts.layer == "cluster" and found.facts.endpoint != cluster.endpoint:
        what = f"its API server is {found.facts.endpoint}, but that of clusters/{cluster.name}.yaml {cluster.endpoint}"
        remedy = "Bring both to the same state: the cluster's file as it was applied, and the hand-over written after."
        _refuse(file, "facts.endpoint", what, remedy)


def _check_not_older(now: Remembered, last: Remembered, file: str) -> None:
    """Refuse what comes before, or beside, the file that was accepted last."""
    if now.serial < last.serial:
        what = f"its serial is {now.serial}, but this stack has accepted {last.serial} already"
        _refuse(file, "serial", what, "Fetch the newest file; if it is the newest, have it written with a higher one.")
    if now.uid != last.uid:
        what = "it is of another cluster with the same name: its identity is not the one that this stack was built on"
        remedy = (
            "If the cluster was built anew, this stack still describes the old one: destroy the stack, or remove it"
            " with `pulumi stack rm --force` where the old cluster is gone, and bring it up again."
        )
        _refuse(file, "facts.uid", what, remedy)
    if now.serial == last.serial and now.digest != last.digest:
        what = f"it differs from the file that this stack has accepted with the same serial, {now.serial}"
        _refuse(file, "serial", what, "Have it written again with a higher serial, by whom you know.")


def _refuse(file: str, key: str, what: str, remedy: str) -> NoReturn:
    raise FaultsError([Fault(file, 0, key, what, remedy)])
