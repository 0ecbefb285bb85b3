"""`python -m rehearsal shell [--command COMMAND]`: the shell; `… stack NAME`: make a stack, as its `pulumi` asks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rehearsal.shell import run_shell
from rehearsal.toolchain.progress import ToolchainError
from rehearsal.workspace import RehearsalError, load_workspace, open_workspace

USAGE = "usage: python -m rehearsal shell [--command COMMAND] | stack NAME"


def main(arguments: list[str]) -> int:
    """Run one of the two commands and return its exit code."""
    try:
        match arguments:
            case ["shell"]:
                return run_shell(open_workspace())
            case ["shell", "--command", command]:
                return run_shell(open_workspace(), command)
            case ["stack", name]:
                # Asked for from inside a shell: the environment says which rehearsal.
                inside = os.environ.get("KADE_REHEARSAL")
                (load_workspace(Path(inside)) if inside else open_workspace()).ensure_stack(name)
                return 0
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (RehearsalError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
