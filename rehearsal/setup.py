"""Set up what a run needs: `python3 -m rehearsal.setup`. Standard library only; a second run does next to nothing.

Gives the Python environment `.venv` from requirements.lock, and a Pulumi CLI. What was found stands in
`.kade/toolchain.json`; downloads and builds are cached outside the clone (see toolchain/cache.py).
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # this file alone must run on an older Python, to say so
    sys.exit(
        "Kade needs Python 3.11 or newer; this is %d.%d (%s). Install a newer one, or choose it: "  # noqa: UP031  # as above
        "make PYTHON=/path/to/python3.11" % (*sys.version_info[:2], sys.executable)
    )

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a file: the project's root is not on the path yet
    sys.path.insert(0, str(ROOT))

from rehearsal.toolchain import engine, python_env  # noqa: E402
from rehearsal.toolchain.cache import digest, locked  # noqa: E402
from rehearsal.toolchain.engine import Engine  # noqa: E402
from rehearsal.toolchain.progress import Progress, ToolchainError  # noqa: E402


def inputs(root: Path) -> str:
    """Return a digest of everything that the choice of a CLI depends on."""
    sources = sorted((root / "rehearsal" / "toolchain").glob("*.py"))
    files = [root / "rehearsal" / "engine" / name for name in ("go.mod", "go.sum")]
    return digest(*files, *sources)


def set_up_python(root: Path, progress: Progress) -> None:
    """Set up the Python environment alone, for lint and tests that need no CLI.

    Raises:
        ToolchainError: it could not be had.

    """
    if not python_env.ready(root):
        with locked(root / ".kade" / "setup.lock", progress, "this clone"):
            _python(root, progress)


def _python(root: Path, progress: Progress) -> None:
    if not python_env.ready(root):  # another set-up may have made it meanwhile
        python_env.make(root, progress)


def set_up(root: Path, progress: Progress) -> Engine:
    """Set everything up, or find that it is, and return the CLI.

    Raises:
        ToolchainError: something could not be had; says what was tried and what to do.

    """
    expected, path = inputs(root), engine.on_path(root)
    ready = _ready(root, expected, path)
    if ready is not None:
        return ready
    with locked(root / ".kade" / "setup.lock", progress, "this clone"):
        ready = _ready(root, expected, path)  # another set-up may have done it meanwhile
        if ready is not None:
            return ready
        found = _both(root, progress)
        engine.write_stamp(root, found, expected, path)
        return found


def _ready(root: Path, expected: str, path: str) -> "Engine | None":
    stamp = engine.read_stamp(root)
    if stamp is None or stamp[1:] != (expected, path) or not python_env.ready(root):
        return None
    return stamp[0]


def _both(root: Path, progress: Progress) -> Engine:
    """Make the Python environment and find the CLI at the same time: one waits for the network, the other computes."""
    # Imported late: a second run does not come here.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        python = pool.submit(_python, root, progress)
        cli = pool.submit(engine.find, root, progress)
        faults = [error for error in (python.exception(), cli.exception()) if error is not None]
    expected = [str(error) for error in faults if isinstance(error, ToolchainError)]
    if len(expected) < len(faults):
        raise next(error for error in faults if not isinstance(error, ToolchainError))
    if expected:
        raise ToolchainError("\n\n".join(expected))
    return cli.result()


def main() -> int:
    """Set up this clone and say which CLI is used."""
    progress = Progress()
    if sys.argv[1:] not in ([], ["--python-only"]):
        progress.say("usage: python3 rehearsal/setup.py [--python-only]")
        return 2
    try:
        if sys.argv[1:]:
            set_up_python(ROOT, progress)
            return 0
        found = set_up(ROOT, progress)
    except ToolchainError as error:
        progress.say(f"\nSet-up failed.\n{error}")
        return 1
    except KeyboardInterrupt:
        progress.say("\nSet-up was interrupted; what was finished is kept.")
        return 130
    words = {"path": "on PATH", "download": "the official download", "build": "built from its Go module"}
    # Not on standard output: `make shell CMD='pulumi stack export …' > file` must hold what the command says alone.
    progress.say(f"Pulumi CLI {found.version}, {words[found.source]}: {found.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
