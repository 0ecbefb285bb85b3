"""`kade handover`: a key to sign with; writing, verifying and showing a hand-over file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Join layers that run in separate networks: signed files carry one layer's outputs to the next.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Stack = Annotated[str, typer.Argument(help="The stack that hands over: `<cluster>-machines` or `<cluster>-cluster`.")]
File = Annotated[Path, typer.Argument(help="A hand-over file.")]


@app.command()
def keygen(
    name: Annotated[str, typer.Argument(help="Name of the key, for example `platform-2027`.")],
    folder: Annotated[Path, typer.Option(help="Folder for the private key.")] = Path(),
) -> None:
    """Make a key that signs hand-over files: the private half goes into `NAME.key`, the public half is printed."""
    from cli import handing_over

    typer.echo(handing_over.make_key(name, folder))


@app.command()
def write(
    stack: Stack,
    key: Annotated[Path, typer.Option(help="File with the private key.")],
    to: Annotated[Path | None, typer.Option(help="File to write. Default: where the next layer looks.")] = None,
    serial: Annotated[
        int | None, typer.Option(min=1, help="Number of the file. Default: one more than the file that is there.")
    ] = None,
    break_glass: Annotated[
        list[str] | None,
        typer.Option(help="Add the administrator's kubeconfig, encrypted to this age or SSH public key; repeatable."),
    ] = None,
) -> None:
    """Write and sign what a stack hands over, from its outputs."""
    from cli import handing_over

    typer.echo(handing_over.write_file(handing_over.Wanted(stack, key, to, serial, break_glass or ())))


@app.command()
def verify(file: File) -> None:
    """Say whether a stack that has accepted no file yet would accept this one; exit code 2 where not."""
    from cli import handing_over

    typer.echo(handing_over.verified(file))


@app.command()
def show(file: File) -> None:
    """Print what a file says, without checking its signature."""
    from cli import handing_over

    typer.echo(handing_over.content(file))
    typer.echo("Not verified: `kade handover verify` says whether it is genuine.", err=True)
