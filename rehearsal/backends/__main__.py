"""Run the back ends of a rehearsal until they are told to end: `python -m rehearsal.backends run FOLDER`.

`kade rehearse up` starts this; people have no need to.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rehearsal.backends.assemble import PARTS
from rehearsal.backends.layout import Layout
from rehearsal.backends.service import BUSY, BusyError, Service


def main() -> int:
    """Return how it ended."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.backends", description=__doc__)
    parser.add_argument("order", choices=["run"])
    parser.add_argument("folder", type=Path, help="the rehearsal's folder, with site and tools noted in it")
    parser.add_argument("--life", type=float, required=True, help="minutes after which it ends by itself")
    parser.add_argument("--parts", default=",".join(PARTS), help="which back ends, separated by commas")
    given = parser.parse_args()
    layout = Layout(given.folder.resolve())
    try:
        return asyncio.run(Service(layout, given.life * 60, given.parts.split(",")).run())
    except BusyError as error:
        print(error, file=sys.stderr)
        return BUSY


if __name__ == "__main__":
    sys.exit(main())
