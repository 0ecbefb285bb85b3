"""Start one server so that it cannot outlive its supervisor: `python -I -S launch.py PARENT USER GROUP PROGRAM …`.

A program of its own, because what it does must happen between fork and exec, where a process with threads may run no
Python. It becomes another account where it is told to (`-` is: stay), asks the kernel for an end together with the
parent, and then becomes the program.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the program."""
    parent, user, group = sys.argv[1:4]
    if group != "-":
        os.setgroups([])
        os.setgid(int(group))
    if user != "-":
        os.setuid(int(user))
    # After the change of account, which makes the kernel forget the request.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("launch: the supervisor is gone")
    try:
        os.execv(sys.argv[4], sys.argv[4:])
    except OSError as error:
        sys.exit(f"launch: {sys.argv[4]}: {error.strerror}")


main()
