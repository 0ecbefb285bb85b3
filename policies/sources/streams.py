"""Streams of documents, of which some may be broken: the others are read all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from inputs.faults import Fault, FaultsError
from inputs.yaml import Document, documents

_MARKER = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
"""Where a document begins. At the start of a line it means nothing else, not even in text of several lines."""
_TEMPLATE = "{{"
_NOTHING = ("#", "%", "...")
"""How a line begins that holds no data."""
_SPACE = re.compile(r"\s*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How half of a pair that makes one character is written in JSON."""


def read_yaml(text: str, file: str) -> tuple[list[Document], list[Fault]]:
    """Return the documents of a YAML stream, and what is wrong with those that cannot be read."""
    try:
        return list(documents(text, file, places=False)), []
    except FaultsError as error:
        if _MARKER.search(text) is None:
            return [], [_explained(fault, text) for fault in error.faults]
    found: list[Document] = []
    faults: list[Fault] = []
    for part, before in _parts(text):
        try:
            read = list(documents(part, file, places=False))
        except FaultsError as error:
            if _holds_data(part):
                faults.extend(_explained(_moved(fault, before), part) for fault in error.faults)
            continue
        for document in read:
            document.lines = {path: line + before for path, line in document.lines.items()}
            document.faults = [_moved(fault, before) for fault in document.faults]
        found.extend(read)
    return found, faults


def _parts(text: str) -> Iterable[tuple[str, int]]:
    """Yield each document's text with the number of lines before it."""
    starts = [0, *(match.start() for match in _MARKER.finditer(text))]
    before = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:end], before
        before += text.count("\n", start, end)


def _holds_data(part: str) -> bool:
    lines = (line.strip() for line in part.removeprefix("---").splitlines())
    return any(line and not line.startswith(_NOTHING) for line in lines)


def _moved(fault: Fault, lines: int) -> Fault:
    return replace(fault, line=fault.line + lines) if fault.line else fault


def _explained(fault: Fault, text: str) -> Fault:
    if _TEMPLATE not in text:
        return fault
    return replace(fault, remedy="It holds `{{`: if it is a template, render it first, as `helm template` does.")


def read_json(text: str, file: str) -> list[Document]:
    """Return the documents of a text that holds one JSON value or several after each other.

    Raises:
        FaultsError: it is not JSON; names the line.

    """
    found: list[Document] = []
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    position = _after_space(text, 0)
    while position < len(text):
        line = text.count("\n", 0, position) + 1
        try:
            data, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            fault = Fault(file, error.lineno, "", f"not valid JSON: {error.msg}", "Correct the syntax on this line.")
            raise FaultsError([fault]) from None
        except _TwiceError as error:
            fault = Fault(file, line, error.key, "the key stands twice in one object", "Keep one of the two.")
            raise FaultsError([fault]) from None
        except RecursionError:
            fault = Fault(file, line, "", "it is nested too deeply to be read", "Correct the object.")
            raise FaultsError([fault]) from None
        if has_half_characters(text, data):
            what = "it holds half a character, which is no text"
            raise FaultsError([Fault(file, line, "", what, "Write both halves, `\\ud83d\\ude00` say, or none.")])
        found.append(Document(data, file, {(): line}))
        position = _after_space(text, position)
    return found


def has_half_characters(text: str, data: Any) -> bool:
    """Return whether JSON holds what cannot be written as text again: YAML forbids it, Python's reader lets it in."""
    if _HALF.search(text) is None:
        return False
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


class _TwiceError(Exception):
    """A key that stands twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        raise _TwiceError(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return found
