"""What the example organisation's stacks build passes every rule: components and rules checked against each other."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import proto

from policies.kernel.verdict import Verdict
from policies.kernel.words import Status
from policies.pack.run import Pack
from policies.rules import load
from tests.conftest import UNKNOWN, Build, Built
from tests.policies.conftest import UNKNOWN_VALUE, struct
from tests.stacks.test_program import STACKS, built, not_there_yet

JUDGED = {"machines": 5, "cluster": 7, "services": 4, "team": 0, "all": 15}
"""How many of the fifteen checks each layer has something to say about."""


def sentinel(value: Any) -> Any:
    """Write an unknown value as the engine does."""
    if value == UNKNOWN:
        return UNKNOWN_VALUE
    if isinstance(value, dict):
        return {key: sentinel(item) for key, item in value.items()}
    return [sentinel(item) for item in value] if isinstance(value, list) else value


def messages(found: Built) -> list[Any]:
    """Write what was built as the engine shows it to a pack."""
    by_urn = {one.urn: one for one in found.resources.values()}
    result: list[Any] = []
    for one in found.resources.values():
        provider = by_urn.get(one.provider.rpartition("::")[0])
        shown = provider and proto.AnalyzerProviderResource(
            type=provider.type, urn=provider.urn, name=provider.name, properties=struct(sentinel(provider.inputs))
        )
        result.append(
            proto.AnalyzerResource(
                type=one.type,
                urn=one.urn,
                name=one.name,
                parent=one.parent,
                provider=shown,
                properties=struct({key: sentinel(item) for key, item in one.inputs.items() if key not in one.secrets}),
                dependencies=one.depends_on,
                propertyDependencies={
                    key: proto.AnalyzerPropertyDependencies(urns=urns) for key, urns in one.property_depends_on.items()
                },
            )
        )
    return result


def judged(found: Built, stack: str, out: Path) -> Verdict:
    pack = Pack.start(load(), {"KADE_OUT": str(out), "KADE_AS_OF": date(2026, 11, 21).isoformat()})
    pack.begin(stack, "kade", dry_run=True)
    return pack.judge(messages(found), pack.settings())


def layer(stack: str) -> str:
    if "-team-" in stack:
        return "team"
    last = stack.rpartition("-")[2]
    return last if last in JUDGED else "all"


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_stack_builds_passes_every_rule_at_its_first_preview(build: Build, stack: str, tmp_path: Path) -> None:
    found = built(build, stack, preview=True, handle=not_there_yet)
    verdict = judged(found, stack, tmp_path)
    assert [one.outcome.sentence for one in verdict.findings if one.status in (Status.FAIL, Status.ERROR)] == []
    assert verdict.summary.judged == JUDGED[layer(stack)]
    assert verdict.summary.passed >= verdict.summary.judged - (4 if layer(stack) == "all" else 1)


def test_every_layer_is_among_the_stacks() -> None:
    assert {layer(stack) for stack in STACKS} == JUDGED.keys()
