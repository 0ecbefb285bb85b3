"""YAML as Kubernetes reads it, with the line of every key.

PyYAML's own constructors read `1:30` as a number and `2026-01-01` as a date, take the last of two equal keys, and
forget where a value stood. The organisation's files, manifests and policy files all go through this loader instead:
parsed by libyaml, built here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from inputs.faults import Fault, FaultsError, shown

Place = tuple[str | int, ...]
"""A place inside a document: keys and list positions from the top."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SAFE_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_TRUE = frozenset({"y", "Y", "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z")
_BASED = re.compile(r"[-+]?0(x[0-9a-fA-F_]+|o?[0-7_]+|b[01_]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INF = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}


@dataclass
class Document:
    """One YAML document: plain data, and where each key stands."""

    data: Any
    """Plain data: `dict`, `list`, `str`, `int`, `float`, `bool` or `None`."""
    file: str
    """The file's name as shown in messages."""
    lines: dict[Place, int] = field(default_factory=dict[Place, int])
    """Line of each key and list item, counted from 1."""
    faults: list[Fault] = field(default_factory=list[Fault])
    """What is wrong although the document could be read: keys given twice."""

    def line(self, path: Place) -> int:
        """Return the line of `path`, or of its nearest ancestor that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def dotted(path: Place) -> str:
    """Write a path as people do: `zones[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _scalar(value: str) -> Any:
    """Read a plain (unquoted) scalar the way the Kubernetes API machinery does."""
    if value in _NULL:
        return None
    first = value[0]
    if first in "tTyYoO" and value in _TRUE:
        return True
    if first in "fFnNoO" and value in _FALSE:
        return False
    if first in "+-.0123456789":
        if _INT.match(value):
            return int(value.replace("_", ""))
        if _BASED.match(value):
            digits = value.replace("_", "")
            sign = -1 if digits[0] == "-" else 1
            digits = digits.lstrip("+-")
            base = {"x": 16, "b": 2}.get(digits[1:2], 8)
            return sign * int(digits[2:] if not digits[1:2].isdigit() else digits, base)
        if _FLOAT.match(value):
            return float(value)
        if value.lower() in _INF:
            return _INF[value.lower()]
    return value


def _line(event: Any) -> int:
    return event.start_mark.line + 1


class _Unreadable(yaml.MarkedYAMLError):
    """A construct that is YAML but not data; knows its line as libyaml's own errors do."""

    def __init__(self, event: Any, problem: str) -> None:
        super().__init__(problem=problem, problem_mark=event.start_mark)


class _Builder:
    """Builds one document from libyaml's events."""

    def __init__(self, parser: Any, file: str) -> None:
        self.parser = parser
        self.document = Document(None, file)
        self.anchors: dict[str, Any] = {}

    def build(self) -> Document:
        """Build the document whose start event was just read."""
        self.document.data = self.node(self.parser.get_event(), ())
        self.parser.get_event()  # DocumentEnd
        return self.document

    def node(self, event: Any, path: Place) -> Any:
        """Build the value that starts with `event`."""
        value: Any
        self.document.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise _Unreadable(event, f"alias *{event.anchor} has no anchor above it")
            return self.anchors[event.anchor]
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self.sequence(path)
        else:
            value = self.mapping(path)
        if event.anchor is not None:  # only now: a value that contains itself is not data
            self.anchors[event.anchor] = value
        return value

    def scalar(self, event: Any) -> Any:
        """Read a scalar; quoted ones and those tagged `!!str` stay text."""
        if event.tag == "tag:yaml.org,2002:str":
            return event.value
        if event.tag is not None and event.tag.startswith("!") and event.tag != "!":
            raise _Unreadable(event, f"unknown tag {event.tag}")
        return _scalar(event.value) if event.implicit[0] else event.value

    def sequence(self, path: Place) -> list[Any]:
        """Build a list."""
        items: list[Any] = []
        while not isinstance(event := self.parser.get_event(), yaml.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        return items

    def mapping(self, path: Place) -> dict[str, Any]:
        """Build a mapping; keys given twice are faults, and `<<` merges without overriding."""
        result: dict[str, Any] = {}
        merges: list[dict[str, Any]] = []
        while not isinstance(event := self.parser.get_event(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _Unreadable(event, "a key must be plain text")
            key = str(event.value)
            line = _line(event)
            if key == "<<" and event.implicit[0]:
                merges.extend(self.merged(event, path))
                continue
            where = (*path, key)
            if key in result:
                first = self.document.lines.get(where, 0)
                what = f"the key stands on line {first} already"
                self.document.faults.append(
                    Fault(self.document.file, line, dotted(where), what, "Keep one of the two.")
                )
            self.document.lines[where] = line
            result[key] = self.node(self.parser.get_event(), where)
        for merged in merges:
            for key, value in merged.items():
                result.setdefault(key, value)
        return result

    def merged(self, key: Any, path: Place) -> list[dict[str, Any]]:
        """Return the mappings that a `<<` key brings in."""
        value = self.node(self.parser.get_event(), (*path, "<<"))
        found: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not all(isinstance(item, dict) for item in found):
            raise _Unreadable(key, "`<<` takes a mapping or a list of mappings")
        return found


def documents(text: str, file: str) -> Iterator[Document]:
    """Yield every document of a YAML stream.

    Raises:
        FaultsError: the text is not YAML; names the line.

    """
    parser: Any = _LOADER(text)
    try:
        while True:
            event = parser.get_event()
            if event is None or isinstance(event, yaml.StreamEndEvent):
                return
            if isinstance(event, yaml.DocumentStartEvent):
                yield _Builder(parser, file).build()
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        line: int = mark.line + 1 if mark is not None else 0
        problem: str = getattr(error, "problem", None) or "it cannot be read"
        fault = Fault(file, line, "", f"not valid YAML: {problem}", "Correct the syntax on or just above this line.")
        raise FaultsError([fault]) from None
    finally:
        parser.dispose()


def load(path: Path, root: Path | None = None) -> Document:
    """Read a file that holds one YAML document.

    Raises:
        FaultsError: the file is missing, is not text or YAML, holds several documents or a key twice.

    """
    file = shown(path, root)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FaultsError([Fault(file, 0, "", "the file does not exist", "Create it.")]) from None
    except (OSError, UnicodeDecodeError) as error:
        fault = Fault(file, 0, "", f"it cannot be read ({type(error).__name__})", "Save it as UTF-8 text.")
        raise FaultsError([fault]) from None
    found = list(documents(text, file))
    if len(found) > 1:
        fault = Fault(file, found[1].line(()), "", "a second document starts here", "Keep one document in this file.")
        raise FaultsError([fault])
    document = found[0] if found else Document(None, file)
    if document.faults:
        raise FaultsError(document.faults)
    return document


class _Dumper(_SAFE_DUMPER):
    """Quotes every text that a reader would take for something else, and never writes anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value that occurs twice twice: people read these files."""
        return True


def _text(dumper: Any, value: str) -> Any:
    quoted = '"' if not isinstance(_scalar(value), str) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quoted)


_Dumper.add_representer(str, _text)


def dump(data: Any) -> str:
    """Write plain data as one YAML document, keys in the order given; what `documents` reads back is the same."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120)
