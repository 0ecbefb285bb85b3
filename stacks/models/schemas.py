"""JSON Schemas of the organisation's files and of hand-overs, made from the models: `python -m stacks.models.schemas`.

Editors read them through the first line of each file (`# yaml-language-server: $schema=…`). They are kept in the
repository, and a test compares them with the models.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inputs.validate import FileModel
from stacks.handover.document import HandOver
from stacks.models.app import AppEnvironmentFile, AppFile
from stacks.models.cluster import ClusterFile
from stacks.models.environment import EnvironmentFile
from stacks.models.team import TeamFile

FOLDER = Path(__file__).resolve().parents[1] / "schemas"
"""Where the schemas are kept."""

MODELS: dict[str, type[FileModel]] = {
    "cluster": ClusterFile,
    "environment": EnvironmentFile,
    "team": TeamFile,
    "app": AppFile,
    "app-environment": AppEnvironmentFile,
    "handover": HandOver,
}
"""The model of each kind of file, by the name of its schema."""


def schema(name: str) -> str:
    """Return one schema as it is kept."""
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **MODELS[name].model_json_schema(by_alias=True, mode="validation"),
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def path(name: str) -> Path:
    """Return the file of one schema."""
    return FOLDER / f"{name}.schema.json"


def write() -> None:
    """Write every schema."""
    FOLDER.mkdir(exist_ok=True)
    for name in MODELS:
        path(name).write_text(schema(name), encoding="utf-8")


if __name__ == "__main__":
    write()
