"""`verdict.json`, and its JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from policies.reports.document import VerdictDocument


def render(document: VerdictDocument) -> str:
    """Return the document as JSON, keys in the order of the schema."""
    return document.model_dump_json(by_alias=True, indent=2) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `verdict.json`."""
    # As it is read, not as it is written: what a later release added may be absent, and readers must not demand it.
    found = VerdictDocument.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:kade:verdict:1", **found}


def compared(text: str) -> dict[str, Any]:
    """Return the part of a verdict that is equal for equal input: everything but the run."""
    found: dict[str, Any] = json.loads(text)
    return {key: value for key, value in found.items() if key != "run"}
