"""What the two verdicts of a rehearsal say of each required check: the prediction, and the live one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from policies import checking
from policies.kernel.settings import read_settings
from policies.kernel.words import Format, Source, Stage
from policies.merge import merge
from policies.pack import place
from policies.reports.document import VerdictDocument
from policies.rules import load
from rehearsal.comparison import Said

Verdict = tuple[dict[str, Said], str]
"""What is said of each check, and the count in one line."""


def predicted(environment: str, stacks: Sequence[str], out: Path) -> Verdict:
    """Return the prediction over an environment's stacks, from the verdicts of their previews.

    Raises:
        FaultsError: a verdict cannot be read.

    """
    if len(stacks) == 1:
        data: dict[str, Any] = json.loads((out / stacks[0] / "verdict.json").read_text(encoding="utf-8"))
        return _said(VerdictDocument.model_validate(data))
    rules = load()
    settings = read_settings(place.home() / "policies" / "settings.yaml", rules, place.ROOT)
    merged = merge(environment, stacks, out, rules, settings, place.today())
    return {one.check: Said(status=one.status.value, sentence=one.sentence) for one in merged.checks}, merged.line


def live(kubeconfig: Path, environment: str, out: Path) -> Verdict:
    """Return the verdict on the running cluster, and write it beside the others.

    Raises:
        FaultsError: the organisation's settings or exemptions have faults.

    """
    from stacks.loading import organisation

    request = checking.Request(
        source=Source.LIVE,
        kubeconfig=kubeconfig,
        stage=Stage(organisation().environment(environment).stage),
        probe=True,
    )
    document = checking.check(request, load(), os.environ)
    for name, format_ in (("verdict.json", Format.JSON), ("report.html", Format.HTML)):
        checking.write(checking.render(document, format_), out / name)
    return _said(document)


def _said(document: VerdictDocument) -> Verdict:
    sentences = {finding.rule: finding.sentence for finding in reversed(document.findings) if finding.check}
    found = {
        check.check: Said(status=check.status.value, sentence=sentences.get(check.rule, ""))
        for check in document.checks
        if check.required
    }
    return found, document.summary.haven.line
