"""From an inventory to a verdict and its document: the same way for every source."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from inputs.faults import Fault
from policies.kernel.exemption import Exemption
from policies.kernel.judge import judge
from policies.kernel.registry import Registry
from policies.kernel.settings import Settings
from policies.kernel.verdict import Scope, Verdict
from policies.model.model import Model
from policies.model.resource import Inventory
from policies.pack import place
from policies.reports import evidence
from policies.reports.assembly import document
from policies.reports.document import RunPart, VerdictDocument
from policies.rules.haven.kubernetesversion import release_table
from policies.rules.haven.shared import VERSION


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one run found."""

    verdict: Verdict
    document: VerdictDocument
    facts: Mapping[str, Any]
    """The facts that the rules saw, for `evidence.json`."""


def judged(
    inventory: Inventory,
    scope: Scope,
    registry: Registry,
    settings: Settings,
    exemptions: Iterable[Exemption] = (),
    *,
    unseen: Iterable[str] = (),
    faults: Iterable[Fault] = (),
) -> Judged:
    """Judge an inventory. `unseen` and `faults` are what the source says of itself."""
    model = Model(inventory, scope, settings.day)
    verdict = judge(model, scope, registry, settings, exemptions, (*undelivered(model), *unseen))
    facts = evidence.facts(model)
    written = document(verdict, run_part(), evidence.digest(facts), faults)
    return Judged(verdict=verdict, document=written, facts=facts)


def undelivered(model: Model) -> list[str]:
    """Return a sentence on each delivery of objects that this run cannot look at."""
    found: list[str] = []
    for item in model.delegations:
        if isinstance(item.path, str | None) and isinstance(item.repository, str | None):
            what = f"{item.subject} delivers {item.path or 'what'} from {item.repository or 'elsewhere'}"
            if model.renders and item.path == model.scope.stack:
                found.append(f"{what}: what goes there as this program renders it was judged, what lies there was not.")
            else:
                found.append(f"{what}; that was not looked at.")
    return found


def run_part() -> RunPart:
    """Return what differs from run to run."""
    return RunPart(
        id=uuid.uuid4().hex,
        time=datetime.now(UTC).replace(microsecond=0),
        commit=place.commit(),
        versions={
            "kade": _version("kade"),
            "pulumi": _version("pulumi"),
            "pulumi-policy": _version("pulumi-policy"),
            "haven": VERSION,
            "kubernetes-releases": release_table().checked.isoformat(),
        },
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
