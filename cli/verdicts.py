"""The verdicts that the policy pack has written: find, show, discard."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.exits import Exit
from inputs.faults import Fault, FaultsError, shown
from stacks import names
from stacks.loading import PROJECT, organisation

WORDS = {
    "pass": "[green]pass        [/green]",
    "fail": "[red]fail        [/red]",
    "error": "[red]error       [/red]",
    "undetermined": "[yellow]undetermined[/yellow]",
    "not_applicable": "not judged  ",
}
"""A finding's status as a column of the console."""

FILES = ("verdict.json", "evidence.json", "report.html")


def folder(stack: str) -> Path:
    """Return where the results of a stack lie."""
    return Path(os.environ.get("KADE_OUT") or PROJECT / "out") / stack


def discard(stack: str) -> None:
    """Remove the results of an earlier run."""
    for name in FILES:
        (folder(stack) / name).unlink(missing_ok=True)


def load(stack: str) -> dict[str, Any] | None:
    """Return the verdict of a stack's last run, or `None` where it has none."""
    path = folder(stack) / "verdict.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def run_id(stack: str) -> str:
    """Return the id of the run that wrote the verdict; empty where there is none."""
    verdict = load(stack)
    return verdict["run"]["id"] if verdict else ""


def require(stack: str) -> dict[str, Any]:
    """Return the verdict of a stack's last run.

    Raises:
        FaultsError: there is none.

    """
    verdict = load(stack)
    if verdict is None:
        remedy = f"Run `kade preview {stack}` first, with `--rehearse` where there is nothing real yet."
        raise FaultsError([Fault(shown(folder(stack), PROJECT), 0, "", "there is no verdict", remedy)])
    return verdict


SHOWN = 20
"""Findings beside the official checks that the console lists; the report has them all."""


def show(stack: str, verdict: dict[str, Any], console: Console) -> None:
    """Print the checks and where the report is."""
    print_checks(verdict, console)
    console.print(f"report: {shown(folder(stack) / 'report.html', PROJECT)}")


def print_checks(verdict: dict[str, Any], console: Console) -> None:
    """Print the official checks, what else fails, and the verdict in one line."""
    official = {finding["rule"]: finding for finding in reversed(verdict["findings"]) if finding["check"]}
    for check in verdict["checks"]:
        if check["required"] and check["status"] != "not_applicable":
            sentence = official[check["rule"]]["sentence"]
            console.print(f"  {WORDS[check['status']]} {check['check']:<17} {sentence}")
    others = [one for one in verdict["findings"] if one["status"] in ("fail", "error") and not one["check"]]
    for finding in others[:SHOWN]:
        console.print(f"  {WORDS[finding['status']]} {finding['rule']}: {finding['sentence']}")
    if len(others) > SHOWN:
        console.print(f"  and {len(others) - SHOWN} more, see the report")
    console.print(verdict["summary"]["haven"]["line"], style="bold")


def stacks_of(name: str) -> tuple[str, ...]:
    """Return the stacks of an environment; none where the name is that of a stack.

    An environment of stage sandbox is one stack, of its own name.

    Raises:
        FaultsError: the environment's file or a team's file has faults.

    """
    files = organisation()
    if name not in files.environment_names():
        return ()
    found = names.stacks_of(name, files)
    return () if found == (name,) else found


def show_merged(environment: str, stacks: tuple[str, ...], console: Console) -> None:
    """Print the official checks over all stacks of an environment, and how old each stack's verdict is.

    Raises:
        FaultsError: a verdict, its evidence or the policy settings have faults.

    """
    from policies.kernel.settings import read_settings
    from policies.merge import merge
    from policies.pack import place
    from policies.rules import load

    rules = load()
    settings = read_settings(place.home() / "policies" / "settings.yaml", rules, place.ROOT)
    merged = merge(environment, stacks, folder(environment).parent, rules, settings, place.today())
    now = datetime.now(UTC)
    for check in merged.checks:
        whose = f" ({', '.join(check.stacks)})" if check.stacks else ""
        console.print(f"  {WORDS[check.status.value]} {check.check:<17} {check.sentence}{whose}")
    for stack in merged.stacks:
        commit = stack.commit[:12] if stack.commit else "no commit"
        console.print(f"  {stack.name}: {stack.age(now)} old, {commit}, {stack.moment}")
    for caution in merged.cautions:
        console.print(f"  [yellow]{caution}[/yellow]")
    console.print(merged.line, style="bold")


def show_parity(verdict: Path, report: Path, console: Console) -> Exit:
    """Print a verdict beside the official checker's report; a difference is a finding."""
    from rich.table import Table

    from policies.parity import Relation, compare

    found = compare(verdict, report)
    table = Table("check", "predicted", "official", "")
    for check in found.checks:
        style = "red" if check.relation is Relation.DIFFERS else None
        table.add_row(check.check, check.predicted or "", check.official, check.relation.value, style=style)
    console.print(table)
    console.print(found.line, style="bold")
    return Exit.FINDINGS if found.count(Relation.DIFFERS) else Exit.CLEAN
