"""The catalogue: every service that a cluster file may name.

A service is one file in a category's folder, which holds a constant `SERVICE`. There is no list to keep: the files are
the list, and a test holds files, catalogue and pages together.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from components.services.definition import Category, ServiceDefinition

AnyService = ServiceDefinition[Any]
FOLDER = Path(__file__).parent


def _found() -> dict[str, AnyService]:
    services: list[AnyService] = []
    for category in get_args(Category):
        folder = FOLDER / category
        for module in pkgutil.iter_modules([str(folder)]):
            services.append(importlib.import_module(f"components.services.{category}.{module.name}").SERVICE)
    return {service.name: service for service in sorted(services, key=lambda service: service.name)}


CATALOGUE: Mapping[str, AnyService] = MappingProxyType(_found())
"""The services by name, in alphabetical order."""


def in_order(names: Iterable[str]) -> list[AnyService]:
    """Return the named services so that each comes after all it requires or follows; otherwise alphabetical.

    Requirements that are not named are left out: whether they may be missing is for the cluster file's rules.
    """
    return sorted((CATALOGUE[name] for name in names), key=lambda service: (position(service), service.name))


def position(service: AnyService) -> int:
    """Return how many services precede this one on the longest way: 0 for one that follows none."""
    return max((position(CATALOGUE[before]) + 1 for before in (*service.requires, *service.follows)), default=0)
