"""The verdict as JUnit XML, which GitLab shows in a merge request.

A test case is one rule on one object. What stops the run fails; a rule that broke is an error; what fails without
stopping the run, what is exempted and what is undetermined is skipped, with its reason: a skip is shown, a pass is not.
"""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree as Tree

from policies.kernel.words import Status
from policies.reports.document import FindingPart, VerdictDocument
from policies.reports.wording import exempted, named, rules, sentence, weaknesses

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold, not even escaped."""


def render(document: VerdictDocument) -> str:
    """Return the report."""
    root = Tree.Element("testsuites", name="kade")
    counts = [0, 0, 0, 0]
    for framework, found in groupby(document.findings, key=lambda finding: finding.rule.split("-", 1)[0]):
        numbers = _suite(root, framework, list(found), document)
        counts = [total + number for total, number in zip(counts, numbers, strict=True)]
    _number(root, counts[:-1])  # the schema knows no number of skipped ones here
    Tree.indent(root)
    return Tree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: Tree.Element, framework: str, found: list[FindingPart], document: VerdictDocument) -> list[int]:
    suite = Tree.SubElement(root, "testsuite", name=_clean(f"{document.stack.name} {framework}"))
    properties = Tree.SubElement(suite, "properties")
    Tree.SubElement(properties, "property", name="haven", value=document.summary.haven.line)
    for rule, text in weaknesses(document):
        if rule.startswith(f"{framework}-"):
            Tree.SubElement(properties, "property", name=f"weakened {rule}", value=_clean(text))
    titles = rules(document)
    results = [_case(suite, finding, titles[finding.rule].title, document) for finding in found]
    counts = [len(results), results.count("failure"), results.count("error"), results.count("skipped")]
    _number(suite, counts)
    return counts


def _number(element: Tree.Element, counts: list[int]) -> None:
    for name, number in zip(("tests", "failures", "errors", "skipped"), counts, strict=False):
        element.set(name, str(number))


def _case(suite: Tree.Element, finding: FindingPart, title: str, document: VerdictDocument) -> str:
    """Add a test case, and return what became of it."""
    where = " ".join(filter(None, (named(finding.object), finding.path)))
    case = Tree.SubElement(
        suite, "testcase", classname=finding.rule, name=_clean(f"{title}: {where}" if where else title), time="0"
    )
    if finding.place:
        case.set("file", _clean(finding.place.file))
        if finding.place.line:
            case.set("line", str(finding.place.line))
    kind, head = _result(finding, document)
    if kind:
        result = Tree.SubElement(case, kind, message=_clean(f"{head}{finding.sentence}"))
        if kind != "skipped":
            result.set("type", finding.severity.value)
            result.text = _clean(sentence(finding, document))
    return kind


def _result(finding: FindingPart, document: VerdictDocument) -> tuple[str, str]:
    """Return the element that a finding becomes, and how its message begins."""
    if finding.status is Status.ERROR:
        return "error", ""
    if finding.blocks:
        return "failure", "" if finding.status is Status.FAIL else "undetermined: "
    if finding.exemption:
        return "skipped", f"{finding.status.value}. {exempted(finding.exemption, document)} "
    if finding.status is Status.FAIL:
        why = "unchanged" if finding.change == "unchanged" else finding.enforcement.value
        return "skipped", f"fail ({why}): "
    if finding.status is Status.PASS:
        return "", ""
    return "skipped", f"{finding.status.value.replace('_', ' ')}: "


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
