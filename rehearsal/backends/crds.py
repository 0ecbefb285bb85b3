"""The projects' own custom resource definitions, downloaded as Go modules and kept by content.

With them the API server checks every custom resource of ours against the schema that its project wrote, before any
chart is there to bring it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.toolchain.cache import cache_folder, digest, entry, locked
from rehearsal.toolchain.progress import Progress, ToolchainError

TABLE = Path(__file__).with_name("crds.toml")
"""Which module gives which files, and for which chart of ours."""

_GO_MOD = "module definitions\n\ngo 1.24\n"
"""Modules are downloaded beside an empty one, so that none of their dependencies is looked at."""
_PATIENCE = 600
"""Seconds for all downloads together: 170 MB."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One project's definitions."""

    chart: str
    """The chart, or the part of the cluster layer, that installs them on a real cluster."""
    pinned: str
    """Version at which we pin it."""
    exact: bool
    """Whether the module is of the release that the pin stands for."""
    why: str
    """Why it is not, and what is nearest; empty where it is."""
    module: str
    version: str
    sum: str
    """The module's checksum, as Go writes it."""
    folder: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Definitions that cannot be had."""

    chart: str
    kinds: str
    why: str
    effect: str
    """What a rehearsal does not show because of it."""


def sources() -> tuple[Source, ...]:
    """Return the rows of the table."""
    return tuple(_source(row) for row in _table()["source"])


def _source(row: dict[str, Any]) -> Source:
    changed: dict[str, Any] = {"exact": row["exact"] == "yes", "why": row.get("why", ""), "files": tuple(row["files"])}
    return Source(**{**row, **changed})


def missing() -> tuple[Missing, ...]:
    """Return what cannot be had, and why."""
    return tuple(Missing(**row) for row in _table()["missing"])


def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def key() -> str:
    """Return what the definitions depend on."""
    return digest(TABLE, Path(__file__))


def definitions(progress: Progress) -> Path:
    """Return the folder with one YAML file per definition, downloaded once for this machine.

    Raises:
        ToolchainError: there is no Go, a module is refused, or its content is not what the table says.

    """
    folder = cache_folder() / "definitions" / key()
    with locked(folder.parent / "lock", progress, "custom resource definitions"):
        return entry(folder, lambda target: _download(target, progress))


def modules() -> dict[str, Path]:
    """Return the folder of each module, as Go keeps it: beside definitions, some hold their project's chart.

    Raises:
        ToolchainError: there is no Go, a module is refused, or its content is not what the table says.

    """
    go = shutil.which("go")
    if go is None:
        msg = (
            "The definitions of custom resources come from Go modules, and there is no `go` on PATH. Install Go, then "
            "run the same command again."
        )
        raise ToolchainError(msg)
    wanted = sources()
    with tempfile.TemporaryDirectory() as bare:
        (Path(bare) / "go.mod").write_text(_GO_MOD)
        found = _modules(go, Path(bare), wanted)
    return {source.module: _checked(source, found.get(source.module, {})) for source in wanted}


def _download(target: Path, progress: Progress) -> None:
    wanted = sources()
    with progress.step("Custom resource definitions", f"{len(wanted)} projects' Go modules, once for this machine"):
        folders = modules()
        for source in wanted:
            _take(source, folders[source.module], target)


def _modules(go: str, folder: Path, wanted: tuple[Source, ...]) -> dict[str, dict[str, Any]]:
    """Return what Go says of each module: its folder and checksum, or why there is none."""
    command = [go, "mod", "download", "-json", *(f"{source.module}@{source.version}" for source in wanted)]
    # The modules' own wish for a newer Go is of no concern: nothing is built.
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        msg = (
            f"Downloading the definitions of custom resources took longer than {_PATIENCE} s. Check that the Go module "
            "proxy can be reached (`go env GOPROXY`), then run the same command again."
        )
        raise ToolchainError(msg) from None
    found: dict[str, dict[str, Any]] = {}
    decoder, text = json.JSONDecoder(), done.stdout.strip()
    while text:
        try:
            module, end = decoder.raw_decode(text)
        except ValueError:
            break
        found[str(module.get("Path"))] = module
        text = text[end:].lstrip()
    if not found:
        msg = f"Downloading the definitions of custom resources failed. `go mod download` said:\n{done.stderr.strip()}"
        raise ToolchainError(msg)
    return found


def _checked(source: Source, module: dict[str, Any]) -> Path:
    """Return a module's folder, if it is the one that the table means."""
    name = f"{source.module}@{source.version}"
    if "Dir" not in module:
        why = str(module.get("Error", "Go said nothing of it")).strip()
        msg = (
            f"The Go module {name}, which holds definitions of custom resources, cannot be had: {why}\nCheck that the "
            "Go module proxy can be reached (`go env GOPROXY`), then run the same command again."
        )
        raise ToolchainError(msg)
    if module.get("Sum") != source.sum:
        msg = (
            f"The Go module {name} has the checksum {module.get('Sum')}; {TABLE.name} says {source.sum}. It is not "
            "what was looked at when the table was written, so nothing of it is used."
        )
        raise ToolchainError(msg)
    return Path(module["Dir"])


def _take(source: Source, folder: Path, target: Path) -> None:
    for file in source.files:
        path = folder / source.folder / file
        if not path.is_file():
            name = f"{source.module}@{source.version}"
            msg = f"The Go module {name} has no file {source.folder}/{file}. Correct its row in {TABLE}."
            raise ToolchainError(msg)
        # Written anew: the module cache is read-only, and so would copies be.
        (target / f"{source.chart}-{path.name}").write_bytes(path.read_bytes())
