"""The pack: its seam with the SDK, what it tells the engine, what it writes, and what it never shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pulumi_policy
import pytest
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel

from policies.fixtures import Example, cases
from policies.kernel.registry import Registry
from policies.kernel.words import Layer, Stage
from policies.pack import crossguard, place, seam
from policies.pack.run import FILES, Pack

PLANTED = "pl4nted-s3cr3t"


def case(rule: str, title: str) -> Any:
    return next(found for found in cases(rule) if found.title == title)


def test_the_seam_with_the_sdk_is_as_pinned() -> None:
    assert seam.fits()
    from importlib.metadata import version

    assert version("pulumi-policy") == "1.21.0"


def test_an_sdk_without_the_seam_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pulumi_policy.policy._PolicyAnalyzerServicer, "_get_enforcement_level")
    assert not seam.fits()


def test_a_fail_reaches_the_engine_as_a_mandatory_violation_of_its_rule(engine: Any) -> None:
    answer = engine.judge(case("haven-hamasters", "one control plane"))
    (diagnostic,) = answer.diagnostics("haven-hamasters")
    assert diagnostic.enforcementLevel == proto.MANDATORY
    assert diagnostic.severity == proto.POLICY_SEVERITY_HIGH
    for part in ("1 control-plane node declared", "expected: >= 3; actual: 1", "fix:", "controlPlane.count: 3"):
        assert part in diagnostic.message


def test_what_is_undetermined_is_told_and_does_not_block(engine: Any) -> None:
    answer = engine.judge(case("haven-hamasters", "a patch is computed, so the role of one machine is open"))
    (diagnostic,) = answer.diagnostics("haven-hamasters")
    assert diagnostic.enforcementLevel == proto.ADVISORY
    assert "unknown:  configPatches of" in diagnostic.message


def test_strict_blocks_what_could_be_decided(engine: Any) -> None:
    engine.write("policies/settings.yaml", "strict: true")
    answer = engine.judge(case("haven-hamasters", "a patch is computed, so the role of one machine is open"))
    assert [d.enforcementLevel for d in answer.diagnostics("haven-hamasters")] == [proto.MANDATORY]
    assert answer.diagnostics("haven-cncf") == []


def test_what_only_the_checker_can_say_is_counted_and_not_told(engine: Any) -> None:
    answer = engine.run(engine.everything())
    assert answer.finding("haven-shavalidation")["status"] == "undetermined"
    assert answer.diagnostics("haven-shavalidation") == []


def test_a_whole_good_cluster_passes_all_that_can_be_decided(engine: Any) -> None:
    haven = engine.run(engine.everything()).verdict["summary"]["haven"]
    assert haven["line"] == "haven: 11 pass, 0 fail, 4 undetermined of 15"
    assert haven["passed"] + haven["failed"] + haven["undetermined"] + haven["notJudged"] == 15


def test_a_disabled_rule_says_nothing_to_the_engine_and_still_counts(engine: Any) -> None:
    engine.write("policies/settings.yaml", "enforcement: {rules: {haven-hamasters: disabled}}")
    answer = engine.judge(case("haven-hamasters", "one control plane"))
    assert answer.diagnostics("haven-hamasters") == []
    assert answer.finding("haven-hamasters")["status"] == "fail"
    assert answer.verdict["settings"]["disabled"] == ["haven-hamasters"]


def test_native_fields_of_a_policy_are_filled(engine: Any) -> None:
    info = engine.servicer(engine.pack()).GetAnalyzerInfo(None, None)
    assert info.supportsConfig
    rules = [policy for policy in info.policies if policy.name != crossguard.WRITTEN]
    assert len(rules) == len(engine.registry) >= 19
    for policy in rules:
        for text in (policy.name, policy.displayName, policy.description, policy.remediation_steps, policy.url):
            assert text
        assert policy.policy_type == proto.PolicyType.POLICY_TYPE_STACK
        first = engine.registry.find(policy.name).controls[0]
        assert (policy.framework.name, policy.framework.version) == (first.framework, first.version)
        assert policy.framework.reference
        assert policy.framework.specification
        assert policy.name.partition("-")[0] in policy.tags
        assert policy.severity


def test_levels_follow_the_stage_of_the_stack(engine: Any) -> None:
    engine.write("policies/settings.yaml", "stages: {production: {enforcement: {groups: {haven: advisory}}}}")
    for stack, level in (("demo", proto.MANDATORY), ("big-cluster", proto.ADVISORY), ("trial-team-x", proto.MANDATORY)):
        servicer = engine.servicer(engine.pack())
        servicer.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack=stack, project="kade"), None)
        info = servicer.GetAnalyzerInfo(None, None)
        found = next(policy for policy in info.policies if policy.name == "haven-hamasters")
        assert found.enforcementLevel == level, stack


def test_the_command_line_wins_over_the_settings(engine: Any) -> None:
    servicer = engine.servicer(engine.pack())
    servicer.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="demo", project="kade"), None)
    request = proto.ConfigureAnalyzerRequest()
    request.policyConfig["haven-hamasters"].enforcementLevel = proto.ADVISORY
    request.policyConfig["haven-haworkers"].enforcementLevel = proto.MANDATORY
    request.policyConfig["haven-haworkers"].properties.update({"minimum": 4})
    servicer.Configure(request, None)
    resources = [m for m in engine.messages("demo", engine.everything()) if m.name != "control-3"]
    response = servicer.AnalyzeStack(proto.AnalyzeStackRequest(resources=resources), None)
    found = {item.policyName: item for item in response.diagnostics}
    assert found["haven-hamasters"].enforcementLevel == proto.ADVISORY
    assert "at least 4 are needed" in found["haven-haworkers"].message


def test_parameters_in_the_schema_have_no_defaults(registry: Any, engine: Any) -> None:
    info = engine.servicer(engine.pack()).GetAnalyzerInfo(None, None)
    found = next(policy for policy in info.policies if policy.name == "haven-kubernetesversion")
    assert set(found.configSchema.properties) == {"behind", "tableDays"}
    assert "default" not in str(found.configSchema.properties)


def test_old_files_go_when_a_run_begins(engine: Any) -> None:
    answer = engine.run(engine.everything())
    assert sorted(path.name for path in answer.folder.iterdir()) == sorted(FILES)
    engine.servicer(engine.pack()).ConfigureStack(
        proto.AnalyzerStackConfigureRequest(stack="demo", project="kade", dry_run=True), None
    )
    assert list(answer.folder.iterdir()) == []


def test_without_the_stack_being_told_the_urns_tell_it(engine: Any) -> None:
    answer = engine.run(engine.everything(), "demo", configure=False)
    assert answer.verdict["stack"]["name"] == "demo"
    assert answer.verdict["stack"]["stage"] == "sandbox"


def test_what_an_up_applied_is_said_to_be_applied(engine: Any) -> None:
    assert engine.run(engine.everything(), dry_run=False).verdict["stack"]["moment"] == "applied"


def test_settings_with_faults_stop_the_run_and_name_the_line(engine: Any) -> None:
    engine.write("policies/settings.yaml", "enforcement:\n  groups: {havn: mandatory}\n")
    with pytest.raises(Exception, match=r"settings\.yaml:2: enforcement\.groups\.havn"):
        engine.run(engine.everything())
    answer = engine.run(engine.everything(), configure=False)
    (diagnostic,) = answer.response.diagnostics
    assert diagnostic.policyName == crossguard.WRITTEN
    assert diagnostic.enforcementLevel == proto.MANDATORY
    assert not (engine.folder / "out" / "demo" / "verdict.json").exists()


def test_a_verdict_that_cannot_be_written_stops_the_run(engine: Any) -> None:
    engine.folder.joinpath("out").write_text("a file where a folder should be")
    response = engine.run(engine.everything(), configure=False).response
    assert [(d.policyName, d.enforcementLevel) for d in response.diagnostics] == [(crossguard.WRITTEN, proto.MANDATORY)]


def test_what_the_program_asks_for_counts_where_a_provider_says_nothing(engine: Any) -> None:
    full = [example for example in engine.everything() if not example.type.startswith("vsphere")]
    bare = [Example(e.type, e.name, {}, e.origins) if e.type.startswith("talos:machine") else e for e in full]
    assert engine.run(bare).finding("haven-hamasters")["status"] == "undetermined"
    assert engine.run(bare, asked=full).finding("haven-hamasters")["status"] == "pass"


def test_a_rule_that_raises_does_not_end_the_run(engine: Any) -> None:
    def broken(_model: Any, _parameters: Any) -> Any:
        raise RuntimeError(PLANTED)

    registry = Registry()
    for rule in engine.registry:
        registry.add(replace(rule, check=broken) if rule.id == "haven-multiaz" else rule)
    engine.registry = registry
    answer = engine.run(engine.everything())
    assert answer.finding("haven-multiaz")["status"] == "error"
    assert [d.enforcementLevel for d in answer.diagnostics("haven-multiaz")] == [proto.ADVISORY]
    assert PLANTED not in str(answer.response)
    assert answer.verdict["summary"]["haven"]["undetermined"] == 5


def test_the_sdks_own_way_gives_the_same_verdict(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = engine.pack()
    servicer = pulumi_policy.policy._PolicyAnalyzerServicer(
        "kade", "0.0.1", list(seam.policies(pack)), EnforcementLevel.ADVISORY, None
    )
    resources = [m for m in engine.messages("demo", engine.everything()) if m.name not in ("control-2", "control-3")]
    response = servicer.AnalyzeStack(proto.AnalyzeStackRequest(resources=resources), None)
    found = {d.policyName: d.enforcementLevel for d in response.diagnostics}
    assert found["haven-hamasters"] == proto.MANDATORY
    own = json.loads((engine.folder / "out" / "demo" / "verdict.json").read_text())["summary"]
    other = engine.run([e for e in engine.everything() if e.name not in ("control-2", "control-3")]).verdict["summary"]
    assert own == other


@pytest.mark.parametrize(
    ("stack", "layers", "stage", "cluster"),
    [
        ("demo", set(Layer), Stage.SANDBOX, "demo"),
        ("big-machines", {Layer.MACHINES}, Stage.PRODUCTION, "big"),
        ("big-services", {Layer.SERVICES}, Stage.PRODUCTION, "big"),
        ("trial-team-burgerzaken", {Layer.TEAMS}, Stage.TEST, "big"),
        ("demo-machines", {Layer.MACHINES}, Stage.SANDBOX, "demo"),
        ("live", None, None, ""),
        ("somebody-elses", None, None, ""),
    ],
)
def test_a_stack_name_says_what_is_judged(
    engine: Any, stack: str, layers: set[Layer] | None, stage: Stage | None, cluster: str
) -> None:
    scope = place.scope(stack, "kade", dry_run=True, organisation=engine.home)
    assert (scope.layers and set(scope.layers), scope.stage, scope.cluster) == (layers, stage, cluster)


def test_a_day_that_is_none_stops_the_run(engine: Any) -> None:
    pack = Pack.start(engine.registry, {"KADE_HOME": str(engine.home), "KADE_AS_OF": "tomorrow"})
    assert "KADE_AS_OF" in pack.faults


def test_what_is_rendered_here_was_judged_and_what_lies_in_git_was_not(engine: Any) -> None:
    root = Example(
        "kubernetes:argoproj.io/v1alpha1:Application",
        "root",
        {"metadata": {"name": "root"}, "spec": {"source": {"repoURL": "https://git", "path": "big-services"}}},
        {},
    )
    child = Example("kubernetes:core/v1:Namespace", "n", {"metadata": {"name": "n"}}, {}, renders=True)
    (alone,) = [s for s in engine.run([root], "big-services").verdict["unseen"] if "root" in s]
    assert alone.endswith("that was not looked at.")
    (rendered,) = [s for s in engine.run([root, child], "big-services").verdict["unseen"] if "root" in s]
    assert "as this program renders it was judged" in rendered
