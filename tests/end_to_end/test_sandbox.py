"""`kade sandbox`, from files to a verdict, with what a user would break."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.end_to_end.conftest import PROJECT, Kade

MARKS = ("made-up-", "BEGIN RSA PRIVATE KEY", "BEGIN EC PRIVATE KEY", "BEGIN PRIVATE KEY", "UFJJVkFURSBLRVk")
"""What a secret of a rehearsal looks like: a made-up account secret, or a private key, plain or in base64."""

pytestmark = pytest.mark.engine


def test_up_applies_a_second_up_changes_nothing_and_destroy_leaves_nothing(kade: Kade) -> None:
    first = kade.run("sandbox")
    assert first.returncode == 0, first.stdout + first.stderr
    *_, line, report = first.stdout.strip().splitlines()
    assert line.startswith("haven: ")
    assert line.endswith(" undetermined of 15")
    assert ", 0 fail, " in line
    assert (kade.out / "sandbox" / "report.html").stat().st_size > 10_000
    assert report.endswith("sandbox/report.html")
    made = len(kade.resources("sandbox"))
    assert made > 100
    assert f"{made} resources, {made} changed" in first.stdout
    assert len(kade.manifests("sandbox")) > 50

    second = kade.run("sandbox")
    assert second.returncode == 0, second.stdout + second.stderr
    assert f"{made} resources, 0 changes" in second.stdout

    gone = kade.run("destroy", "sandbox", "--rehearse")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert kade.resources("sandbox") == []
    assert kade.manifests("sandbox") == []
    objects = kade.folder / "kade" / "rehearsal" / "objects" / "sandbox"
    assert [file for file in objects.rglob("*") if file.is_file()] == []


def test_the_verdict_fits_its_published_schema_and_is_marked_simulated(kade: Kade) -> None:
    assert kade.run("preview", "sandbox", "--rehearse").returncode == 0
    verdict = kade.verdict("sandbox")
    schema = json.loads((PROJECT / "policies" / "schemas" / "verdict-1.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(verdict, schema)
    counts = verdict["summary"]["haven"]
    assert counts["passed"] + counts["failed"] + counts["undetermined"] == counts["of"] == 15
    assert verdict["stack"]["standIns"] is True


def _one_control_plane(cluster: dict[str, Any]) -> None:
    cluster["controlPlane"]["count"] = 1


def _one_zone(cluster: dict[str, Any]) -> None:
    del cluster["zones"][1:]


def _no_metrics_server(cluster: dict[str, Any]) -> None:
    del cluster["services"]["metrics-server"]


@pytest.mark.parametrize(
    ("change", "rule", "expected", "actual"),
    [
        (_one_control_plane, "haven-hamasters", ">= 3", 1),
        (_one_zone, "haven-multiaz", ">= 2 zones", "1: zone-a"),
        (_no_metrics_server, "haven-metrics", None, None),
    ],
)
def test_a_fault_that_haven_forbids_stops_the_run_at_preview(
    kade: Kade, change: Any, rule: str, expected: object, actual: object
) -> None:
    kade.edit("clusters/sandbox.yaml", change)
    done = kade.run("sandbox")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "nothing was applied" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert [resource["type"] for resource in kade.resources("sandbox")] == []
    assert kade.manifests("sandbox") == []
    finding = kade.finding("sandbox", rule)
    assert finding["status"] == "fail"
    assert finding["fix"]["text"]
    if expected is not None:
        assert finding["path"]
        assert (finding["expected"], finding["actual"]) == (expected, actual)


def test_a_fault_that_appears_later_changes_nothing_that_exists(kade: Kade) -> None:
    assert kade.run("sandbox").returncode == 0
    before = kade.resources("sandbox")
    kade.edit("clusters/sandbox.yaml", _one_zone)
    assert kade.run("sandbox").returncode == 1
    assert kade.resources("sandbox") == before


def test_no_secret_lies_in_clear_in_anything_that_is_written(kade: Kade) -> None:
    """The generated configuration holds keys of certificates; the made-up account secrets carry a mark."""
    done = kade.run("sandbox")
    assert done.returncode == 0, done.stdout + done.stderr
    written = [file for file in kade.out.rglob("*") if file.is_file()]
    backend = kade.folder / "kade" / "rehearsal" / "backend"
    written += [file for file in backend.rglob("*") if file.is_file()]
    assert len(written) > 60
    for file in written:
        text = file.read_text(encoding="utf-8", errors="replace")
        for mark in (
            "made-up-",
            "BEGIN RSA PRIVATE KEY",
            "BEGIN EC PRIVATE KEY",
            "BEGIN PRIVATE KEY",
            "UFJJVkFURSBLRVk",
        ):
            assert mark not in text, f"{file} holds {mark}"
    assert "made-up-" not in done.stdout + done.stderr
