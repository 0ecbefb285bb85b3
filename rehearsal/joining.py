"""Hand-overs in a rehearsal: the organisation's files as they are, but with the rehearsal's own keys and runners.

A rehearsal cannot sign with the organisation's keys, and nothing else than the cluster file may say whose signature is
accepted. So the program gets another organisation's folder: links to every file of the real one, and the one cluster's
file written anew with the rehearsal's public key. The program itself knows nothing of it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rehearsal.install import keep, secret_file
from rehearsal.run import run_pulumi
from rehearsal.workspace import Workspace

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from stacks.loading import Organisation

KEY_NAME = "rehearsal"
"""Name of the rehearsal's key in the cluster file."""

RUNNERS = {"services": ["kade:services"], "teams": ["kade:teams"]}
"""Groups of the rehearsal's runners: what their client certificates carry as organisation (`O=`)."""

HEAD = "# Made by Kade for a rehearsal from the organisation's own file; written again when that one changes.\n"

IDENTITIES = (
    "KADE_KUBERNETES_TOKEN_FILE",
    "KADE_KUBERNETES_CERTIFICATE_FILE",
    "KADE_KUBERNETES_KEY_FILE",
    "KADE_KUBERNETES_COMMAND",
)
"""Variables that may name a real identity on this machine: none of them reaches a rehearsal."""


class JoiningError(Exception):
    """A stack of a rehearsal came up and handed nothing over; the text says what to do."""


@dataclass(frozen=True)
class Joint:
    """The layers of one cluster, joined by hand-over files in one rehearsal."""

    workspace: Workspace
    cluster: str
    """Name of the cluster."""

    @property
    def organisation(self) -> Path:
        """Folder that the program reads in place of the organisation's own."""
        return self.workspace.folder / "organisation"

    @property
    def files(self) -> Path:
        """Folder of the hand-over files."""
        return self.organisation / "handover"

    def environment(self, identity: dict[str, str] | None = None) -> dict[str, str]:
        """Return the variables by which the program finds files and keys, and who it is at the API server.

        `identity` holds the variables of `stacks/runner.py`. Default: a token that is made up, for stand-ins.
        """
        token = self.workspace.folder / "runner-token"
        secret_file(token, f"made-up-{secrets.token_hex(12)}\n")
        given = identity or {"KADE_KUBERNETES_TOKEN_FILE": str(token)}
        return {
            "KADE_HOME": str(self.organisation),
            "KADE_HANDOVER": str(self.files),
            **dict.fromkeys(IDENTITIES, ""),
            **given,
        }

    @contextmanager
    def in_force(self, identity: dict[str, str] | None = None) -> Generator[None]:
        """Let the commands that are started meanwhile run in this environment."""
        before = {name: os.environ.get(name) for name in self.environment(identity)}
        os.environ.update(self.environment(identity))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def hand_over(self, stack: str) -> Path | None:
        """Write the hand-over file of a stack that is up, and return it; `None` where the stack hands nothing over.

        Raises:
            JoiningError: its outputs cannot be read.
            FaultsError: it has nothing to hand over yet.

        """
        layers: tuple[Literal["machines", "cluster"], ...] = ("machines", "cluster")
        for layer in layers:
            if stack == f"{self.cluster}-{layer}":
                return self.write(layer, self._outputs(stack))
        return None

    def write(self, layer: Literal["machines", "cluster"], outputs: dict[str, Any]) -> Path:
        """Write the hand-over file of a layer, with the next serial.

        Raises:
            FaultsError: the outputs hold nothing to hand over.

        """
        from stacks.handover.document import write_handover
        from stacks.loading import Organisation

        path = self.files / f"{self.cluster}-{layer}.json"
        serial = json.loads(path.read_text(encoding="utf-8"))["serial"] + 1 if path.exists() else 1
        cluster = Organisation(self.organisation).cluster(self.cluster)
        text = write_handover(outputs, cluster, layer, serial=serial, key=_key(self.workspace))
        path.parent.mkdir(exist_ok=True)
        keep(path, text.decode("ascii"))
        return path

    def _outputs(self, stack: str) -> dict[str, Any]:
        arguments = ["stack", "output", "--json", "--show-secrets", "--stack", stack]
        done = run_pulumi(self.workspace, arguments, capture=True, pack=False)
        try:
            return json.loads(done.output)
        except ValueError:
            # What it wrote is not shown: it may hold the administrator's kubeconfig.
            msg = f"The outputs of {stack} cannot be read, so nothing is handed over. Run its `up` again."
            raise JoiningError(msg) from None


def join(workspace: Workspace, files: Organisation, cluster: str, *, always: bool = False) -> Joint | None:
    """Make the organisation's folder of a rehearsal, or bring it up to date, for layers that are joined by files.

    Args:
        workspace: the rehearsal's place.
        files: the organisation.
        cluster: the cluster whose layers are joined.
        always: join them also where the cluster's file has no `handover`. Default: `None` is returned there.

    Raises:
        FaultsError: the cluster's file has faults.

    """
    if files.cluster(cluster).handover is None and not always:
        return None
    joint = Joint(workspace, cluster)
    joint.files.mkdir(parents=True, exist_ok=True)
    _link(files.root, joint.organisation, without={"clusters", "handover"})
    clusters = joint.organisation / "clusters"
    clusters.mkdir(exist_ok=True)
    _link(files.root / "clusters", clusters, without={f"{cluster}.yaml"})
    keep(clusters / f"{cluster}.yaml", _cluster_file(files.root / "clusters" / f"{cluster}.yaml", _key(workspace)))
    return joint


@contextmanager
def joined(workspace: Workspace, files: Organisation, cluster: str) -> Generator[Joint | None]:
    """Let the commands that are started meanwhile run on stand-ins with hand-overs, where the cluster has such.

    Raises:
        FaultsError: the cluster's file has faults.

    """
    joint = join(workspace, files, cluster)
    if joint is None:
        yield None
        return
    with joint.in_force():
        yield joint


def _link(source: Path, target: Path, *, without: set[str]) -> None:
    """Make `target` hold a link to each entry of `source`, and nothing else but what is left out."""
    wanted = {path.name: path for path in source.iterdir() if path.name not in without and path.name[0] != "."}
    for path in target.iterdir():
        if path.name in without or (path.is_symlink() and wanted.get(path.name) == path.readlink()):
            continue
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)
    for name, path in wanted.items():
        if not (target / name).is_symlink():
            (target / name).symlink_to(path)


def _cluster_file(path: Path, key: Ed25519PrivateKey) -> str:
    """Return a cluster's file with the rehearsal's key in place of the organisation's, and its runners beside."""
    from inputs.yaml import dump, load
    from stacks.handover.keys import public_text

    data: dict[str, Any] = load(path).data
    data["handover"] = {"publicKeys": [{"name": KEY_NAME, "key": public_text(key)}]}
    own: dict[str, list[str]] = data.get("runners") or {}
    data["runners"] = {layer: [*own.get(layer, []), *groups] for layer, groups in RUNNERS.items()}
    return HEAD + dump(data)


def _key(workspace: Workspace) -> Ed25519PrivateKey:
    """Return the key of this rehearsal; made when it is first asked for."""
    from stacks.handover import keys

    path = workspace.folder / "handover.key"
    if not path.exists():
        keys.save(keys.new_key(), path)
    return keys.read(path)
