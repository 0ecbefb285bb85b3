"""The rules, one file each, in a folder per framework."""

from __future__ import annotations

import importlib
import pkgutil

from policies.kernel.registry import RULES, Registry

FRAMEWORKS = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))
"""Folders with rules. A rule is a file in one of them; nothing else has to be changed to add one."""


def load() -> Registry:
    """Import every rule and return the registry."""
    for framework in FRAMEWORKS:
        package = importlib.import_module(f"policies.rules.{framework}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return RULES
