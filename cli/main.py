"""The command `kade`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from cli.exits import Exit
from inputs.faults import FaultsError

app = typer.Typer(
    name="kade",
    help="Haven+ platforms as code: what `pulumi` does, with the checks that people and CI need around it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

Stack = Annotated[str, typer.Argument(help="Name of the stack, for example `production-services`.")]
Rehearse = Annotated[bool, typer.Option("--rehearse", help="On stand-ins, on this machine, instead of for real.")]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before applying. A rehearsal never asks.")]


@app.command()
def validate(stack: Annotated[str | None, typer.Argument(help="Only the files that this stack reads.")] = None) -> None:
    """Read the organisation's files and report every fault in them."""
    from cli import files
    from stacks.loading import organisation

    count = files.read_all(organisation()) if stack is None else files.read_for(stack, organisation())
    typer.echo(f"{count} readings of files, no faults.")


@app.command()
def explain(word: Annotated[str, typer.Argument(help="A key (`network.pods`) or a rule (`haven-multiaz`).")]) -> None:
    """Say what a key of the organisation's files, or a rule, means."""
    from cli import explain as explaining

    Console().print(Markdown(explaining.text(word)))


@app.command()
def sandbox(
    stack: Annotated[str, typer.Option(help="The environment of stage sandbox to build.")] = "sandbox",
) -> None:
    """Build the sandbox on this machine, on stand-ins, and show its Haven verdict."""
    _run(stack, "up", rehearse=True)


@app.command()
def up(stack: Stack, rehearse: Rehearse = False, yes: Yes = False) -> None:
    """Preview, judge and apply one stack; what a killed run left behind is cleared first."""
    _run(stack, "up", rehearse=rehearse, yes=yes)


@app.command()
def preview(stack: Stack, rehearse: Rehearse = False) -> None:
    """Preview and judge one stack; nothing is applied."""
    _run(stack, "preview", rehearse=rehearse)


@app.command()
def destroy(stack: Stack, rehearse: Rehearse = False, yes: Yes = False) -> None:
    """Delete what one stack made; what is protected stays, and is named."""
    _run(stack, "destroy", rehearse=rehearse, yes=yes)


@app.command()
def render(
    stack: Stack,
    to: Annotated[Path, typer.Option(help="Folder to write to: the checkout of the GitOps repository.")],
) -> None:
    """Write what the GitOps engine delivers for one stack, as files."""
    from cli import rendering

    count = rendering.render(stack, to)
    typer.echo(f"{count} files in {to}.")


@app.command()
def verdict(stack: Stack) -> None:
    """Show the verdict of a stack's last preview or up."""
    from cli import verdicts

    verdicts.show(stack, verdicts.require(stack), Console(soft_wrap=True, highlight=False))


def _run(stack: str, operation: str, *, rehearse: bool, yes: bool = False) -> None:
    from cli import running

    raise typer.Exit(running.run(stack, operation, rehearse=rehearse, yes=yes))


def main() -> None:
    """Run the command; every fault that people can mend ends in a message, not a traceback."""
    try:
        app()
    except FaultsError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        count = len(error.faults)
        print(f"{count} fault{'s' if count > 1 else ''}; nothing was applied.", file=sys.stderr)
        sys.exit(Exit.BAD_INPUT)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(Exit.INTERNAL)
    except Exception as error:
        if os.environ.get("KADE_DEBUG"):
            raise
        print(f"kade: {type(error).__name__}: {error}", file=sys.stderr)
        print("This is a fault in Kade or in what it stands on; KADE_DEBUG=1 shows where.", file=sys.stderr)
        sys.exit(Exit.INTERNAL)


if __name__ == "__main__":
    main()
