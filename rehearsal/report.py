"""What a rehearsal came to: as a document, on the screen, and as one page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console
from rich.table import Table

from rehearsal.comparison import Compared

SCHEMA = "kade.rehearsal/1"
MARKS = {
    "pass": "green", "fail": "red", "error": "red", "undetermined": "yellow",
}  # fmt: skip
"""Colours of statuses on the screen."""


@dataclass(frozen=True, kw_only=True)
class LayerResult:
    """One stack that came up, or did not."""

    stack: str
    seconds: float
    resources: int = 0
    changed: int = 0
    failed: bool = False
    note: str = ""
    """What people should know besides, for example what the GitOps player applied."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Something that was tried on the running back ends beside the checks."""

    what: str
    held: bool
    seen: str
    """What was seen, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """A whole rehearsal."""

    environment: str
    engine: str
    """Which Pulumi CLI ran."""
    plugins: dict[str, str]
    """Per provider what it was and what it worked on."""
    layers: tuple[LayerResult, ...]
    checks: tuple[Compared, ...] = ()
    proofs: tuple[Proof, ...] = ()
    phases: dict[str, float] = field(default_factory=dict[str, float])
    """Seconds of each phase."""
    predicted_line: str = ""
    live_line: str = ""

    @property
    def complete(self) -> bool:
        """Say whether every stack came up."""
        return all(not layer.failed for layer in self.layers)

    @property
    def unexplained(self) -> int:
        """Number of checks whose live status differs from the prediction without a known reason."""
        return sum(check.unexplained for check in self.checks)

    @property
    def holds(self) -> bool:
        """Say whether the rehearsal shows what it should."""
        return self.complete and self.unexplained == 0 and all(proof.held for proof in self.proofs)


def document(result: Rehearsed) -> dict[str, Any]:
    """Return the result as `rehearsal.json` has it."""
    return {
        "schema": SCHEMA,
        **asdict(result),
        "checks": [
            {**asdict(check), "differs": check.differs, "unexplained": check.unexplained} for check in result.checks
        ],
        "complete": result.complete,
        "unexplained": result.unexplained,
    }


def write(result: Rehearsed, folder: Path) -> Path:
    """Write `rehearsal.json` and `rehearsal.html` into a folder and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rehearsal.json").write_text(json.dumps(document(result), indent=1), encoding="utf-8")
    page = folder / "rehearsal.html"
    page.write_text(_page(result), encoding="utf-8")
    return page


def clear(folder: Path) -> None:
    """Remove what an earlier run has written."""
    for name in ("rehearsal.json", "rehearsal.html"):
        (folder / name).unlink(missing_ok=True)


def _page(result: Rehearsed) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("rehearsal.html.j2").render(result=result)


def show(result: Rehearsed, console: Console) -> None:
    """Print layers, checks and proofs."""
    layers = Table("stack", "resources", "changed", "seconds", "", box=None, pad_edge=False)
    for layer in result.layers:
        count = "did not come up" if layer.failed else f"{layer.changed or 'no'} changed"
        style = "red" if layer.failed else None
        layers.add_row(layer.stack, str(layer.resources), count, f"{layer.seconds:.0f}", layer.note, style=style)
    console.print(layers)
    if result.checks:
        console.print(_checks(result.checks))
        differing = sum(check.differs for check in result.checks)
        console.print(
            f"{differing} of {len(result.checks)} checks differ from the prediction, {result.unexplained} unexplained.",
            style="bold",
        )
        console.print(f"predicted  {result.predicted_line}\nlive       {result.live_line}")
        console.print("A live status marked simulated rests on back ends that play: never a Haven yes.", style="dim")
    for proof in result.proofs:
        console.print(f"  {'[green]held  [/green]' if proof.held else '[red]failed[/red]'} {proof.what}: {proof.seen}")


def _checks(checks: tuple[Compared, ...]) -> Table:
    table = Table("check", "predicted", "live", "simulated", "why they differ", box=None, pad_edge=False)
    for check in checks:
        why = check.explanation or ("NOT EXPLAINED: " + check.live.sentence if check.unexplained else "")
        table.add_row(
            check.check,
            _coloured(check.predicted.status),
            _coloured(check.live.status),
            "simulated" if check.simulated else "",
            why,
        )
    return table


def _coloured(status: str) -> str:
    colour = MARKS.get(status)
    return f"[{colour}]{status}[/{colour}]" if colour else status
