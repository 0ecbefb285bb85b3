from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from inputs.faults import Fault, FaultsError
from stacks.loading import PROJECT, Organisation

EXAMPLE = PROJECT / "stacks" / "organisation"


class Home:
    """A copy of the example organisation that a test may spoil."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def files(self) -> Organisation:
        """Read it anew."""
        return Organisation(self.root)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands in a file exactly once."""
        path = self.root / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))

    def line_of(self, file: str, text: str) -> int:
        """Return the line in which a text stands first."""
        lines = (self.root / file).read_text().splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    shutil.copytree(EXAMPLE, tmp_path / "organisation")
    return Home(tmp_path / "organisation")


def faults_of(read: Callable[[], object]) -> tuple[Fault, ...]:
    """Return the faults that a read ends in."""
    with pytest.raises(FaultsError) as caught:
        read()
    return caught.value.faults
