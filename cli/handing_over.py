"""The work behind `kade handover`: making keys, and writing, verifying and showing hand-over files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli import real
from inputs.faults import Fault, FaultsError, shown
from stacks.handover import accept, keys
from stacks.handover.document import HandedOver, write_handover
from stacks.handover.emergency import encrypted_kubeconfig
from stacks.joining import handover_path
from stacks.loading import PROJECT, organisation
from stacks.models.base import NAME_PATTERN
from stacks.models.cluster import ClusterFile
from stacks.names import parse_stack

LAYERS: tuple[HandedOver, ...] = ("machines", "cluster")


@dataclass(frozen=True)
class Wanted:
    """What `write` is asked for."""

    stack: str
    key: Path
    to: Path | None = None
    """Default: where the program looks for it."""
    serial: int | None = None
    """Default: one more than that of the file which is there."""
    break_glass: Sequence[str] = field(default_factory=tuple[str, ...])
    """Who may open the administrator's kubeconfig. Default: none rides along."""


def make_key(name: str, folder: Path) -> str:
    """Make a key, and return what to do with its two halves.

    Raises:
        FaultsError: the name is none, or the file is there already.

    """
    if not NAME_PATTERN.match(name):
        remedy = "Lower-case letters, digits and hyphens, at most 40 characters."
        raise FaultsError([Fault("kade handover keygen", 0, "NAME", "the key's name is none", remedy)])
    key, path = keys.new_key(), folder / f"{name}.key"
    keys.save(key, path)
    return (
        f"{path} holds the private half: keep it in the network that signs, readable by nobody else.\n"
        "For the cluster's file:\n\n"
        f"handover:\n  publicKeys:\n    - {{name: {name}, key: {keys.public_text(key)}}}"
    )


def verified(file: Path) -> str:
    """Return what a genuine file is.

    Raises:
        FaultsError: it would be refused.

    """
    text, name = _text(file), shown(file, PROJECT)
    cluster = _cluster_of(accept.read_data(text, name), name)
    found, _ = accept.verify(text, name, cluster)
    accept.accept(text, name, cluster, found.facts.layer)
    extra = ", with a kubeconfig for an emergency" if found.break_glass else ""
    return (
        f"{name}: signed with key `{found.signature.key}` of cluster `{cluster.name}`. Layer {found.facts.layer}, "
        f"serial {found.serial}, written {found.written:%Y-%m-%d %H:%M} UTC{extra}.\n"
        "A stack that has accepted a higher serial, or another cluster of this name, would still refuse it."
    )


def content(file: Path) -> str:
    """Return what a file says, genuine or not.

    Raises:
        FaultsError: it is no hand-over file.

    """
    data = accept.read_data(_text(file), shown(file, PROJECT))
    if "breakGlass" in data:
        data["breakGlass"] = "(encrypted with age)"
    return json.dumps(data, indent=2)


def write_file(wanted: Wanted) -> str:
    """Write a hand-over file, and return what was written.

    Raises:
        FaultsError: the stack hands nothing over, nobody would accept the key, or there is a file of something else.

    """
    target = parse_stack(wanted.stack, organisation())
    if target.layer not in LAYERS:
        remedy = f"Name `{target.cluster}-machines` or `{target.cluster}-cluster`."
        what = "only the layers machines and cluster hand anything over"
        raise FaultsError([Fault(f"stack {wanted.stack}", 0, "", what, remedy)])
    layer: HandedOver = target.layer
    key = keys.read(wanted.key)
    cluster = organisation().cluster(target.cluster)
    path = wanted.to or handover_path(cluster.name, layer)
    serial = _serial(path, cluster, layer, wanted.serial)
    outputs = _outputs(wanted.stack)
    sealed = encrypted_kubeconfig(outputs, wanted.break_glass, wanted.stack) if wanted.break_glass else None
    text = write_handover(outputs, cluster, layer, serial=serial, key=key, break_glass=sealed)
    _save(path, text)
    return f"{shown(path, PROJECT)}: serial {serial}, signed. Bring it where the next layer runs."


def _serial(path: Path, cluster: ClusterFile, layer: HandedOver, wanted: int | None) -> int:
    """Return the next serial, from the file that is there."""
    if not path.exists():
        return wanted or 1
    name = shown(path, PROJECT)
    found, _ = accept.verify(_text(path), name, cluster)
    if (found.cluster, found.facts.layer) != (cluster.name, layer):
        what = f"the file there is that of `{found.cluster}-{found.facts.layer}`"
        raise FaultsError([Fault(name, 0, "", what, "Name another file with `--to`.")])
    if wanted is not None and wanted <= found.serial:
        what = f"serial {wanted} is not higher than {found.serial}, which the file there has"
        raise FaultsError([Fault(name, 0, "serial", what, "Leave out `--serial`, or give a higher one.")])
    return wanted or found.serial + 1


def _outputs(stack: str) -> dict[str, Any]:
    """Return a stack's outputs with its secrets, which stay in this process.

    Raises:
        FaultsError: there is no Pulumi CLI, or it does not give them.

    """
    cli = shutil.which("pulumi")
    if cli is None:
        remedy = "Install the official CLI and log in to the backend that holds the stack."
        raise FaultsError([Fault("pulumi", 0, "", "there is no Pulumi CLI on PATH", remedy)])
    asked = subprocess.run(
        [cli, "stack", "output", "--json", "--show-secrets", "--stack", stack],
        cwd=real.project(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if asked.returncode:
        what = f"its outputs cannot be read: {asked.stderr.strip().removeprefix('error: ')}"
        raise FaultsError([Fault(f"stack {stack}", 0, "", what, f"Run `pulumi up --stack {stack}` first.")])
    return json.loads(asked.stdout)


def _save(path: Path, text: bytes) -> None:
    """Write the file whole or not at all; everybody may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(text)
        temporary.replace(path)
    except OSError as error:
        what = f"it cannot be written ({error.strerror})"
        raise FaultsError([Fault(str(path), 0, "", what, "Name a file that you may write.")]) from None


def _text(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        what = f"the hand-over file cannot be read ({error.strerror})"
        raise FaultsError([Fault(str(file), 0, "", what, "Name a file that is there.")]) from None


def _cluster_of(data: dict[str, Any], file: str) -> ClusterFile:
    """Return the file of the cluster that a hand-over names; whether it is genuine is checked with that file's keys."""
    name: Any = data.get("cluster")
    known = organisation().cluster_names()
    if not isinstance(name, str) or name not in known:
        what = "it names no cluster of this organisation"
        raise FaultsError([Fault(file, 0, "cluster", what, f"Clusters: {', '.join(known)}.")])
    return organisation().cluster(name)
