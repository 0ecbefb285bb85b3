"""What docs/architecture.md says of where code does not go, as far as a test can see it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("cli", "components", "inputs", "operations", "policies", "rehearsal", "stacks")


def files(*packages: str) -> list[Path]:
    found = [path for package in packages for path in sorted((PROJECT / package).rglob("*.py"))]
    assert len(found) > 10
    return found


def used(path: Path) -> set[str]:
    """Return every dotted name that a file uses, such as `os.environ`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_components_read_no_configuration_and_know_no_stack() -> None:
    forbidden = {"os.environ", "os.getenv", "pulumi.Config", "pulumi.get_stack", "pulumi.runtime.invoke"}
    wrong = {path.name: sorted(used(path) & forbidden) for path in files("components") if used(path) & forbidden}
    assert wrong == {}


@pytest.mark.parametrize("folder", ["stacks", "policies"])
def test_no_module_hides_one_of_pythons_own(folder: str) -> None:
    """Programs and packs start inside their folder, so that `stacks/secrets.py` would be everybody's `secrets`."""
    names = {path.stem for path in (PROJECT / folder).iterdir() if path.suffix == ".py" or path.is_dir()}
    assert len(names) > 5
    assert names & set(sys.stdlib_module_names) == set()


def test_the_core_of_policies_knows_nothing_of_pulumi() -> None:
    for part in ("kernel", "model", "rules", "reports"):
        for path in sorted((PROJECT / "policies" / part).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not {name for name in names if name.partition(".")[0].startswith("pulumi")}, path


def test_no_file_is_too_long_to_live_in() -> None:
    long = {str(path.relative_to(PROJECT)): len(path.read_text().splitlines()) for path in files(*PACKAGES, "tests")}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}
