"""What changed since an earlier verdict: new, fixed, unchanged. With a baseline only what is new stops a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from inputs.faults import Fault, FaultsError, shown
from policies.kernel.words import Enforcement, Status
from policies.reports.document import BaselinePart, FindingPart, FixedPart, VerdictDocument

_BADNESS = {Status.UNDETERMINED: 1, Status.ERROR: 2, Status.FAIL: 3}


def read(path: Path) -> VerdictDocument:
    """Return an earlier verdict.

    Raises:
        FaultsError: there is no such file, or it is no verdict that this version can read.

    """
    remedy = "Give the `verdict.json` of an earlier run; `kade check --format json --output FILE` writes one."
    name = shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FaultsError([Fault(name, 0, "", f"it cannot be read ({type(error).__name__})", remedy)]) from None
    try:
        return VerdictDocument.model_validate_json(text)
    except ValidationError:
        raise FaultsError([Fault(name, 0, "", f"it is no verdict: {_why(text)}", remedy)]) from None


def compare(document: VerdictDocument, earlier: VerdictDocument) -> VerdictDocument:
    """Return the document with what changed since an earlier one.

    A finding is new where the baseline does not have it, or has it less bad. It stops the run where it did not do so
    before: an exemption that has expired since, or a rule that has become mandatory, counts as new.
    """
    before: dict[str, int] = {}
    for finding in earlier.findings:
        known = before.get(finding.fingerprint, 0)
        before[finding.fingerprint] = max(known, _BADNESS.get(finding.status, 0))
    stopped = {finding.fingerprint for finding in earlier.findings if _stopped(finding)}
    findings = tuple(_marked(finding, before) for finding in document.findings)
    now = {finding.fingerprint for finding in findings if finding.status in _BADNESS}
    judged = {rule.id for rule in document.rules}
    fixed: dict[str, FixedPart] = {}
    for finding in earlier.findings:
        if finding.status in _BADNESS and finding.rule in judged and finding.fingerprint not in now:
            fixed.setdefault(finding.fingerprint, _fixed(finding))
    changes = [finding.change for finding in findings]
    part = BaselinePart(
        commit=earlier.run.commit,
        new=changes.count("new"),
        unchanged=changes.count("unchanged"),
        fixed=tuple(fixed.values()),
        blocking=sum(finding.blocks and finding.fingerprint not in stopped for finding in findings),
    )
    summary = document.summary.model_copy(update={"blocking": part.blocking})
    lifted = tuple(_lifted(finding, stopped) for finding in findings)
    return document.model_copy(update={"findings": lifted, "summary": summary, "baseline": part})


def _stopped(finding: FindingPart) -> bool:
    """Whether a finding stopped the earlier run, or would have if that run had had no baseline itself."""
    fails = finding.status is Status.FAIL and finding.enforcement is Enforcement.MANDATORY
    return finding.blocks or (fails and finding.exemption is None)


def _marked(finding: FindingPart, before: dict[str, int]) -> FindingPart:
    badness = _BADNESS.get(finding.status)
    if badness is None:
        return finding
    change: Literal["new", "unchanged"] = "unchanged" if before.get(finding.fingerprint, 0) >= badness else "new"
    return finding.model_copy(update={"change": change})


def _lifted(finding: FindingPart, stopped: set[str]) -> FindingPart:
    """Return the finding; one that stopped the earlier run too stops this one no more."""
    if finding.blocks and finding.fingerprint in stopped:
        return finding.model_copy(update={"blocks": False})
    return finding


def _fixed(finding: FindingPart) -> FixedPart:
    return FixedPart(
        rule=finding.rule,
        object=finding.object,
        path=finding.path,
        sentence=finding.sentence,
        fingerprint=finding.fingerprint,
    )


def _why(text: str) -> str:
    """Say what is wrong with a document, without its values."""
    try:
        found = json.loads(text)
    except ValueError:
        return "it is no JSON"
    schema = found.get("schema") if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # any JSON
    known = isinstance(schema, str) and schema.startswith("kade.verdict/")
    return "its layout is of another version" if known else "its `schema` is not `kade.verdict/1`"
