"""One verdict over an environment from those of its stacks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.kernel.registry import Registry
from policies.kernel.words import Status
from policies.merge import Merged, merge

STACKS = ("big-machines", "big-cluster", "big-services", "live-team-burgerzaken")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def write(out: Path, stack: str, layer: str, statuses: dict[str, str], *, commit: str = "abc", **finding: Any) -> None:
    findings = [
        {"rule": f"haven-{check}", "check": check, "status": status, "sentence": f"{check} in {stack}.", **finding}
        for check, status in statuses.items()
    ]
    document = {
        "schema": "kade.verdict/1",
        "run": {"time": (NOW - timedelta(hours=3)).isoformat(), "commit": commit},
        "stack": {"layers": [layer], "moment": "preview", "standIns": False},
        "findings": findings,
    }
    (out / stack).mkdir(parents=True, exist_ok=True)
    (out / stack / "verdict.json").write_text(json.dumps(document))


def status(merged: Merged, check: str) -> tuple[Status, str]:
    (found,) = (item for item in merged.checks if item.check == check)
    return found.status, found.stack


def adds_up(merged: Merged) -> bool:
    return len(merged.checks) == 15 and sum(merged.count(status) for status in Status) == 15


def test_the_worst_answer_counts_and_each_check_counts_once(tmp_path: Path, registry: Registry) -> None:
    write(
        tmp_path, "big-machines", "machines", {"multiaz": "pass", "hamasters": "undetermined", "rbac": "not_applicable"}
    )
    write(tmp_path, "big-cluster", "cluster", {"multiaz": "fail", "hamasters": "pass", "rbac": "pass"})
    write(tmp_path, "big-services", "services", {"metrics": "error", "logs": "pass"})
    write(tmp_path, "live-team-burgerzaken", "teams", {"metrics": "not_applicable"})
    found = merge("live", STACKS, tmp_path, registry)
    assert status(found, "multiaz") == (Status.FAIL, "big-cluster")
    assert status(found, "hamasters") == (Status.UNDETERMINED, "big-machines")
    assert status(found, "rbac") == (Status.PASS, "big-cluster")
    assert status(found, "metrics") == (Status.ERROR, "big-services")
    assert status(found, "cncf") == (Status.UNDETERMINED, "")
    assert found.line == "haven: 2 pass, 1 fail, 12 undetermined of 15"
    assert adds_up(found)
    assert found.cautions == ()


def test_a_question_left_to_another_layer_is_answered_by_that_layers_stack(tmp_path: Path, registry: Registry) -> None:
    write(
        tmp_path,
        "big-machines",
        "machines",
        {"privatenetworking": "undetermined"},
        delegate="the cluster layer's stack",
    )
    assert status(merge("live", STACKS, tmp_path, registry), "privatenetworking")[0] is Status.UNDETERMINED
    for answer in (Status.PASS, Status.FAIL, Status.UNDETERMINED):
        write(tmp_path, "big-cluster", "cluster", {"privatenetworking": answer.value})
        assert status(merge("live", STACKS, tmp_path, registry), "privatenetworking") == (answer, "big-cluster")


def test_a_stack_without_a_verdict_is_named_and_what_it_would_judge_is_undetermined(
    tmp_path: Path, registry: Registry
) -> None:
    write(tmp_path, "big-machines", "machines", {"hamasters": "pass"})
    found = merge("live", STACKS, tmp_path, registry)
    assert found.missing == tuple(sorted(STACKS[1:]))
    assert "big-services" in found.cautions[0]
    assert found.line == "haven: 1 pass, 0 fail, 14 undetermined of 15"
    assert adds_up(merge("live", STACKS, tmp_path / "nothing", registry))


def test_ages_and_different_commits_are_told(tmp_path: Path, registry: Registry) -> None:
    write(tmp_path, "big-machines", "machines", {})
    write(tmp_path, "big-cluster", "cluster", {}, commit="def")
    found = merge("live", STACKS, tmp_path, registry)
    assert [stack.age(NOW) for stack in found.stacks] == ["3 hours", "3 hours"]
    assert found.stacks[0].age(NOW + timedelta(days=2)) == "2 days"
    assert any("2 different commits" in sentence for sentence in found.cautions)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"schema": "kade.verdict/2"}', '{"schema": "kade.verdict/1", "run": {}}']
)
def test_a_verdict_that_cannot_be_read_is_a_fault_and_no_guess(
    tmp_path: Path, registry: Registry, content: str
) -> None:
    (tmp_path / "big-machines").mkdir()
    (tmp_path / "big-machines" / "verdict.json").write_text(content)
    with pytest.raises(FaultsError, match="no verdict of the layout"):
        merge("live", STACKS, tmp_path, registry)


def test_real_verdicts_of_single_layers_merge_to_what_the_whole_says(engine: Any, registry: Registry) -> None:
    """The resources of a whole cluster, as one stack and as three.

    Only `metrics` needs facts of two stacks at once (metrics-server, and the kubelets). It stays open.
    """
    everything = engine.everything()
    whole = {item["check"]: item["status"] for item in engine.run(everything).verdict["checks"] if item["required"]}
    machines = [item for item in everything if item.type.startswith("vsphere:") or "imageFactory" in item.type]
    cluster_layer = ("talos:machine", "kubernetes:core/v1:ConfigMap")
    names = ("approver", "vsphere-cpi")
    cluster = [item for item in everything if item.type.startswith(cluster_layer) or item.name in names]
    services = [item for item in everything if item not in machines and item not in cluster]
    for layer, part in (("machines", machines), ("cluster", cluster), ("services", services)):
        assert part
        engine.run(part, f"big-{layer}")
    found = merge("live", STACKS[:3], engine.folder / "out", registry)
    assert adds_up(found)
    differing = {check.check: check.status for check in found.checks if check.status != whole[check.check]}
    assert differing == {"metrics": Status.UNDETERMINED}
