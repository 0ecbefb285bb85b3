"""Exit codes of `kade`, the same for every command."""

from enum import IntEnum


class Exit(IntEnum):
    """What a caller learns from the exit code alone."""

    CLEAN = 0
    """Done, nothing found."""
    FINDINGS = 1
    """Done, and a mandatory rule failed."""
    BAD_INPUT = 2
    """A file, an argument or the usage is wrong; nothing was applied."""
    UNDETERMINED = 3
    """Under `--strict`: something that could have been decided was not."""
    INTERNAL = 4
    """A fault in Kade itself, or in what it stands on (engine, disk, network)."""
