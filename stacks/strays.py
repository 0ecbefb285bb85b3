"""What lies in the organisation's folder and is read by nobody: most likely a name that was written wrong.

A team whose file is misnamed would otherwise leave, in silence, the next stack that builds every team.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from inputs.faults import Fault, FaultsError, nearest, shown

if TYPE_CHECKING:
    from stacks.loading import Organisation

PROJECT = Path(__file__).resolve().parents[1]


def refuse_strays(organisation: Organisation) -> None:
    """Refuse an organisation's folder that holds what nobody reads.

    Raises:
        FaultsError: every such file and folder.

    """
    if faults := list(_strays(organisation)):
        raise FaultsError(faults)


def _strays(organisation: Organisation) -> Iterator[Fault]:
    root = organisation.root
    for path in sorted(root.rglob("*.yml")):
        yield _fault(path, "it is not read: files end in `.yaml`", f"Rename it to {path.stem}.yaml.")
    for team in _folders(root / "teams"):
        if not (team / "team.yaml").exists():
            yield _fault(team, "the folder has no team.yaml", "Add it, or remove the folder to remove the team.")
        for app in _folders(team):
            if not (app / "platform.yaml").exists():
                yield _fault(app, "the folder has no platform.yaml", "Add it, or remove the folder to remove the app.")
            yield from _unknown_environments(app, organisation.environment_names())


def _unknown_environments(app: Path, known: tuple[str, ...]) -> Iterator[Fault]:
    for path in sorted(app.glob("*.yaml")):
        if path.stem not in ("platform", *known):
            remedy = nearest(path.stem, known) or f"Environments: {', '.join(known)}."
            yield _fault(path, f"there is no environment `{path.stem}`", remedy)


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("*") if path.is_dir() and not path.name.startswith("."))


def _fault(path: Path, what: str, remedy: str) -> Fault:
    return Fault(shown(path, PROJECT), 0, "", what, remedy)
