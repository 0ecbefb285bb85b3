"""The manifests source: Kubernetes objects in folders, files and on standard input, as YAML or JSON."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inputs.faults import Fault, FaultsError, shown
from inputs.yaml import Document
from policies.kernel.words import Source
from policies.model.resource import Inventory, Resource
from policies.model.values import Data, dig, items, mapping, text
from policies.sources.gathered import Gathered
from policies.sources.objects import from_object, has_placeholders
from policies.sources.streams import read_json, read_yaml

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 32 * 1024 * 1024
"""Bytes of one file or of standard input. More is refused: a cluster's worth of manifests is a third of it."""
STANDARD_INPUT = "standard input"
_API = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?v[0-9][a-z0-9]*\Z")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*\Z")
_KUSTOMIZE = "kustomize.config.k8s.io/"
_UNSEEN = (
    "Manifests were looked at, not a cluster: its machines, and what else runs there, were not.",
    "What controllers and admission would change in these objects was not looked at.",
)


@dataclass
class _Reading:
    """What was read so far."""

    resources: list[Resource] = field(default_factory=list[Resource])
    faults: list[Fault] = field(default_factory=list[Fault])
    unseen: set[str] = field(default_factory=set[str])
    bodies: dict[tuple[str, ...], list[Data]] = field(default_factory=dict[tuple[str, ...], list[Data]])

    def fault(self, file: str, line: int, key: str, what: str, remedy: str) -> None:
        """Remember what could not be read."""
        self.faults.append(Fault(file, line, key, what, remedy))


def read(paths: Sequence[Path | None]) -> Gathered:
    """Return the objects in folders and files; `None` stands for standard input.

    Raises nothing for what stands in them: that becomes faults, and the rest is judged.
    """
    reading = _Reading(unseen=set(_UNSEEN))
    for path in paths:
        if path is None:
            _file(reading, STANDARD_INPUT, sys.stdin.buffer.read(LARGEST + 1), "")
            continue
        for file in _files(path, reading):
            name = shown(file)
            try:
                with file.open("rb") as stream:  # read up to the limit: the size of a pipe is not known before
                    content = stream.read(LARGEST + 1)
            except OSError as error:
                reading.fault(name, 0, "", f"it cannot be read ({type(error).__name__})", "Check path and permissions.")
                continue
            _file(reading, name, content, file.suffix)
    for (kind, namespace, name, *_), bodies in reading.bodies.items():
        if len(bodies) > 1:
            where = f"{namespace}/{name}" if namespace else name
            reading.unseen.add(f"{kind} {where} is given {len(bodies)} times with different content; each was judged.")
    return Gathered(
        inventory=Inventory(tuple(reading.resources)),
        source=Source.MANIFESTS,
        faults=tuple(sorted(set(reading.faults))),
        unseen=tuple(sorted(reading.unseen)),
    )


def _files(path: Path, reading: _Reading) -> Iterator[Path]:
    """Yield the files to read: one that is named whatever it is called, those of a folder by their suffix."""
    if not path.is_dir():
        yield path
        return
    found = [file for file in sorted(path.rglob("*")) if file.suffix in SUFFIXES and file.is_file()]
    charts = {file.parent for file in found if file.name == "Chart.yaml"}
    for chart in sorted(charts):
        what = "this is a Helm chart, whose files are templates"
        reading.fault(shown(chart), 0, "", what, "Render it first: `helm template` writes what this can read.")
    found = [file for file in found if not charts.intersection(file.parents)]
    if not found and not charts:
        reading.fault(shown(path), 0, "", "there are no manifests in this folder", "Name a folder with .yaml or .json.")
    yield from found


