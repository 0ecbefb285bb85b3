"""What a rehearsal does around its layers: one command at a time, one place for the state, no proof by a failure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rehearsal import proofs, rehearse, run
from rehearsal.backends.endpoints import Endpoints, Kubernetes
from rehearsal.report import LayerResult
from rehearsal.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    parts = {name: tmp_path / name for name in ("root", "folder", "program", "out", "cli", "pack")}
    return Workspace(**parts)


def test_one_command_at_a_time_works_on_a_rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearse, "folder_of", lambda environment: tmp_path / environment)
    with rehearse.alone("production"):
        refused = pytest.raises(rehearse.RehearseError, match="Another command works on the rehearsal of production")
        with refused, rehearse.alone("production"):
            pass
        with rehearse.alone("sandbox"):
            pass
    with rehearse.alone("production"):
        assert list((tmp_path / "production").iterdir()) == []


def test_the_state_stays_where_it_lies(workspace: Workspace) -> None:
    rehearse._settle(workspace, "production", None)  # pyright: ignore[reportPrivateUsage]
    assert workspace.chosen_state == "postgres"
    with pytest.raises(rehearse.RehearseError, match=r"lies in `postgres`.*kade rehearse down production"):
        rehearse._settle(workspace, "production", "object_store")  # pyright: ignore[reportPrivateUsage]
    assert workspace.chosen_state == "postgres"
    workspace.choose_state("object_store")
    for asked in (None, "object_store"):
        rehearse._settle(workspace, "production", asked)  # pyright: ignore[reportPrivateUsage]
        assert workspace.chosen_state == "object_store"


def test_nothing_is_proven_or_judged_where_a_layer_did_not_come_up(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        pytest.fail("there is nothing to prove anything with")

    monkeypatch.setattr(proofs, "prove", never)
    server = Kubernetes(server="https://127.0.0.1:1", ca="", ca_key="", kubeconfig="/nowhere", version="1.36.3")
    place = rehearse.Rehearsal(
        "sandbox", workspace, Endpoints(kubernetes=server), ("sandbox",), cast("Any", SimpleNamespace()), "digest", None
    )
    result = place.judge([LayerResult(stack="sandbox", seconds=1.0, failed=True)])
    assert (result.complete, result.holds, result.checks, result.proofs) == (False, False, (), ())


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "error: update failed\n  error: 1 error occurred:\n    * Application a: interrupted\nerror: x\nerror: x\n",
            ["* Application a: interrupted", "error: x"],
        ),
        ("error: update failed\n", ["error: update failed"]),
        ("one\n\ntwo\n", ["one", "two"]),
        ("", []),
    ],
)
def test_of_what_the_engine_says_the_telling_lines_are_taken_once(output: str, expected: list[str]) -> None:
    assert run.errors(output) == expected
