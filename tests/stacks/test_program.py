"""Every stack of the example organisation, as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.cluster.handle import HANDLE_VERSION
from inputs.faults import FaultsError
from stacks import program
from stacks.handles import machines_declared
from stacks.joining import READ_OUTPUTS
from stacks.loading import PROJECT, organisation
from stacks.names import parse_stack, stack_names
from tests.conftest import LOOK_UPS, UNKNOWN, Build, Built, Call, Refused
from tests.stacks.conftest import Home

GOLDEN = Path(__file__).parent / "golden"
STACKS = [name for name in stack_names(organisation()) if not name.startswith("sandbox-")]
"""Every stack that is built; the layers of the sandbox's cluster are built by the stack `sandbox`."""


def _uuids(cluster: str) -> dict[str, str]:
    """Return what vSphere would call each machine of a cluster's file."""
    declared = machines_declared(organisation().cluster(cluster))
    return {node.name: f"{node.name}-uuid" for node in declared.nodes}


def handed_over(args: dict[str, Any]) -> dict[str, Any]:
    """Answer as the earlier stack would after its `up`."""
    stack = str(args["name"]).rsplit("/", 1)[-1]
    cluster, _, kind = stack.rpartition("-")
    handle = {"version": HANDLE_VERSION, "kind": kind, "cluster": cluster}
    observed = {
        "machines": {"machines": _uuids(cluster) if kind == "machines" else {}, "installer": "an-installer"},
        "cluster": {"kubeconfig": "a-kubeconfig", "ca": "a-ca", "uid": "an-id"},
    }
    return {"name": args["name"], "outputs": {"handle": {**handle, **observed[kind]}}}


def not_there_yet(args: dict[str, Any]) -> dict[str, Any]:
    """Answer as the engine does where the earlier stack was never made."""
    msg = f"unknown stack {str(args['name']).rsplit('/', 1)[-1]!r}"
    raise Refused(msg)


_BUILT: dict[tuple[str, bool, Call], Built] = {}


def built(build: Build, stack: str, *, preview: bool = False, handle: Call = handed_over) -> Built:
    """Build a stack of the example organisation, each in one way only once: no test changes what it gets."""
    key = (stack, preview, handle)
    if key not in _BUILT:
        _BUILT[key] = _build(build, stack, preview=preview, handle=handle)
    return _BUILT[key]


def _build(build: Build, stack: str, *, preview: bool, handle: Call) -> Built:
    files = organisation()
    calls = {**LOOK_UPS, READ_OUTPUTS: handle}
    return build(lambda: program.deploy(parse_stack(stack, files), files), stack=stack, preview=preview, calls=calls)


@pytest.mark.parametrize("stack", STACKS)
def test_the_urns_of_a_stack_change_only_on_purpose(build: Build, stack: str) -> None:
    urns = "".join(f"{urn}\n" for urn in built(build, stack).urns)
    golden = GOLDEN / f"{stack}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(urns)
    assert urns == golden.read_text(), "a resource would be replaced; if meant, run with UPDATE_GOLDEN=1"


def test_there_is_no_golden_file_without_a_stack() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(STACKS)
    assert len(STACKS) >= 9


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_previews_before_anything_is_up(build: Build, stack: str) -> None:
    first = built(build, stack, preview=True, handle=not_there_yet)
    later = built(build, stack)
    assert first.urns == later.urns


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_names_its_provider(build: Build, stack: str) -> None:
    resources = [one for one in built(build, stack).resources.values() if one.custom]
    checked = [one for one in resources if not one.type.startswith("pulumi:")]
    assert len(checked) > 5
    assert [one.urn for one in checked if not one.provider] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_component_has_a_type_of_ours(build: Build, stack: str) -> None:
    components = [one.type for one in built(build, stack).resources.values() if not one.custom]
    assert components
    assert [token for token in components if not token.startswith("kade:")] == []


@pytest.mark.parametrize(
    ("stack", "missing"), [("production-cluster", "production-machines"), ("production-services", "production-cluster")]
)
def test_an_up_is_refused_until_the_earlier_stack_is_up(build: Build, stack: str, missing: str) -> None:
    with pytest.raises(FaultsError) as caught:
        built(build, stack, handle=not_there_yet)
    (fault,) = caught.value.faults
    assert fault.file == f"stack {missing}"
    assert "unknown stack" in fault.what
    assert fault.remedy == f"Run `pulumi up --stack {missing}` first."


def test_an_up_is_refused_where_the_earlier_stack_has_no_handle(build: Build) -> None:
    with pytest.raises(FaultsError, match="it has no output `handle`"):
        built(build, "production-cluster", handle=lambda args: {"name": args["name"], "outputs": {}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": HANDLE_VERSION + 1}, "newer than"),
        ({"cluster": "shared"}, "not the machines handle of cluster `production`"),
        ({"kind": "cluster"}, "not the machines handle of cluster `production`"),
    ],
)
@pytest.mark.parametrize("preview", [True, False])
def test_a_handle_of_something_else_is_refused(
    build: Build, change: dict[str, Any], message: str, preview: bool
) -> None:
    def other(args: dict[str, Any]) -> dict[str, Any]:
        answer = handed_over(args)
        answer["outputs"]["handle"] |= change
        return answer

    with pytest.raises(FaultsError, match=message):
        built(build, "production-cluster", preview=preview, handle=other)


