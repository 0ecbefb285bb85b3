"""The verdict as Markdown: a comment on a merge request, short enough to be read there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from policies.kernel.words import Status
from policies.reports.document import FindingPart, VerdictDocument
from policies.reports.wording import TO_SHOW, exempted, named, placed, rank, sentence, weaknesses

MOST = 25
"""Findings that one list shows: a comment has a longest length, and a reader too."""
_SIGNS = {
    Status.PASS: "✅ pass",
    Status.FAIL: "❌ fail",
    Status.UNDETERMINED: "❔ undetermined",
    Status.ERROR: "💥 rule broke",
    Status.NOT_APPLICABLE: "⚪ not judged here",
}
_SPECIAL = re.compile(r"([\\*_\[\]<>|~#@!&$%])")
"""What Markdown or GitLab gives a meaning: a comment must not hold markup of others, nor mention people."""


def render(document: VerdictDocument) -> str:
    """Return the comment."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: VerdictDocument) -> Iterator[str]:
    stack, summary = document.stack, document.summary
    yield f"## Haven verdict for {_escaped(stack.name)}"
    yield ""
    stops = summary.blocking
    new = " that the baseline does not have" if document.baseline else ""
    told = (
        f"**{stops} finding{'s stop' if stops != 1 else ' stops'} the run{new}.**"
        if stops
        else "Nothing stops the run."
    )
    yield f"{summary.haven.line}. {told}"
    yield ""
    yield f"A prediction from the source `{stack.source.value}`, not a run of the official checker."
    if stack.stand_ins:
        yield "**Rehearsal:** stand-ins took the place of the real providers."
    yield from _checks(document)
    shown = sorted((finding for finding in document.findings if finding.status in TO_SHOW), key=rank)
    yield from _list("Stops the run", [f for f in shown if f.blocks], document)
    if document.baseline:
        fixed = document.baseline.fixed
        yield from _list("New since the baseline", [f for f in shown if f.change == "new" and not f.blocks], document)
        yield from _folded(
            f"Fixed since the baseline ({len(fixed)})",
            [f"{_code(item.rule)} {_code(named(item.object))}: {_escaped(item.sentence)}" for item in fixed],
        )
        yield from ("", f"{document.baseline.unchanged} findings are unchanged.")
    rest = [f for f in shown if not f.blocks and f.change != "new" and not f.exemption]
    yield from _list(
        "Fails that do not stop the run", [f for f in rest if f.status is not Status.UNDETERMINED], document
    )
    open_ends = [f for f in rest if f.status is Status.UNDETERMINED]
    yield from _folded(f"Undetermined ({len(open_ends)})", [_item(f, document) for f in open_ends])
    yield from _notes(document, [f for f in shown if f.exemption])


def _checks(document: VerdictDocument) -> Iterator[str]:
    required = [check for check in document.checks if check.required]
    if not required:
        return
    yield ""
    yield f"<details><summary>The {len(required)} required checks</summary>"
    yield ""
    yield "| check | result |"
    yield "|---|---|"
    for check in required:
        yield f"| {_code(check.check)} {_escaped(check.label)} | {_SIGNS[check.status]} |"
    yield ""
    yield "</details>"


def _notes(document: VerdictDocument, accepted: list[FindingPart]) -> Iterator[str]:
    yield from _list("Exempted: still a fail, but it stops nothing", accepted, document)
    ending = [item for item in document.exemptions if item.meant and item.left is not None and 0 <= item.left <= 14]
    if ending:
        yield from ("", "### Exemptions that end soon", "")
        yield from (f"- {_escaped(exempted(item.id, document))}" for item in ending)
    weak = list(weaknesses(document))
    if weak:
        yield from ("", "### Weaker than the rules are by themselves", "")
        yield from (f"- {_code(rule)}: {_escaped(text)}" for rule, text in weak)
    if document.settings.upcoming:
        yield from ("", "### Will stop the run", "")
        yield from (f"- {_code(rule)} from {day}" for rule, day in sorted(document.settings.upcoming.items()))
    if document.faults:
        yield from ("", "### Could not be read", "")
        for fault in document.faults[:MOST]:
            place = f"{fault.file}:{fault.line}" if fault.line else fault.file
            yield f"- {_code(place)}: {_escaped(fault.what)}"
    yield from _folded("What was not looked at", [_escaped(text) for text in document.unseen])


def _list(title: str, findings: list[FindingPart], document: VerdictDocument) -> Iterator[str]:
    if not findings:
        return
    yield from ("", f"### {title} ({len(findings)})", "")
    yield from _capped([_item(finding, document) for finding in findings[:MOST]], len(findings))


def _folded(title: str, items: list[str]) -> Iterator[str]:
    if not items:
        return
    yield from ("", f"<details><summary>{title}</summary>", "")
    yield from _capped(items[:MOST], len(items))
    yield from ("", "</details>")


def _capped(items: Iterable[str], total: int) -> Iterator[str]:
    yield from (f"- {item}" for item in items)
    if total > MOST:
        yield f"- and {total - MOST} more, see the report"


def _item(finding: FindingPart, document: VerdictDocument) -> str:
    where = " ".join(_code(part) for part in (named(finding.object), finding.path) if part)
    place = f" ({_code(placed(finding.place))})" if finding.place else ""
    sign = "" if finding.status is Status.FAIL else f"{_SIGNS[finding.status]} "
    return f"{sign}{_code(finding.rule)} {where}{place}: {_escaped(sentence(finding, document))}"


def _escaped(text: str) -> str:
    """Return text that means nothing but itself; what stands between backticks stays code."""
    parts = _clean(text).split("`")
    if len(parts) % 2 == 0 or any(not part.strip() for part in parts[1::2]):
        parts = ["'".join(parts)]
    return "".join(f"`{part}`" if i % 2 else _SPECIAL.sub(r"\\\1", part) for i, part in enumerate(parts))


def _code(text: str) -> str:
    """Return text as code; a mention or a tag has no effect there, a backtick would end it."""
    return f"`{_clean(text).replace('`', chr(39))}`"


def _clean(text: str) -> str:
    """Return text on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