def _file(reading: _Reading, name: str, content: bytes, suffix: str) -> None:
    if len(content) > LARGEST:
        what = f"it is larger than {LARGEST // 1024 // 1024} MB and was not read"
        reading.fault(name, 0, "", what, "Split it into several files.")
        return
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reading.fault(name, line, "", "it is not UTF-8 text", "Save it as UTF-8 text.")
        return
    found = None
    if suffix == ".json" or decoded.lstrip()[:1] == "{":
        try:
            found = read_json(decoded, name)
        except FaultsError as error:
            if suffix == ".json":
                reading.faults.extend(error.faults)
                return
    documents, faults = (found, []) if found is not None else read_yaml(decoded, name)
    reading.faults.extend(faults)
    later = has_placeholders(decoded)
    count = len(reading.resources)
    for document in documents:
        _document(reading, document, later)
    if count == len(reading.resources) and not documents and not faults:
        if name == STANDARD_INPUT:  # in a pipe, what was to write them may have failed without stopping the pipeline
            remedy = "See what was to write it; `set -o pipefail` lets its failure stop the pipeline."
            reading.fault(name, 0, "", "there is no manifest in it", remedy)
            return
        reading.unseen.add(f"{name} holds no object.")


def _document(reading: _Reading, document: Document, later: bool) -> None:
    if document.data is None:
        return
    if document.faults:  # which of two equal keys counts differs between tools, so that the object is not judged
        reading.faults.extend(document.faults)
        return
    for body, key in _bodies(document.data, ""):
        _object(reading, body, document.file, document.line(()), key, later)


def _bodies(data: Any, key: str) -> Iterator[tuple[Any, str]]:
    """Yield the objects of a document: itself, or the items of a list of objects."""
    kind = dig(data, "kind")
    parts = dig(data, "items")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(parts, list | None)):
        yield data, key
        return
    api, single = dig(data, "apiVersion"), kind.removesuffix("List")
    for index, part in enumerate(items(parts)):
        if single and isinstance(part, dict):  # a list of one kind may leave the kind out of its items
            part = {"apiVersion": api, "kind": single, **mapping(part)}
        yield from _bodies(part, f"{key}.items[{index}]" if key else f"items[{index}]")


def _object(reading: _Reading, body: Any, file: str, line: int, key: str, later: bool) -> None:
    if not isinstance(body, dict):
        reading.fault(file, line, key, "this is no object", "Write a mapping with apiVersion, kind and metadata.")
        return
    data = mapping(body)
    api, kind = data.get("apiVersion"), data.get("kind")
    for name, value, shape in (("kind", kind, _KIND), ("apiVersion", api, _API)):
        if value in (None, ""):
            remedy = f"Add `{name}`, or leave the file out if it is no manifest."
            reading.fault(file, line, key, f"this object has no {name}", remedy)
            return
        if not isinstance(value, str) or shape.match(value) is None:
            where = f"{key}.{name}" if key else name
            reading.fault(file, line, where, f"this is no {name}", "Write it as Kubernetes names it.")
            return
    api, kind = str(api), str(kind)
    if api.startswith(_KUSTOMIZE):
        reading.unseen.add(f"{file} is for kustomize: what `kustomize build` makes of it was not looked at.")
        return
    metadata = data.get("metadata")
    name = text(dig(metadata, "name")) or text(dig(metadata, "generateName"))
    if not isinstance(name, str) or not name:
        where = f"{key}.metadata" if key else "metadata"
        reading.fault(file, line, where, f"this {kind} has no name", "Add `metadata.name`.")
        return
    namespace = text(dig(metadata, "namespace"))
    same = reading.bodies.setdefault((kind, str(namespace or ""), name, api.rpartition("/")[0]), [])
    try:
        if dig(metadata, "name") is not None and data in same:
            return  # the very same object once more, as when a file and its folder are both named
        same.append(data)
        resource = from_object(data, api=api, kind=kind, name=name, placeholders=later, place=(file, line))
        if later:
            _ = resource.properties
    except RecursionError:
        reading.fault(file, line, key, f"this {kind} is nested too deeply to be read", "Correct the object.")
        return
    reading.resources.append(resource)