def test_the_machines_stack_hands_over_its_machines(build: Build) -> None:
    handle = built(build, "production-machines").outputs["handle"]
    assert handle["version"] == HANDLE_VERSION
    assert len(handle["machines"]) == 9
    assert handle["installer"].startswith("factory.talos.dev/vmware-installer/")


def test_a_machine_that_was_not_handed_over_is_unknown_in_a_preview_and_a_fault_after(build: Build) -> None:
    def fewer(args: dict[str, Any]) -> dict[str, Any]:
        answer = handed_over(args)
        del answer["outputs"]["handle"]["machines"]["production-worker-2"]
        return answer

    resources = built(build, "production-cluster", preview=True, handle=fewer).resources
    found = {name: resources[f"talos-worker-{name}"].replacement_trigger for name in ("1", "2")}
    assert found == {"1": "production-worker-1-uuid", "2": UNKNOWN}
    with pytest.raises(FaultsError, match="production-worker-2 stand in the cluster's file and were not handed over"):
        built(build, "production-cluster", handle=fewer)


def test_what_is_handed_over_is_unknown_at_the_first_preview(build: Build) -> None:
    handle = built(build, "production-cluster", preview=True, handle=not_there_yet).outputs["handle"]
    assert handle == {
        "version": HANDLE_VERSION,
        "kind": "cluster",
        "cluster": "production",
        "kubeconfig": UNKNOWN,
        "ca": UNKNOWN,
        "uid": UNKNOWN,
    }


@pytest.mark.parametrize("stack", STACKS)
def test_no_secret_stands_in_clear_in_any_input(build: Build, stack: str) -> None:
    secret = ("made-up-", "a-private-key", "a-token", "a-key", "cluster-secret", "a-kubeconfig", "generated ")
    result = built(build, stack)
    clear = [
        f"{one.name}.{key}"
        for one in result.resources.values()
        for key, value in one.inputs.items()
        if key not in one.secrets and any(text in str(value) for text in secret)
    ]
    assert clear == []
    assert any(one.secrets for one in result.resources.values())


def test_in_the_sandbox_each_layer_waits_for_the_one_before(build: Build) -> None:
    resources = built(build, "sandbox").resources
    first = resources["talos-control-plane-1"]
    assert sum("virtualMachine" in urn for urn in first.depends_on) == 7
    teams = resources["teams"]
    assert teams.type == "kade:all:Layer"
    assert any("argoproj.io" in urn for urn in teams.depends_on)
    (provider,) = [one for one in resources.values() if one.name == "services-cluster"]
    waits = {urn.rsplit("::", 1)[-1] for urn in provider.property_depends_on["kubeconfig"]}
    assert {"certificate-approver-release", "vsphere-csi-class"} <= waits


def test_a_fault_ends_in_one_message_without_a_traceback(
    build: Build, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.edit("clusters/sandbox.yaml", "{count: 3,", "{count: 2,")
    home.edit("clusters/sandbox.yaml", "delivery: direct", "delivry: direct")
    home.write("teams/broken/team.yaml", "groups: [not, yaml\n")
    monkeypatch.setattr(program, "organisation", lambda: home.files)
    with pytest.raises(pulumi.RunError) as caught:
        build(program.run, stack="sandbox", calls=LOOK_UPS, secrets=False)
    message = str(caught.value)
    assert "teams/broken/team.yaml" in message
    assert "kade:vcenterPassword: the secret is missing" in message
    assert "controlPlane.count" in message
    assert "delivry" in message
    assert caught.value.__suppress_context__


def test_the_sandbox_tells_faults_of_cluster_and_teams_at_once(build: Build, home: Home) -> None:
    home.edit("clusters/sandbox.yaml", "{count: 3,", "{count: 2,")
    home.write("teams/broken/team.yaml", "groups: [not, yaml\n")
    with pytest.raises(FaultsError) as caught:
        build(lambda: program.deploy(parse_stack("sandbox", home.files), home.files), calls=LOOK_UPS)
    assert [fault.file.rsplit("organisation/")[-1] for fault in caught.value.faults] == [
        "clusters/sandbox.yaml",
        "teams/broken/team.yaml",
    ]


def test_a_broken_team_file_fails_no_other_stack(build: Build, home: Home) -> None:
    home.write("teams/broken/team.yaml", "groups: [not, yaml\n")
    calls = {**LOOK_UPS, READ_OUTPUTS: handed_over}
    for stack in ("sandbox-machines", "sandbox-services", "sandbox-team-burgerzaken"):
        target = parse_stack(stack, home.files)
        result = build(lambda target=target: program.deploy(target, home.files), stack=stack, calls=calls)
        assert len(result.resources) > 10


@pytest.mark.parametrize(
    ("layer", "without"),
    [
        ("stacks.machines", "pulumi_kubernetes pulumi_vault"),
        ("stacks.cluster", "pulumi_vsphere pulumi_vault"),
        ("stacks.services", "pulumi_vsphere pulumiverse_talos pulumi_vault"),
        ("stacks.teams", "pulumi_vsphere pulumiverse_talos"),
        ("stacks.program", "pulumi_vsphere pulumiverse_talos pulumi_kubernetes pulumi_vault"),
    ],
)
def test_a_layer_loads_only_the_providers_it_talks_to(layer: str, without: str) -> None:
    code = f"import sys, {layer}; print([name for name in {without.split()!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
