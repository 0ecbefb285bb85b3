from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from inputs.yaml import load
from stacks.models import schemas
from tests.stacks.conftest import EXAMPLE

FILES = {
    "cluster": sorted(EXAMPLE.glob("clusters/*.yaml")),
    "environment": sorted(EXAMPLE.glob("environments/*.yaml")),
    "team": sorted(EXAMPLE.glob("teams/*/team.yaml")),
    "app": sorted(EXAMPLE.glob("teams/*/*/platform.yaml")),
    "app-environment": sorted(path for path in EXAMPLE.glob("teams/*/*/*.yaml") if path.name != "platform.yaml"),
}


@pytest.mark.parametrize("name", schemas.MODELS)
def test_a_schema_is_what_its_model_says(name: str) -> None:
    kept = schemas.path(name).read_text(encoding="utf-8")
    assert kept == schemas.schema(name), "run `python -m stacks.models.schemas`"


def test_there_is_no_schema_without_a_model() -> None:
    assert sorted(path.name for path in schemas.FOLDER.iterdir()) == sorted(
        f"{name}.schema.json" for name in schemas.MODELS
    )


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_example_fits_its_schema(name: str) -> None:
    schema = json.loads(schemas.schema(name))
    assert FILES[name]
    for path in FILES[name]:
        jsonschema.validate(load(path).data, schema)


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_example_names_its_schema_for_editors(name: str) -> None:
    for path in FILES[name]:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / Path(first.partition("=")[2])).resolve() == schemas.path(name)


def test_every_key_of_every_schema_is_described() -> None:
    seen = 0
    for name in schemas.MODELS:
        made = json.loads(schemas.schema(name))
        for owner, model in {name: made, **made.get("$defs", {})}.items():
            for key, value in model.get("properties", {}).items():
                seen += 1
                described = value.get("description") or "$ref" in value
                assert described, f"{owner}.{key} has no description"
    assert seen > 100
