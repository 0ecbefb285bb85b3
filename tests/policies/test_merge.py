"""One verdict over an environment, from what the runs of its stacks wrote down."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inputs.faults import FaultsError
from policies.fixtures import Example, cases
from policies.kernel.judge import judge
from policies.kernel.registry import Registry
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope
from policies.kernel.words import Layer, Status
from policies.merge import Merged, merge
from policies.model.facts import Facts, RememberedModel, facts_of, together
from policies.model.model import Model
from policies.model.plain import plain, restored
from policies.sources import preview

STACKS = ("big-machines", "big-cluster", "big-services", "live-team-burgerzaken")
LAYERS = (Layer.MACHINES, Layer.CLUSTER, Layer.SERVICES, Layer.TEAMS)
DAY = date(2026, 11, 21)
OF_THE_CLUSTER = (
    "talos:machine",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Secret",
    "kubernetes:core/v1:Node",
)
PUT_BY_THE_CLUSTER_LAYER = ("approver", "vsphere-cpi", "vsphere-csi", "cpi")

Together = Callable[..., Merged]


def layer(example: Example) -> Layer:
    """The layer that makes such a resource."""
    if example.type.startswith("vsphere:") or "imageFactory" in example.type:
        return Layer.MACHINES
    of_it = example.type.startswith(OF_THE_CLUSTER) or "cluster.x-k8s.io" in example.type
    return Layer.CLUSTER if of_it or example.name in PUT_BY_THE_CLUSTER_LAYER else Layer.SERVICES


def parts(examples: Iterable[Example]) -> dict[Layer, list[Example]]:
    found: dict[Layer, list[Example]] = {layer: [] for layer in LAYERS}
    for example in examples:
        found[layer(example)].append(example)
    return found


@pytest.fixture
def merged(engine: Any, registry: Registry) -> Together:
    """Judges each stack by itself, as its runner does, and then merges what the runs left behind."""

    def run(examples: Iterable[Example], *, without: tuple[str, ...] = (), day: date = DAY) -> Merged:
        split = parts(examples)
        for stack, one in zip(STACKS, LAYERS, strict=True):
            if stack not in without:
                engine.run(split[one], stack)
        return merge("live", STACKS, engine.folder / "out", registry, SettingsFile(), day)

    return run


def statuses(found: Merged) -> dict[str, str]:
    return {check.check: check.status.value for check in found.checks}


def adds_up(found: Merged) -> bool:
    return len(found.checks) == 15 and sum(found.count(status) for status in Status) == 15


def test_separate_stacks_together_say_what_one_program_says(engine: Any, merged: Together) -> None:
    everything = engine.everything()
    whole = {item["check"]: item["status"] for item in engine.run(everything).verdict["checks"] if item["required"]}
    found = merged(everything)
    assert statuses(found) == whole
    assert found.count(Status.PASS) >= 10
    assert adds_up(found)
    assert found.cautions == ()
    metrics = next(check for check in found.checks if check.check == "metrics")
    assert (metrics.status, metrics.stacks) == (Status.PASS, ("big-cluster", "big-services"))


def test_a_change_in_one_stack_turns_a_check_whose_other_facts_are_in_another(engine: Any, merged: Together) -> None:
    everything = engine.everything()
    assert statuses(merged(everything))["metrics"] == "pass"
    without_approver = [item for item in everything if item.name != "approver"]
    assert statuses(merged(without_approver))["metrics"] == "fail"
    argument = "--password=pl4nted"
    container = {"name": "m", "image": "metrics-server:1", "args": ["--kubelet-insecure-tls", argument]}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "m", "namespace": "kube-system"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    plainly = Example("kubernetes:apps/v1:Deployment", "m", body, {})
    insecure = [*(item for item in without_approver if item.name != "metrics-server"), plainly]
    assert statuses(merged(insecure))["metrics"] == "pass"
    assert argument not in (engine.folder / "out" / "big-services" / "evidence.json").read_text()


def test_a_configuration_takes_role_and_zone_from_the_machine_of_another_stack(engine: Any, merged: Together) -> None:
    silent = ["cluster: {}\n"]
    found = [
        dataclasses.replace(item, properties={**item.properties, "configPatches": silent})
        if item.type.startswith("talos:machine")
        else item
        for item in engine.everything()
    ]
    whole = {item["check"]: item["status"] for item in engine.run(found).verdict["checks"] if item["required"]}
    assert {whole[check] for check in ("hamasters", "haworkers", "multiaz")} == {"pass"}
    assert statuses(merged(found)) == whole
    (engine.folder / "out" / "big-machines" / "verdict.json").unlink()
    alone = merged(found, without=("big-machines",))
    assert statuses(alone)["hamasters"] == "undetermined"


def said(model: Model, registry: Registry) -> list[tuple[str, str, str]]:
    """What the official checks say of a model."""
    official = registry.select(rule.id for rule in registry if rule.required)
    verdict = judge(model, model.scope, official, resolve(SettingsFile(), registry, None, model.day))
    return [(finding.rule, finding.status.value, finding.outcome.sentence) for finding in verdict.findings]


def test_every_example_of_an_official_check_says_the_same_over_separate_stacks(engine: Any, registry: Registry) -> None:
    """With facts that went through a file, as those of other runs do."""
    examples = [case for rule in registry if rule.required for case in cases(rule.id)]
    whole = [case for case in examples if case.layers and set(case.layers) == set(Layer)]
    scope = Scope(stack="", cluster="big", layers=frozenset(Layer))
    for case in whole:
        kept: list[Facts] = []
        for one, resources in parts(case.resources).items():
            inventory = preview.inventory(engine.messages(f"big-{one}", resources))
            alone = Model(inventory, Scope(stack=f"big-{one}", cluster="big", layers=frozenset({one})), case.day)
            kept.append(restored(Facts, json.loads(json.dumps(plain(facts_of(alone))))))
        program = Model(preview.inventory(engine.messages("demo", case.resources)), scope, case.day)
        separate = RememberedModel(together(kept), scope, case.day)
        assert said(separate, registry) == said(program, registry), f"{case.rule}: {case.title}"
    assert len(whole) >= 60


def test_what_was_not_written_down_cannot_be_asked(registry: Registry) -> None:
    """A rule that needs more than the evidence holds breaks, instead of saying that there is nothing."""
    scope = Scope(stack="", layers=frozenset(Layer))
    rule = registry.select(("pod_security-privileged",))
    verdict = judge(RememberedModel(Facts(), scope, DAY), scope, rule, resolve(SettingsFile(), registry, None, DAY))
    assert [finding.status for finding in verdict.findings] == [Status.ERROR]


def test_a_stack_without_a_verdict_is_named_and_what_it_would_judge_is_undetermined(
    engine: Any, merged: Together, registry: Registry, tmp_path: Path
) -> None:
    found = merged(engine.everything(), without=("big-services", "live-team-burgerzaken"))
    assert found.missing == ("big-services", "live-team-burgerzaken")
    assert "big-services" in found.cautions[0]
    assert {statuses(found)[check] for check in ("metrics", "logs", "autocerts", "rwxvolumes")} == {"undetermined"}
    sentence = next(check.sentence for check in found.checks if check.check == "logs")
    assert "big-services" in sentence
    assert statuses(found)["hamasters"] == "pass"
    assert adds_up(found)
    nothing = merge("live", STACKS, tmp_path / "nothing", registry, SettingsFile(), DAY)
    assert nothing.line == "haven: 0 pass, 0 fail, 15 undetermined of 15"


def test_a_question_left_to_another_layer_is_answered_by_that_layers_stack(engine: Any, merged: Together) -> None:
    everything = engine.everything()
    first = merged(everything, without=STACKS[1:])
    assert statuses(first)["privatenetworking"] == "undetermined"
    assert statuses(merged(everything))["privatenetworking"] == "pass"
    without_ranges = [item for item in everything if not item.type.endswith(":ConfigMap")]
    assert statuses(merged(without_ranges))["privatenetworking"] == "undetermined"


def test_parameters_of_the_settings_hold_for_the_merged_verdict(
    engine: Any, merged: Together, registry: Registry
) -> None:
    assert statuses(merged(engine.everything()))["hamasters"] == "pass"
    settings = SettingsFile.model_validate(
        {"stages": {"production": {"parameters": {"haven-hamasters": {"minimum": 5}}}}}
    )
    stricter = merge("live", STACKS, engine.folder / "out", registry, settings, DAY)
    assert statuses(stricter)["hamasters"] == "fail"


def rewrite(engine: Any, stack: str, file: str, **run: Any) -> None:
    """Change what a run's file says of the run."""
    path = engine.folder / "out" / stack / file
    data = json.loads(path.read_text())
    data["run"].update(run)
    path.write_text(json.dumps(data))


