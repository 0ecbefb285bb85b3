"""Writing what the GitOps engine delivers for a stack, as files for the organisation's repository.

The stack's own program makes them, through the provider that renders (see stacks/delivery.py). It runs on stand-ins and
a state of its own that is thrown away, so that every file is written anew and nothing real is touched; the layers below
come up there first, because a layer refuses to come up without them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cli import files, running
from inputs.faults import Fault, FaultsError
from rehearsal import run as rehearsing
from stacks.loading import organisation
from stacks.names import parse_stack


def render(stack: str, to: Path) -> int:
    """Render one stack's files into a folder and return their number; files there that it no longer makes are removed.

    Raises:
        FaultsError: the stack has nothing to render, or its files have faults.
        RuntimeError: the run failed; it has said why.

    """
    files.read_for(stack, organisation())
    target = parse_stack(stack, organisation())
    if target.layer not in ("services", "team") or organisation().cluster(target.cluster).delivery != "git":
        what = "there is nothing to render: only services and teams of a cluster with delivery `git` have files"
        remedy = f"Set `delivery: git` in clusters/{target.cluster}.yaml, or name such a stack."
        raise FaultsError([Fault(f"stack {stack}", 0, "", what, remedy)])
    before = set(to.rglob("*.yaml"))
    with tempfile.TemporaryDirectory(prefix="kade-render-") as folder, tempfile.TemporaryDirectory() as fresh:
        place = running.workspace(Path(folder) / "kade" / "rehearsal", Path(folder) / "out")
        below = [f"{target.cluster}-machines", f"{target.cluster}-cluster"]
        os.environ["KADE_RENDER_DIRECTORY"] = fresh
        for name in [*below, stack]:
            done = rehearsing.up(place, name, capture=True)
            if done.code:
                msg = f"rendering ended at stack {name}:\n{done.output}"
                raise RuntimeError(msg)
        made = [path.relative_to(fresh) for path in sorted(Path(fresh).rglob("*.yaml"))]
        for path in made:
            target_file = to / path
            target_file.parent.mkdir(parents=True, exist_ok=True)
            target_file.write_bytes((Path(fresh) / path).read_bytes())
    for stale in before - {to / path for path in made}:
        stale.unlink()
    return len(made)
