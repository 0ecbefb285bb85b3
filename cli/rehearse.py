"""`kade rehearse`: a whole environment on this machine, against real back ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli.exits import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from rehearsal.backends.control import Status

app = typer.Typer(
    name="rehearse",
    help="Rehearse an environment on this machine: a real API server, OpenBao and directory, a simulated vCenter.",
    no_args_is_help=True,
)

LIFE_MINUTES = 240
"""How long a rehearsal lives unless told otherwise, so that a forgotten one ends by itself."""

Environment = Annotated[str, typer.Argument(help="Name of the environment, for example `production`.")]
Started = Annotated[
    str | None, typer.Argument(help="Name of the environment. Default: the only one that is rehearsed.")
]


@app.command()
def up(
    environment: Environment,
    life: Annotated[int, typer.Option(min=1, help="Minutes after which everything ends by itself.")] = LIFE_MINUTES,
    state: Annotated[
        str | None,
        typer.Option(help="Where Pulumi's state lies: `postgres` (default of a new rehearsal) or `object_store`."),
    ] = None,
    plugins: Annotated[
        str | None,
        typer.Option(help="Whose plugins work on the back ends: `own` (default), or `official` (downloaded once)."),
    ] = None,
) -> None:
    """Start the back ends, apply every stack in order, and judge the result live, beside what was predicted."""
    from cli import rehearsing

    with _faults():
        raise typer.Exit(rehearsing.up(environment, life=life, state=state, plugins=plugins))


@app.command()
def status(environment: Started = None) -> None:
    """Show every back end: what it does, where it listens, what it costs, and how long all still lives."""
    from cli import rehearsing
    from rehearsal.backends import control

    console = rehearsing.console()
    folders = [_folder(environment)] if environment else _folders()
    if not folders:
        console.print("Nothing is rehearsed. Start with `kade rehearse up ENVIRONMENT`.")
    for folder in folders:
        _show(folder.name, control.status(folder), console)


@app.command()
def down(
    environment: Started = None,
    every: Annotated[bool, typer.Option("--all", help="Every rehearsal of this project.")] = False,
) -> None:
    """End a rehearsal: every process stops and everything is removed but the logs."""
    from rehearsal.backends import control

    with _faults():
        for folder in _folders() if every else [_chosen(environment)]:
            ended = control.down(folder)
            said = "ended; its logs stay" if ended else "there was nothing to end; logs are"
            typer.echo(f"{folder.name}: {said} in {folder / 'backends' / 'logs'}")


@app.command()
def shell(
    environment: Started = None,
    command: Annotated[str | None, typer.Option("--command", "-c", help="Run this instead of a shell.")] = None,
) -> None:
    """Open a shell where `kubectl`, `bao`, `govc`, `ldapsearch`, `psql`, `helm` and `pulumi` work on the rehearsal."""
    from rehearsal.backends import shell as shells

    with _faults():
        raise typer.Exit(shells.run(_running(_chosen(environment)), command))


@app.command()
def drill(
    names: Annotated[list[str] | None, typer.Argument(help="Drills. Default: all; a wrong name lists them.")] = None,
    environment: Annotated[str, typer.Option(help="Environment that is rehearsed.")] = "production",
    points: Annotated[int | None, typer.Option(min=1, help="Points at which `kill` strikes. Default: 20.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random points: the same seed, the same points.")] = None,
    life: Annotated[int, typer.Option(min=1, help="Minutes after which everything ends by itself.")] = LIFE_MINUTES,
) -> None:
    """Break something on purpose in a rehearsal, bring it up again, and count what was lost or doubled."""
    from cli import rehearsing

    with _faults():
        raise typer.Exit(rehearsing.drill(names or [], environment, points=points, seed=seed, life=life))


@app.command()
def logs(
    server: Annotated[str | None, typer.Argument(help="Name of a back end. Default: list them.")] = None,
    environment: Annotated[str | None, typer.Option(help="Default: the only one that is rehearsed.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is still to come.")] = False,
) -> None:
    """Show what a back end wrote; those of a rehearsal that has ended too."""
    folder = _chosen(environment) / "backends" / "logs"
    known = sorted(path.stem for path in folder.glob("*.log"))
    if server is None:
        typer.echo("\n".join(known))
        return
    if server not in known:
        _refuse(f"There is no log {server!r} in {folder}. There are: {', '.join(known) or 'none'}.")
    _tail(folder / f"{server}.log", follow=follow)


def _tail(path: Path, *, follow: bool) -> None:
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            text = file.read(65_536)
            if text:
                sys.stdout.write(text)
            elif follow and path.exists():
                sys.stdout.flush()
                time.sleep(0.3)
            else:
                return


def _show(name: str, found: Status, console: Console) -> None:
    from rich.table import Table

    if not found.running:
        ended = "was killed; the next start begins anew" if found.killed else "does not run"
        console.print(f"{name}: {ended}.")
        return
    left = max(0, int(found.until - time.time())) // 60
    state = "ready" if found.ready else "starting"
    if found.ended:
        names = ", ".join(row.name for row in found.ended)
        state = f"NOT whole, {names} ended (`kade rehearse logs`; `kade rehearse up {name}` starts again)"
    total = sum(row.memory for row in found.servers) >> 20
    console.print(f"{name}: {state}, {total} MB, ends by itself in {left // 60} h {left % 60:02d} min.")
    table = Table(box=None, pad_edge=False)
    for title in ("back end", "state", "process", "address", "memory", "since"):
        table.add_column(title, no_wrap=True)
    for row in found.servers:
        words = f"{row.state} (exit code {row.code})" if row.code is not None else row.state
        since = datetime.fromtimestamp(row.since).strftime("%H:%M:%S") if row.since else ""
        memory = f"{row.memory >> 20} MB" if row.memory else ""
        table.add_row(row.name, words, str(row.pid or ""), row.address.removeprefix("https://"), memory, since)
    console.print(table)


def _root() -> Path:
    from rehearsal.rehearse import folder_of

    return folder_of("any").parent


def _folder(environment: str) -> Path:
    folder = _root() / environment
    if Path(environment).name != environment or not (folder / "backends").is_dir():
        from inputs.faults import nearest
        from stacks.loading import organisation

        known = organisation().environment_names()
        if environment not in known:
            hint = nearest(environment, known) or f"Environments: {', '.join(known)}."
            _refuse(f"There is no environment {environment!r}. {hint}")
        rehearsed = _named(_folders()) or "none"
        _refuse(
            f"{environment} is not rehearsed. Rehearsed are: {rehearsed}. Start it by `kade rehearse up {environment}`."
        )
    return folder


def _named(folders: Sequence[Path]) -> str:
    """Return the names of rehearsals, each with what has become of it."""
    from rehearsal.backends import control

    return ", ".join(f"{one.name} ({'runs' if control.status(one).running else 'ended'})" for one in folders)


def _folders() -> list[Path]:
    return sorted(path.parent for path in _root().glob("*/backends"))


def _chosen(environment: str | None) -> Path:
    """Return the folder of the rehearsal that is meant."""
    if environment is not None:
        return _folder(environment)
    from rehearsal.backends import control

    folders = _folders()
    found = [folder for folder in folders if control.status(folder).running] or folders
    if len(found) != 1:
        names = _named(found) or "none; start with `kade rehearse up ENVIRONMENT`"
        _refuse(f"Say which environment is meant. Rehearsed are: {names}.")
    return found[0]


def _running(folder: Path) -> Path:
    from rehearsal.backends import control

    if not control.status(folder).ready:
        _refuse(f"{folder.name} does not run. Start it by `kade rehearse up {folder.name}`.")
    return folder


def _refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(Exit.BAD_INPUT)


class _faults:  # noqa: N801  # reads as a word where it is used
    """Turn what people can mend into a message and an exit code."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, typer.Exit):
            return
        if isinstance(error, KeyboardInterrupt):
            typer.echo("What has started goes on running: `kade rehearse status`, `kade rehearse down`.", err=True)
            return
        from operations.vault.client import VaultError
        from rehearsal.backends.api import ApiError
        from rehearsal.backends.control import BackendsError
        from rehearsal.backends.endpoints import EndpointsError
        from rehearsal.backends.gitops import SyncError
        from rehearsal.drills.clearing import DrillError
        from rehearsal.joining import JoiningError
        from rehearsal.rehearse import RehearseError
        from rehearsal.toolchain.progress import ToolchainError
        from rehearsal.vault_setup import VaultSetupError
        from rehearsal.workspace import RehearsalError

        known = BackendsError | EndpointsError | SyncError | JoiningError | RehearseError | ToolchainError | DrillError
        if isinstance(error, known | VaultSetupError | RehearsalError | ApiError | VaultError):
            typer.echo(str(error), err=True)
            raise typer.Exit(Exit.INTERNAL) from None