def test_ages_and_different_commits_are_told(engine: Any, merged: Together, registry: Registry) -> None:
    merged(engine.everything())
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for stack in STACKS:
        rewrite(engine, stack, "verdict.json", time=(now - timedelta(hours=3)).isoformat(), commit="abc")
    rewrite(engine, "big-cluster", "verdict.json", commit="def")
    rewrite(engine, "big-machines", "verdict.json", time="2026-11-01T12:00:00Z")
    found = merge("live", STACKS, engine.folder / "out", registry, SettingsFile(), DAY)
    ages = {stack.name: stack.age(now) for stack in found.stacks}
    assert ages["big-cluster"] == "3 hours"
    assert ages["big-machines"] == "20 days"
    assert any("2 different commits" in sentence for sentence in found.cautions)
    assert any(sentence.endswith("differ: big-machines.") for sentence in found.cautions)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"schema": "kade.verdict/2"}', '{"schema": "kade.verdict/1", "run": {}}']
)
def test_a_verdict_that_cannot_be_read_is_a_fault_and_no_guess(
    tmp_path: Path, registry: Registry, content: str
) -> None:
    (tmp_path / "big-machines").mkdir()
    (tmp_path / "big-machines" / "verdict.json").write_text(content)
    with pytest.raises(FaultsError, match="no verdict of the layout"):
        merge("live", STACKS, tmp_path, registry, SettingsFile(), DAY)


def test_evidence_that_cannot_be_used_is_a_fault_that_says_what_to_do(
    engine: Any, merged: Together, registry: Registry
) -> None:
    merged(engine.everything())
    path = engine.folder / "out" / "big-cluster" / "evidence.json"
    whole = json.loads(path.read_text())
    for broken, message in (
        ({**whole, "schema": "kade.evidence/1"}, r"layout `kade\.evidence/1`, and this version of Kade reads"),
        ({**whole, "run": {**whole["run"], "id": "other"}}, "not of the run"),
        ({**whole, "facts": {**whole["facts"], "releases": [{}]}}, "no evidence of the layout"),
        ({**whole, "facts": {**whole["facts"], "releases": 3}}, "no evidence of the layout"),
        (None, "no evidence beside it"),
    ):
        path.write_text(json.dumps(broken)) if broken else path.unlink()
        with pytest.raises(FaultsError, match=message) as caught:
            merge("live", STACKS, engine.folder / "out", registry, SettingsFile(), DAY)
        assert "`kade preview big-cluster`" in str(caught.value)
