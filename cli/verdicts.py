"""The verdicts that the policy pack has written: find, show, discard."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from inputs.faults import Fault, FaultsError, shown
from stacks.loading import PROJECT

WORDS = {
    "pass": "[green]pass        [/green]",
    "fail": "[red]fail        [/red]",
    "error": "[red]error       [/red]",
    "undetermined": "[yellow]undetermined[/yellow]",
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


def show(stack: str, verdict: dict[str, Any], console: Console) -> None:
    """Print the official checks, what else fails, the verdict in one line, and where the report is."""
    official = {finding["rule"]: finding for finding in reversed(verdict["findings"]) if finding["check"]}
    for check in verdict["checks"]:
        if check["required"] and check["status"] != "not_applicable":
            sentence = official[check["rule"]]["sentence"]
            console.print(f"  {WORDS[check['status']]} {check['check']:<17} {sentence}")
    for finding in verdict["findings"]:
        if finding["status"] in ("fail", "error") and not finding["check"]:
            console.print(f"  {WORDS[finding['status']]} {finding['rule']}: {finding['sentence']}")
    console.print(verdict["summary"]["haven"]["line"], style="bold")
    console.print(f"report: {shown(folder(stack) / 'report.html', PROJECT)}")
