"""YAML as Kubernetes reads it, with the line of every key.

PyYAML's own constructors read `1:30` as a number and `2026-01-01` as a date, take the last of two equal keys, and
forget where a value stood. The organisation's files, manifests and policy files all go through this loader instead:
parsed by libyaml, built here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from inputs.faults import Fault, FaultsError, shown
from inputs.scalars import scalar_value

Place = tuple[str | int, ...]
"""A place inside a document: keys and list positions from the top."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_REPEATED = 1_000_000
"""Values that the aliases of one document may stand for, counted as often as they are repeated."""
_SAFE_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


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


class _Unreadable(yaml.MarkedYAMLError):
    """A construct that is YAML but not data; knows its line as libyaml's own errors do."""

    def __init__(self, event: Any, problem: str) -> None:
        super().__init__(problem=problem, problem_mark=event.start_mark)


_NO_KEY: Any = object()  # in a mapping that waits for its next key
_MERGE: Any = object()  # in a mapping whose next value is merged in


class _Open:
    """A mapping or list whose end was not read yet."""

    __slots__ = ("anchor", "data", "is_map", "key", "merge", "merges", "path", "start", "weight")

    def __init__(self, data: Any, is_map: bool, path: Place, start: Any) -> None:
        self.data = data
        self.is_map = is_map
        self.key: Any = _NO_KEY
        self.path = path
        self.start = start
        self.anchor: str | None = start.anchor
        self.weight = 0  # values inside, each as often as aliases repeat it
        self.merge: Any = None
        self.merges: list[dict[str, Any]] | None = None


class _Builder:
    """Builds one document from libyaml's events."""

    def __init__(self, parser: Any, file: str, places: bool) -> None:
        self.parser = parser
        self.places = places
        self.document = Document(None, file)
        self.anchors: dict[str, Any] = {}
        self.weights: dict[str, int] = {}
        self.open: list[_Open] = []

    def build(self) -> Document:
        """Build the document whose start event was just read.

        One loop without recursion: this is where reading a large stream spends its time, and what is nested deeper
        than Python can recurse is read all the same.
        """
        get, places, opened = self.parser.get_event, self.places, self.open
        scalar, alias = yaml.ScalarEvent, yaml.AliasEvent
        top: Any = None
        while True:
            event = get()
            kind = event.__class__
            if kind is scalar:
                if top is not None and top.is_map and top.key is _NO_KEY:
                    self.key(event, top)
                    continue
                if event.tag is None:
                    value: Any = event.value
                    if event.implicit[0]:
                        value = scalar_value(value)
                else:
                    value = self.tagged(event)
                if event.anchor is not None:
                    self.anchors[event.anchor] = value
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if top is not None and top.is_map and top.key is _NO_KEY:
                    raise _Unreadable(event, "a key must be plain text")
                path = self.place(event, top) if places else ()
                is_map = kind is yaml.MappingStartEvent
                top = _Open({} if is_map else [], is_map, path, event)
                opened.append(top)
                continue
            elif kind is alias:
                if top is not None and top.is_map and top.key is _NO_KEY:
                    raise _Unreadable(event, "a key must be plain text")
                value = self.alias(event, top)
            else:  # the end of the mapping or list
                value = self.close(top)
                opened.pop()
                event, top = top.start, opened[-1] if opened else None
                if top is None:
                    break
                self.put(top, value)
                continue
            if places:
                self.place(event, top)
            if top is None:
                break
            if top.is_map and top.key is not _MERGE:
                top.data[top.key] = value
                top.key = _NO_KEY
            else:
                self.put(top, value)
        self.document.data = value
        if not places:
            self.document.lines[()] = event.start_mark.line + 1
        get()  # DocumentEnd
        return self.document

    def alias(self, event: Any, top: _Open | None) -> Any:
        """Return what an alias stands for. A few lines of aliases of aliases could stand for more than memory holds."""
        if event.anchor not in self.anchors:
            raise _Unreadable(event, f"alias *{event.anchor} has no anchor above it")
        if top is not None:
            top.weight += self.weights.get(event.anchor, 1)
            if top.weight > MOST_REPEATED:
                raise _Unreadable(event, f"its aliases stand for more than {MOST_REPEATED} values")
        return self.anchors[event.anchor]

    def place(self, event: Any, top: _Open | None) -> Place:
        """Remember where a value stands, and return its path. A value of a mapping stands where its key does."""
        path: Place = ()
        if top is not None:
            path = (*top.path, ("<<" if top.key is _MERGE else top.key) if top.is_map else len(top.data))
        self.document.lines.setdefault(path, event.start_mark.line + 1)
        return path

    def key(self, event: Any, top: _Open) -> None:
        """Take the next key of a mapping; one that is given twice is a fault."""
        key = event.value
        if key == "<<" and event.implicit[0]:
            top.key, top.merge = _MERGE, event
            return
        top.key = key
        if key in top.data:
            self.twice(event, top)
        if self.places:
            self.document.lines[(*top.path, key)] = event.start_mark.line + 1

    def twice(self, event: Any, top: _Open) -> None:
        """Remember a key that is given twice."""
        steps = (("<<" if item.key is _MERGE else item.key) if item.is_map else len(item.data) for item in self.open)
        first = self.document.lines.get((*top.path, top.key))
        what = f"the key stands on line {first} already" if first else "the key stands above already"
        line = event.start_mark.line + 1
        self.document.faults.append(Fault(self.document.file, line, dotted(tuple(steps)), what, "Keep one of the two."))

    @staticmethod
    def tagged(event: Any) -> Any:
        """Read a scalar with a tag; `!!str` stays text."""
        if event.tag == "tag:yaml.org,2002:str":
            return event.value
        if event.tag.startswith("!") and event.tag != "!":
            raise _Unreadable(event, f"unknown tag {event.tag}")
        return scalar_value(event.value) if event.implicit[0] else event.value

    def put(self, top: _Open, value: Any) -> None:
        """Put a value in its place."""
        if not top.is_map:
            top.data.append(value)
            return
        if top.key is _MERGE:
            found: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
            if not all(isinstance(item, dict) for item in found):
                raise _Unreadable(top.merge, "`<<` takes a mapping or a list of mappings")
            top.merges = [*(top.merges or []), *found]
        else:
            top.data[top.key] = value
        top.key = _NO_KEY

    def close(self, top: _Open) -> Any:
        """Return what was read: `<<` merges without overriding, and an anchor counts from here on."""
        for merged in top.merges or ():
            for key, value in merged.items():
                top.data.setdefault(key, value)
        top.weight += len(top.data)
        if len(self.open) > 1:
            self.open[-2].weight += top.weight
        if top.anchor is not None:  # only now: a value that contains itself is not data
            self.anchors[top.anchor] = top.data
            self.weights[top.anchor] = top.weight
        return top.data


def documents(text: str, file: str, *, places: bool = True) -> Iterator[Document]:
    """Yield every document of a YAML stream.

    Without `places` a document knows only the line that it begins on, and is read in about half the time.

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
                yield _Builder(parser, file, places).build()
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
    quoted = '"' if not isinstance(scalar_value(value), str) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quoted)


_Dumper.add_representer(str, _text)


def dump(data: Any) -> str:
    """Write plain data as one YAML document, keys in the order given; what `documents` reads back is the same."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120)
