"""The stand-in for an API server, for every test of sources."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def stand_in() -> ModuleType:
    """The module beside this file: tests are imported by path and cannot import each other."""
    spec = importlib.util.spec_from_file_location("stand_in_cluster", Path(__file__).with_name("cluster.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
