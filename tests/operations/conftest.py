"""A real OpenBao, and an organisation that a test may change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.vault.client import Client
from tests.openbao import Bao
from tests.stacks.conftest import EXAMPLE, Home


@pytest.fixture
def bao(tmp_path: Path) -> Iterator[Bao]:
    """A server that has never been initialised."""
    (tmp_path / "bao").mkdir()
    server = Bao(tmp_path / "bao")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The root login of an open server that the tests of a module share."""
    server = Bao(tmp_path_factory.mktemp("bao"))
    yield server.open()
    server.stop()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    shutil.copytree(EXAMPLE, tmp_path / "organisation")
    return Home(tmp_path / "organisation")
