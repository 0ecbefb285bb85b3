"""`evidence.json`: the facts that the rules saw, without URNs and without secrets.

Only the model's own aspects are written, never a resource's properties: an unmarked secret in a chart's values or in an
environment variable has no way in. The facts are whole enough to be judged again, together with those of other stacks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from inputs.faults import Fault, FaultsError, shown
from policies.model.facts import Facts, facts_of
from policies.model.model import Model
from policies.model.plain import plain, restored
from policies.model.values import dig

SCHEMA = "kade.evidence/2"


def facts(model: Model) -> dict[str, Any]:
    """Return the facts as plain data, in the order of the inventory, which is sorted."""
    return cast("dict[str, Any]", plain(facts_of(model)))


def digest(found: Mapping[str, Any]) -> str:
    """Return a digest over the facts: equal input gives an equal one."""
    return "sha256:" + hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def render(found: Mapping[str, Any], run: Mapping[str, Any], stack: Mapping[str, Any]) -> str:
    """Return the evidence as JSON."""
    return json.dumps({"schema": SCHEMA, "run": run, "stack": stack, "facts": found}, indent=2) + "\n"


def read(path: Path, run: str, remedy: str) -> Facts:
    """Return the facts of a run, by its id. The remedy is what to do about evidence that cannot be used.

    Raises:
        FaultsError: there is no evidence, or it is of another run, another layout, or changed by hand.

    """
    what = ""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if dig(data, "schema") != SCHEMA:
            what = f"this evidence is of the layout `{dig(data, 'schema')}`, and this version of Kade reads `{SCHEMA}`"
        elif dig(data, "run", "id") != run:
            what = "this evidence is not of the run that wrote the verdict beside it"
        else:
            return restored(Facts, dig(data, "facts"))
    except FileNotFoundError:
        what = "the verdict has no evidence beside it"
    except (OSError, ValueError, TypeError, RecursionError):
        what = f"this is no evidence of the layout `{SCHEMA}`"
    raise FaultsError([Fault(shown(path), 0, "", what, remedy)])
