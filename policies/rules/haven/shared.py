"""How a check of the official checker becomes a rule: id, label, category and rationale come from its catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from inputs.validate import FileModel, parse
from inputs.yaml import load
from policies.kernel.registry import RULES
from policies.kernel.rule import Check, Control, Rule
from policies.kernel.words import Decidable, Moment


class _Entry(FileModel):
    id: str
    category: str
    label: str
    rationale: str


class _Catalogue(FileModel):
    version: str
    required: tuple[_Entry, ...]
    suggested: tuple[_Entry, ...]


_CATALOGUE = parse(_Catalogue, load(Path(__file__).with_name("catalogue.yaml")))
VERSION = _CATALOGUE.version
"""Version of the official checker that the catalogue was taken from."""
REQUIRED = tuple(entry.id for entry in _CATALOGUE.required)
"""Ids of the checks that count, in the checker's order."""
SUGGESTED = tuple(entry.id for entry in _CATALOGUE.suggested)
"""Ids of the checks that it only suggests."""
_ENTRIES = {entry.id: entry for entry in (*_CATALOGUE.required, *_CATALOGUE.suggested)}

DECIDED = {Moment.PREVIEW: Decidable.YES, Moment.APPLIED: Decidable.YES, Moment.LIVE: Decidable.YES}
"""Decided by what is declared, at every moment."""
DECLARED = {Moment.PREVIEW: Decidable.PARTLY, Moment.APPLIED: Decidable.PARTLY, Moment.LIVE: Decidable.YES}
"""A declaration can fail; that it works is seen on the running cluster."""
TOOL = {Moment.PREVIEW: Decidable.TOOL, Moment.APPLIED: Decidable.TOOL, Moment.LIVE: Decidable.TOOL}
"""Only the official checker can say."""


def haven(check: str, *, bio2: tuple[str, ...] = (), **fields: Any) -> Callable[[Check], Rule]:
    """Register a rule for a check of the official checker."""
    entry = _ENTRIES[check]
    controls = (Control("Haven", VERSION, check), *bio2_controls(*bio2))
    return RULES.rule(
        id=f"haven-{check}",
        title=entry.label,
        rationale=entry.rationale,
        category=entry.category,
        official=check,
        position=[*REQUIRED, *SUGGESTED].index(check) + 1,
        required=check in REQUIRED,
        controls=controls,
        **fields,
    )


def bio2_controls(*references: str) -> tuple[Control, ...]:
    """Return measures of BIO2 as controls. A declaration is evidence of design only, not of operation."""
    return tuple(Control("BIO2", "1.3", reference) for reference in references)
