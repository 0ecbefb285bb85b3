"""The command `kade`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import handover, rehearse, vault
from cli.exits import Exit
from inputs.faults import FaultsError
from policies.kernel.words import Format, Listing, Source, Stage

app = typer.Typer(
    name="kade",
    help="Haven+ platforms as code: what `pulumi` does, with the checks that people and CI need around it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

app.add_typer(handover.app, name="handover")
app.add_typer(rehearse.app, name="rehearse")
app.add_typer(vault.app, name="vault")

Stack = Annotated[str, typer.Argument(help="Name of the stack, for example `production-services`.")]
Rehearse = Annotated[bool, typer.Option("--rehearse", help="On stand-ins, on this machine, instead of for real.")]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before applying. A rehearsal never asks.")]


@app.command()
def validate(stack: Annotated[str | None, typer.Argument(help="Only the files that this stack reads.")] = None) -> None:
    """Read the organisation's files and report every fault in them."""
    from cli import files
    from stacks.loading import organisation

    if stack is None:
        files.read_all(organisation())
    else:
        files.read_for(stack, organisation())
    typer.echo("No faults.")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of your organisation; made where it does not exist.")],
) -> None:
    """Start an organisation of your own from the example, with its project file and the schemas for editors."""
    from cli import starting

    starting.start(folder)


@app.command()
def explain(word: Annotated[str, typer.Argument(help="A key (`network.pods`) or a rule (`haven-multiaz`).")]) -> None:
    """Say what a key of the organisation's files, or a rule, means."""
    from rich.console import Console
    from rich.markdown import Markdown

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

    raise typer.Exit(rendering.render(stack, to))


@app.command()
def rules(
    format: Annotated[Listing, typer.Option(help="`console` or `json`.")] = Listing.CONSOLE,
) -> None:
    """List every rule: severity, what it can decide when, controls, sources, fixtures."""
    from cli import rules as listing
    from policies.rules import load

    if format is Listing.JSON:
        sys.stdout.write(listing.as_json(load()))
        return
    from rich.console import Console

    listing.show(load(), Console(highlight=False))


@app.command()
def releases(
    source: Annotated[
        str, typer.Option("--from", help="File or https address. Default: the Kubernetes project's own schedule.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 where the table is out of date.")
    ] = False,
    days: Annotated[int, typer.Option(min=0, help="For `--check`: age that is too old. The rule's limit is 60.")] = 45,
    offline: Annotated[
        bool, typer.Option("--offline", help="For `--check`: ask nobody, look at the age only.")
    ] = False,
) -> None:
    """Bring the table of Kubernetes versions up to date, by which haven-kubernetesversion decides."""
    from rich.console import Console

    from cli import releases as table

    console = Console(soft_wrap=True, highlight=False)
    if check:
        raise typer.Exit(table.check(source, days, console, offline=offline))
    raise typer.Exit(table.update(source, console))


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; `-` is standard input.", show_default=False)
    ] = None,
    source: Annotated[Source, typer.Option(help="What is judged.")] = Source.MANIFESTS,
    format: Annotated[Format, typer.Option(help="What the result is written as.")] = Format.CONSOLE,
    output: Annotated[Path | None, typer.Option(help="File to write to. Default: standard output.")] = None,
    stack: Annotated[str, typer.Option(help="The stack that the objects belong to.")] = "",
    stage: Annotated[Stage | None, typer.Option(help="Whose settings hold. Default: the stack's stage.")] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="Stop at what could be decided now and is undetermined.")
    ] = None,
    rules: Annotated[str, typer.Option(help="Only these rules, separated by commas.")] = "",
    framework: Annotated[str, typer.Option(help="Only rules of or for these frameworks, separated by commas.")] = "",
    as_of: Annotated[str, typer.Option(help="Judge as on this day, for example 2027-03-01. Default: today.")] = "",
    baseline: Annotated[Path | None, typer.Option(help="An earlier verdict.json: only what is new stops.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="For `live`. Default: as kubectl finds it.")] = None,
    context: Annotated[str | None, typer.Option(help="For `live`. Default: the current one.")] = None,
    probe: Annotated[bool, typer.Option("--probe", help="For `live`: make a test volume and remove it again.")] = False,
) -> None:
    """Judge manifests, an exported state, a live cluster, or the last preview of a stack."""
    from cli import check as checker
    from policies.checking import Request

    request = Request(
        source=source,
        paths=checker.paths(paths),
        stack=stack,
        stage=stage,
        kubeconfig=kubeconfig,
        context=context,
        probe=probe,
        strict=strict,
        rules=checker.listed(rules),
        frameworks=checker.listed(framework),
        day=checker.day(as_of),
        baseline=baseline,
    )
    raise typer.Exit(checker.run(request, checker.Written(format=format, output=output)))


@app.command()
def verdict(
    name: Annotated[str, typer.Argument(help="A stack, or an environment: then all its stacks together.")],
) -> None:
    """Show the verdict of a stack's last preview or up, or of all stacks of an environment."""
    from rich.console import Console

    from cli import verdicts

    console = Console(soft_wrap=True, highlight=False)
    stacks = verdicts.stacks_of(name)
    if stacks:
        verdicts.show_merged(name, stacks, console)
    else:
        verdicts.show(name, verdicts.require(name), console)


@app.command()
def parity(
    verdict: Annotated[Path, typer.Argument(help="A `verdict.json`.")],
    report: Annotated[Path, typer.Argument(help="What `haven check --output=json` wrote.")],
) -> None:
    """Compare a verdict with what the official checker said, check by check."""
    from rich.console import Console

    from cli import verdicts

    raise typer.Exit(verdicts.show_parity(verdict, report, Console(soft_wrap=True, highlight=False)))


_INTERRUPTED = 130


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
    except (KeyboardInterrupt, SystemExit) as error:
        # Typer itself turns an interrupt into an exit with the code that a shell gives for one.
        if isinstance(error, SystemExit) and error.code != _INTERRUPTED:
            raise
        print("Interrupted. Run the same command again: it clears what was left behind first.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if os.environ.get("KADE_DEBUG"):
            raise
        print(f"kade: {type(error).__name__}: {error}", file=sys.stderr)
        print("This is a fault in Kade or in what it stands on; KADE_DEBUG=1 shows where.", file=sys.stderr)
        sys.exit(Exit.INTERNAL)


if __name__ == "__main__":
    main()
