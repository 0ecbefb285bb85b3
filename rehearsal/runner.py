"""Run a Pulumi program in Python for the language host: `python -m rehearsal.runner OPTIONS PROGRAM`.

What the official `pulumi-language-python-exec` does, for the SDK of this environment only. Two things differ, both for
the reader of the output: an error that the program reports by itself (`pulumi.RunError`) ends in its message alone, and
an interrupt ends without a traceback.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
import pulumi.runtime

from rehearsal.parent import end_with_parent

EXIT_TOLD = 32
"""The user has been told what is wrong: the host adds nothing. The number is part of the engine's protocol."""

_GONE = "resource monitor shut down"
"""What the SDK says when the engine has stopped listening."""

_THREADS_PER_OPERATION = 4
"""The SDK waits in threads; with fewer than the official runner's four per parallel operation large programs stall."""


def main() -> int:
    """Run the program and return the exit code."""

    def end(*_: object) -> None:
        os._exit(EXIT_TOLD)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    end_with_parent()
    options = _options()
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    settings = pulumi.runtime.Settings(
        project=options.project,
        stack=options.stack,
        monitor=options.monitor,
        engine=options.engine,
        parallel=options.parallel,
        dry_run=options.dry_run,
        organization=options.organization,
        root_directory=options.root,
    )
    pulumi.runtime.configure(settings)
    os.chdir(options.pwd)
    sys.argv = [options.program]
    # A program that ends early leaves futures that nobody awaits; asyncio would report each of them.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(1, options.parallel) * _THREADS_PER_OPERATION)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run(options.program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return EXIT_TOLD
    except Exception as error:
        # The engine stops listening when something else has failed, and has said so: no second message about that.
        if _GONE not in str(error):
            pulumi.log.error("The program ended with an error:\n" + _own_part(Path(options.program).resolve()))
        return EXIT_TOLD
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _run(program: str) -> None:
    if Path(program).is_dir() and not (Path(program) / "__main__.py").is_file():
        msg = f"{Path(program).resolve()} holds no __main__.py, so there is no program to run."
        raise pulumi.RunError(msg)
    runpy.run_path(program, run_name="__main__")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a Pulumi program.")
    for name in ("monitor", "engine", "project", "stack", "organization", "pwd", "root"):
        parser.add_argument(f"--{name}", required=name in ("monitor", "engine", "project", "stack"))
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("program")
    return parser.parse_args()


def _own_part(program: Path) -> str:
    """Return the current traceback from the program's first frame on; those before are this runner's and asyncio's."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    files = [Path(frame.filename).resolve() if frame.filename[0] != "<" else Path() for frame in frames]
    first = next((index for index, file in enumerate(files) if file.is_relative_to(program)), 0)
    return traceback.format_exc(limit=first - len(frames) if first else None)


if __name__ == "__main__":
    sys.exit(main())
