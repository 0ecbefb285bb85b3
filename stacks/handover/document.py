"""The hand-over file: its layout, what exactly is signed, and how it is written.

A file is JSON. The signature covers all of it but the signature's own value, in one spelling: sorted keys, no spaces,
ASCII. Spaces and line ends may therefore change on the way; a value may not.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AfterValidator, AwareDatetime, Field

from inputs.faults import Fault, FaultsError
from inputs.validate import FileModel, RuleOfFile
from stacks.handover.keys import public_text
from stacks.models.base import HttpsAddress, Name, strict_base64
from stacks.models.cluster import ClusterFile

VERSION = 1
"""Version of the layout; a reader refuses a newer one."""

PREFIX = b"kade hand-over\n"
"""Stands before what is signed, so that a signature for something else is never one for a hand-over."""

HandedOver = Literal["machines", "cluster"]
"""A layer that hands over."""


def _certificate(text: str) -> str:
    try:
        if not strict_base64(text).startswith(b"-----BEGIN CERTIFICATE-----"):
            raise ValueError
    except ValueError:
        what = "it is no certificate (PEM, in base64)"
        raise RuleOfFile(what, "Have the file written again.") from None
    return text


class MachinesFacts(FileModel):
    """What the cluster layer must know of the machines."""

    layer: Literal["machines"]
    """`machines`: who hands over."""
    machines: dict[str, str]
    """Per node name the UUID that vSphere gave its virtual machine."""
    installer: str
    """Image that Talos installs and upgrades from."""


class ClusterFacts(FileModel):
    """What services and teams must know of the cluster. No credentials: every runner brings its own."""

    layer: Literal["cluster"]
    """`cluster`: who hands over."""
    uid: Annotated[str, Field(min_length=1)]
    """Identity of the cluster: what tells it from another one of the same name."""
    endpoint: HttpsAddress
    """Address of the API server."""
    ca: Annotated[str, AfterValidator(_certificate)]
    """Certificate authority of the API server, PEM in base64."""


class Signature(FileModel):
    """Who signed, and the signature."""

    key: Name
    """Name of the key in the cluster file's `handover.publicKeys`."""
    value: str
    """Ed25519 signature of everything else in the file, in base64."""


class HandOver(FileModel):
    """One layer's outputs, signed, for a stack in another network."""

    version: Literal[1]
    """Version of this layout."""
    cluster: Name
    """Name of the cluster."""
    serial: Annotated[int, Field(ge=1, strict=True)]
    """Number of the file, one higher each time. A stack that has accepted one refuses a lower one."""
    written: AwareDatetime
    """When it was written. For people: a file is not refused for its age."""
    facts: Annotated[MachinesFacts | ClusterFacts, Field(discriminator="layer")]
    """What is handed over."""
    break_glass: Annotated[str, Field(pattern="^-----BEGIN AGE ENCRYPTED FILE-----\n")] | None = None
    """Administrator's kubeconfig for an emergency, encrypted with age to those who may open it. Default: none."""
    signature: Signature
    """The signature."""

    @property
    def uid(self) -> str | None:
        """Identity of the cluster; machines have none yet."""
        return self.facts.uid if isinstance(self.facts, ClusterFacts) else None


def signed_bytes(data: Mapping[str, Any]) -> bytes:
    """Return what exactly is signed of a file's data: everything but the signature's value."""
    signature = {key: value for key, value in data["signature"].items() if key != "value"}
    text = json.dumps({**data, "signature": signature}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return PREFIX + text.encode("ascii")


def write_handover(
    outputs: Mapping[str, Any],
    cluster: ClusterFile,
    layer: HandedOver,
    *,
    serial: int,
    key: Ed25519PrivateKey,
    break_glass: str | None = None,
    now: datetime | None = None,
) -> bytes:
    """Return the hand-over file of a layer.

    Args:
        outputs: the outputs of the layer's stack, with secrets shown; only what is not secret is taken from them.
        cluster: the cluster's file; it must know the public half of `key`.
        layer: who hands over.
        serial: number of the file, higher than that of any earlier one.
        key: signs the file.
        break_glass: the administrator's kubeconfig, encrypted (see `emergency.py`). Default: none rides along.
        now: when it is written. Default: now.

    Raises:
        FaultsError: the stack has nothing to hand over, or nobody would accept the key's signature.

    """
    data: dict[str, Any] = {
        "version": VERSION,
        "cluster": cluster.name,
        "serial": serial,
        "written": (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "facts": _facts(outputs, cluster, layer),
        "signature": {"key": _name_of(key, cluster), "value": ""},
    }
    if break_glass is not None:
        data["breakGlass"] = break_glass
    return sign(data, key)


def sign(data: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """Return a file's text with its signature."""
    value = base64.b64encode(key.sign(signed_bytes(data))).decode("ascii")
    whole = {**data, "signature": {**data["signature"], "value": value}}
    return (json.dumps(whole, indent=2) + "\n").encode("ascii")


def _facts(outputs: Mapping[str, Any], cluster: ClusterFile, layer: HandedOver) -> dict[str, Any]:
    """Return what is handed over: named one by one, so that nothing secret comes along unseen."""
    stack = f"{cluster.name}-{layer}"
    handle = cast("dict[str, Any]", outputs.get("handle") or {})
    wanted = {"machines": ("machines", "installer"), "cluster": ("uid", "ca")}[layer]
    if handle.get("kind") != layer or handle.get("cluster") != cluster.name:
        what = "it has no handle of this cluster and layer, so there is nothing to hand over"
        raise FaultsError([Fault(f"stack {stack}", 0, "handle", what, f"Run `pulumi up --stack {stack}` first.")])
    if missing := [key for key in wanted if not handle.get(key)]:
        what = f"its handle lacks {', '.join(missing)}, so its last `up` did not come to its end"
        raise FaultsError([Fault(f"stack {stack}", 0, "handle", what, f"Run `pulumi up --stack {stack}` again.")])
    facts = {"layer": layer, **{key: handle[key] for key in wanted}}
    return facts | ({"endpoint": cluster.endpoint} if layer == "cluster" else {})


def _name_of(key: Ed25519PrivateKey, cluster: ClusterFile) -> str:
    """Return under which name the cluster file knows a key."""
    keys = cluster.handover.public_keys if cluster.handover else ()
    text = public_text(key)
    for known in keys:
        if known.key == text:
            return known.name
    names = ", ".join(f"`{known.name}`" for known in keys) or "none"
    what = f"the private key belongs to none of the cluster's public keys ({names}), so nobody would accept the file"
    remedy = f"Add `{{name: …, key: {text}}}` there, or sign with the key of one of them."
    raise FaultsError([Fault(f"clusters/{cluster.name}.yaml", 0, "handover.publicKeys", what, remedy)])
