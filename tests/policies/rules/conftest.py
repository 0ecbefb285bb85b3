"""A model of plain Kubernetes objects, and what one rule says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from policies.kernel.finding import Outcome
from policies.kernel.registry import Registry
from policies.kernel.verdict import Scope
from policies.kernel.words import Stage
from policies.model.model import Model
from policies.model.resource import Inventory, Resource

Judge = Callable[..., list[Outcome]]


def resource(body: dict[str, Any]) -> Resource:
    api = body["apiVersion"]
    group = api if "/" in api else f"core/{api}"
    return Resource(type=f"kubernetes:{group}:{body['kind']}", name=body["metadata"]["name"], load=lambda: body)


@pytest.fixture
def judge(registry: Registry) -> Judge:
    def run(rule: str, *bodies: dict[str, Any], stage: Stage | None = None, **parameters: Any) -> list[Outcome]:
        found = registry.find(rule)
        assert found is not None
        inventory = Inventory(tuple(resource(body) for body in bodies))
        model = Model(inventory, Scope(stack="demo", stage=stage), date(2026, 11, 21))
        return list(found.check(model, found.parameters.model_validate(parameters)))

    return run
