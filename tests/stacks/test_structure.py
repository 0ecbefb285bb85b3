"""What holds for all code of the program: which way imports point, and how components end."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from stacks.loading import PROJECT

MAY_IMPORT = {
    "inputs": {"inputs"},
    "components": {"components", "inputs"},
    "stacks": {"stacks", "components", "inputs"},
    "policies": {"policies", "inputs"},
}
"""Which of our packages each package may import. `cli` may import all, and nothing imports it."""

OURS = {"cli", "components", "inputs", "policies", "rehearsal", "stacks", "tests"}


def files(package: str) -> list[Path]:
    return sorted((PROJECT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the packages of ours that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} & OURS


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    looked = files(package)
    assert len(looked) >= 3
    wrong = {
        str(path.relative_to(PROJECT)): sorted(imported(path) - MAY_IMPORT[package])
        for path in looked
        if imported(path) - MAY_IMPORT[package]
    }
    assert wrong == {}


def test_nothing_imports_the_command_line() -> None:
    others = [path for package in OURS - {"cli", "tests"} for path in files(package)]
    assert [str(path) for path in others if "cli" in imported(path)] == []


def test_the_entry_point_does_nothing_when_it_is_imported() -> None:
    body = ast.parse((PROJECT / "stacks" / "__main__.py").read_text()).body
    kinds = [type(node) for node in body]
    assert kinds == [ast.Expr, ast.ImportFrom, ast.If]


def components() -> dict[str, ast.ClassDef]:
    """Return every subclass of Component by its name."""
    found: dict[str, ast.ClassDef] = {}
    for path in files("components"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = (
                {base.id for base in node.bases if isinstance(base, ast.Name)}
                if isinstance(node, ast.ClassDef)
                else set()
            )
            if isinstance(node, ast.ClassDef) and "Component" in bases:
                found[node.name] = node
    return found


FOUND = components()


def test_all_components_are_looked_at() -> None:
    ours = {
        "Layer", "TalosImage", "Machine", "Placement", "Machines", "TalosCluster", "Cilium", "CloudProvider", "Storage",
        "CertificateApprover",
    }  # fmt: skip
    assert ours <= FOUND.keys()
    text = "".join(path.read_text(encoding="utf-8") for path in files("components"))
    assert len(FOUND) == text.count("(Component):")


@pytest.mark.parametrize("name", FOUND)
def test_a_component_registers_its_outputs_once_and_last(name: str) -> None:
    calls = [
        node
        for node in ast.walk(FOUND[name])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "register_outputs"
    ]
    assert len(calls) == 1
    (constructor,) = [
        node for node in FOUND[name].body if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]
    last = constructor.body[-1]
    assert isinstance(last, ast.Expr)
    assert last.value is calls[0]


@pytest.mark.parametrize("name", FOUND)
def test_a_component_names_its_layer(name: str) -> None:
    layers = [
        node.value.value
        for node in FOUND[name].body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and [target.id for target in node.targets if isinstance(target, ast.Name)] == ["layer"]
    ]
    assert len(layers) == 1
    assert layers[0] in {"machines", "cluster", "services", "gitops", "teams", "apps", "all"}
