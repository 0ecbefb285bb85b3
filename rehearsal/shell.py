"""A shell in the generated project, where plain `pulumi` works on the rehearsal with the pack enforced."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rehearsal.workspace import Workspace

_WELCOME = """\
Rehearsal of Kade: the project is generated, the plugins are stand-ins, nothing real is made.
{pack}
  pulumi preview --stack production-machines     any stack of the organisation, in any order
  pulumi up --stack sandbox                      do not use --skip-preview: rules over a whole stack come too late then
  exit                                           back to your own shell
Results lie in {out}.
"""


def run_shell(
    workspace: Workspace,
    command: str | None = None,
    extra: Mapping[str, str] | None = None,
    welcome: str = _WELCOME,
) -> int:
    """Run one command, or the commands on standard input, or an interactive shell; return its exit code.

    Args:
        workspace: where.
        command: the command; by default what is typed or piped in.
        extra: variables besides those of the workspace.
        welcome: what an interactive shell begins with; `{pack}` and `{out}` in it are filled in.

    """
    environment = {**workspace.environment(), **(extra or {})}
    if command is not None:
        return subprocess.run(
            ["/bin/sh", "-c", command], cwd=workspace.project, env=environment, check=False
        ).returncode
    if not sys.stdin.isatty():
        return subprocess.run(["/bin/sh", "-s"], cwd=workspace.project, env=environment, check=False).returncode
    pack = f"Policy pack: {workspace.pack}" if workspace.has_pack else "No policy pack: there is none in this project."
    print(welcome.format(pack=pack, out=workspace.out))
    shell = os.environ.get("SHELL") or "/bin/sh"
    arguments = [shell, "-i"]
    if Path(shell).name == "bash":
        # Bash reads PS1 from its own files, so the prompt is set after them.
        file = workspace.folder / "bashrc"
        file.write_text(
            f'[ -f ~/.bashrc ] && . ~/.bashrc\nexport PATH={shlex.quote(environment["PATH"])}\nPS1="(rehearsal) $PS1"\n'
        )
        arguments = [shell, "--rcfile", str(file), "-i"]
    environment["PS1"] = "(rehearsal) $ "
    return subprocess.run(arguments, cwd=workspace.project, env=environment, check=False).returncode
