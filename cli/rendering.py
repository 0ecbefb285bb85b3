"""Writing what the GitOps engine delivers for a stack, as files for the organisation's repository.

The stack's own program makes them, through the provider that renders (see stacks/delivery.py). It runs on stand-ins and
a state of its own that is thrown away, so that every file is written anew and nothing real is touched; the layers below
come up there first, because a layer refuses to come up without them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rich.console import Console

from cli import files, running, verdicts
from cli.exits import Exit
from inputs.faults import Fault, FaultsError
from rehearsal import joining
from rehearsal import run as rehearsing
from rehearsal.run import Update
from stacks.delivery import RENDER_VARIABLE
from stacks.loading import organisation
from stacks.names import parse_stack

LIST = ".kade-{stack}.txt"
"""Names the files that a stack has rendered into a folder: only those may be removed by its next rendering."""


def render(stack: str, to: Path) -> Exit:
    """Render one stack's files into a folder. What an earlier rendering of this stack wrote and is gone is removed.

    Raises:
        FaultsError: the stack has nothing to render, or its files have faults.

    """
    console = Console(soft_wrap=True, highlight=False)
    files.read_for(stack, organisation())
    target = parse_stack(stack, organisation())
    if target.layer not in ("services", "team") or organisation().cluster(target.cluster).delivery != "git":
        what = "there is nothing to render: only services and teams of a cluster with delivery `git` have files"
        remedy = f"Set `delivery: git` in clusters/{target.cluster}.yaml, or name such a stack."
        raise FaultsError([Fault(f"stack {stack}", 0, "", what, remedy)])
    with tempfile.TemporaryDirectory(prefix="kade-render-") as folder:
        fresh = Path(folder) / "files"
        place = running.workspace(Path(folder) / "kade" / "rehearsal", Path(folder) / "out")
        os.environ[RENDER_VARIABLE] = str(fresh)
        os.environ["KADE_OUT"] = str(place.out)
        with joining.joined(place, organisation(), target.cluster) as joint:
            for name in (f"{target.cluster}-machines", f"{target.cluster}-cluster", stack):
                done = rehearsing.up(place, name, capture=True)
                if done.code:
                    return _not_up(name, done, console)
                if joint:
                    joint.hand_over(name)
        return deliver(stack, fresh, to, console)


def _not_up(stack: str, done: Update, console: Console) -> Exit:
    """Say why a stack did not come up."""
    console.print(f"Stack {stack} does not come up in the rehearsal, so nothing was rendered.")
    verdict = verdicts.load(stack)
    if verdict is None:
        console.print(done.output)
        return Exit.INTERNAL
    verdicts.print_checks(verdict, console)
    return Exit.FINDINGS


def deliver(stack: str, fresh: Path, to: Path, console: Console) -> Exit:
    """Put the rendered files into the folder, and take away those of this stack that are no longer made.

    Raises:
        FaultsError: a file of somebody else would be overwritten.

    """
    known = to / LIST.format(stack=stack)
    earlier = set(known.read_text(encoding="utf-8").splitlines()) if known.exists() else set[str]()
    made = {str(path.relative_to(fresh)): path for path in sorted(fresh.rglob("*.yaml"))}
    foreign = sorted(name for name in made if name not in earlier and (to / name).exists())
    if foreign:
        what = f"{foreign[0]} is there already and was not rendered from this stack"
        raise FaultsError([Fault(str(to), 0, "", what, "Name a folder of the stack's own, or remove the file first.")])
    for name, path in made.items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(path.read_bytes())
    gone = sorted(earlier - made.keys())
    for name in gone:
        (to / name).unlink(missing_ok=True)
        console.print(f"removed {to / name}: the stack no longer makes it")
    known.write_text("".join(f"{name}\n" for name in sorted(made)), encoding="utf-8")
    console.print(f"{len(made)} files in {to}.")
    return Exit.CLEAN
