"""What a rehearsal's place is filled with: plugins, the language host, the shell's `pulumi`, and secret files."""

from __future__ import annotations

import json
import os
import shlex
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rehearsal.workspace import Workspace

PROJECT = "kade"
"""Name of the Pulumi project, the real one and the rehearsal's."""

STAND_INS = {
    "kubernetes": "pulumi_kubernetes",
    "talos": "pulumiverse_talos",
    "vault": "pulumi_vault",
    "vsphere": "pulumi_vsphere",
}
"""Python package of the SDK of each stand-in."""

OFFICIAL = ("kubernetes", "vault", "vsphere")
"""Plugins that can be the official ones. Talos' own speaks to machines, and a rehearsal has none: nodes are played."""


def sdk_version(name: str) -> str:
    """Return the version of a plugin that its SDK asks for; empty where the SDK is not installed."""
    described = Path(sysconfig.get_path("purelib")) / STAND_INS[name] / "pulumi-plugin.json"
    return json.loads(described.read_text(encoding="utf-8"))["version"] if described.is_file() else ""


def install_plugins(workspace: Workspace) -> None:
    """Lay our plugins where `pulumi plugin install --file` would: exactly the version that the SDK asks for.

    A rehearsal on the official plugins gets those from `official.install`, and ours for the rest.
    """
    for name in STAND_INS:
        version = sdk_version(name)
        if not version or (workspace.official and name in OFFICIAL):
            continue
        target = workspace.home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
        _command(target, f"-m rehearsal.plugins {name} {version}", workspace.root)


def install_commands(workspace: Workspace) -> None:
    """Lay down the language host and the shell's `pulumi`."""
    # The engine prefers a host beside its own executable. On PATH it would warn of ours in every run.
    host = workspace.home / "plugins" / f"language-python-v{metadata.version('pulumi')}" / "pulumi-language-python"
    _command(host, "-m rehearsal.host", workspace.root)
    keep(workspace.bin / "pulumi", _pulumi_command(workspace), executable=True)


def _command(path: Path, arguments: str, root: Path) -> None:
    # -P: the engine starts plugins inside the program's folder, whose modules must not hide those of Python.
    text = (
        f"#!/bin/sh\nunset PYTHONDONTWRITEBYTECODE\nPYTHONPATH={shlex.quote(str(root))} "
        f'exec {shlex.quote(sys.executable)} -P {arguments} "$@"\n'
    )
    keep(path, text, executable=True)


def _pulumi_command(workspace: Workspace) -> str:
    """Return the shell's `pulumi`: it makes a stack that is named for the first time, then runs the CLI."""
    quote = shlex.quote
    return f"""#!/bin/sh
# Made by Kade: the Pulumi CLI, which makes a stack of the rehearsal when it is named for the first time.
stack= before=
for argument in "$@"; do
  case "$argument" in
    --stack=*) stack=${{argument#--stack=}} ;;
    *) case "$before" in -s|--stack|select) stack=$argument ;; esac ;;
  esac
  before=$argument
done
case "$stack" in
  "" | -* | */*) ;;
  *)
    made={quote(str(workspace.backend))}/.pulumi/stacks/{PROJECT}/$stack.json
    config={quote(str(workspace.config))}/Pulumi.$stack.yaml
    if [ "$1" != stack ] || [ "$2" = select ]; then
      if [ ! -f "$made" ] || [ {quote(str(workspace.root / "stacks" / "credentials.py"))} -nt "$config" ]; then
        {quote(sys.executable)} -P -m rehearsal stack "$stack" >&2 || exit
      fi
    fi ;;
esac
exec {quote(str(workspace.cli))} "$@"
"""


def secret_file(path: Path, content: str) -> None:
    """Write a file that only its owner can read, once; it is never made anew, since the state depends on it."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    try:
        os.link(temporary, path)  # fails where another run was faster; then its content counts
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def keep(path: Path, content: str, *, executable: bool = False) -> None:
    """Write a file where its content differs, whole or not at all."""
    if path.is_file() and path.read_text(encoding="utf-8") == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    temporary.chmod(0o755 if executable else 0o644)
    temporary.replace(path)
