"""Definitions: the table follows our pins, and what is downloaded is what was looked at."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from components.cluster.charts import CILIUM, GATEWAY_API
from components.gitops.argocd import CHART as ARGOCD
from components.services.catalogue import CATALOGUE
from rehearsal.backends import crds
from rehearsal.backends.crds import Source
from rehearsal.toolchain.progress import Progress, ToolchainError

PINS = {
    ARGOCD.name: ARGOCD.version,
    CILIUM.name: CILIUM.version,
    "gateway-api": GATEWAY_API,
    **{chart.name: chart.version for service in CATALOGUE.values() for chart in service.charts},
}


def test_each_row_follows_the_version_that_we_pin() -> None:
    assert len(crds.sources()) >= 7
    wrong = {one.chart: PINS[one.chart] for one in crds.sources() if one.pinned != PINS[one.chart]}
    assert wrong == {}, "raise the module in crds.toml with the chart, or say why its own release cannot be had"


def test_a_row_that_is_not_exact_says_why_and_only_such_a_row() -> None:
    assert all(bool(one.why) != one.exact for one in crds.sources())
    assert all(one.why and one.effect and one.kinds for one in crds.missing())


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Put a `go` on PATH that answers as told, and an empty cache beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def answer(said: object) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "answer").write_text(said if isinstance(said, str) else json.dumps(said))
        program = folder / "go"
        program.write_text(f"#!/bin/sh\ncat {folder}/answer\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin:/bin")

    return answer


ROW = Source(
    chart="shop", pinned="1.0.0", exact=True, why="", module="example.org/shop", version="v1.0.0", sum="h1:right",
    folder="crds", files=("a.yaml",),
)  # fmt: skip


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return what Go says of the one module of a made-up table."""
    monkeypatch.setattr(crds, "sources", lambda: (ROW,))
    folder = tmp_path / "module" / "crds"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("kind: CustomResourceDefinition\n")
    return {"Path": ROW.module, "Version": ROW.version, "Dir": str(folder.parent), "Sum": ROW.sum}


def test_definitions_are_taken_once(go: Callable[[object], None], module: dict[str, str], tmp_path: Path) -> None:
    go(module)
    folder = crds.definitions(Progress())
    assert [file.name for file in folder.iterdir()] == ["shop-a.yaml"]
    (tmp_path / "bin" / "go").unlink()
    assert crds.definitions(Progress()) == folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Sum": "h1:other"}, "has the checksum h1:other"),
        ({"Dir": None, "Error": "403 Forbidden"}, "cannot be had: 403 Forbidden"),
        ({"Path": "example.org/another"}, "cannot be had: Go said nothing of it"),
    ],
)
def test_another_content_and_a_refusal_are_one_clear_error(
    go: Callable[[object], None], module: dict[str, str], change: dict[str, str | None], message: str
) -> None:
    go({key: value for key, value in {**module, **change}.items() if value is not None})
    with pytest.raises(ToolchainError, match=message):
        crds.definitions(Progress())
    assert list((crds.cache_folder() / "definitions").glob("[!.l]*")) == []


def test_a_file_that_the_module_does_not_have_is_named(
    go: Callable[[object], None], module: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go(module)
    monkeypatch.setattr(crds, "sources", lambda: (dataclasses.replace(ROW, files=("b.yaml",)),))
    with pytest.raises(ToolchainError, match=r"has no file crds/b\.yaml"):
        crds.definitions(Progress())


def test_without_go_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="Install Go"):
        crds.definitions(Progress())
