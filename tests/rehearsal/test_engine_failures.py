"""Killed and interrupted runs, wrong backends, wrong input: nothing is doubled, and messages are clear."""

from __future__ import annotations

import signal
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.engine

MANY = """
import pulumi_kubernetes as k8s
import pulumi_vsphere as vsphere
import pulumiverse_talos as talos

kc = k8s.Provider("kc", kubeconfig="{}")
ta = talos.Provider("ta")
vs = vsphere.Provider("vs", user="u", password="p", vsphere_server="vcenter.example")
secrets = talos.machine.Secrets("secrets", opts=opts(ta))
for i in range(3):
    k8s.core.v1.ConfigMap(f"auto{i}", data={"a": "b"}, opts=opts(kc))
    category = vsphere.TagCategory(f"category{i}", cardinality="SINGLE", associable_types=["VirtualMachine"],
                                   opts=opts(vs))
    vsphere.Tag(f"tag{i}", category_id=category.id, opts=opts(vs))
"""


def _exist(rehearsal: Rehearsal) -> int:
    return sum(len(rehearsal.objects(provider)) for provider in ("kubernetes", "talos", "vsphere"))


def test_after_a_kill_up_converges_without_doubles_and_nothing_goes_on_behind_its_back(rehearsal: Rehearsal) -> None:
    rehearsal.program(MANY)
    run = rehearsal.start("up", "--yes", "--skip-preview", KADE_REHEARSAL_LATENCY="1")
    # The slow creates have been started, some objects exist, the engine has heard of none of them yet.
    rehearsal.wait_until(lambda: _exist(rehearsal) > 0, 20, "the first object exists")
    rehearsal.kill(run)
    rehearsal.wait_until(lambda: not rehearsal.processes(), 3, "host, program and plugins end with the engine")
    left = _exist(rehearsal)
    assert 0 < left < 10
    made = {(o["urn"], o["id"]) for name in ("kubernetes", "talos", "vsphere") for o in rehearsal.objects(name)}
    done = rehearsal.up()
    assert done.code == 0, done.output
    assert done.recovered
    assert _exist(rehearsal) == 10
    after = {(o["urn"], o["id"]) for name in ("kubernetes", "talos", "vsphere") for o in rehearsal.objects(name)}
    assert made <= after
    assert not rehearsal.state().get("pending_operations")
    again = rehearsal.up()
    assert (again.code, again.changed, again.recovered) == (0, 0, False)


def test_an_interrupt_ends_quietly_and_leaves_no_lock(rehearsal: Rehearsal) -> None:
    rehearsal.program(MANY)
    run = rehearsal.start("up", "--yes", "--skip-preview", KADE_REHEARSAL_LATENCY="2")
    rehearsal.wait_until(lambda: _pending(rehearsal) > 0, 20, "it creates")
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=20)
    assert run.returncode != 0
    assert "Traceback" not in output, output
    assert "KeyboardInterrupt" not in output, output
    rehearsal.wait_until(lambda: not rehearsal.processes(), 3, "everything ends")
    done = rehearsal.up()
    assert done.code == 0, done.output
    assert _exist(rehearsal) == 10


def _pending(rehearsal: Rehearsal) -> int:
    try:
        return len(rehearsal.state().get("pending_operations") or [])
    except (OSError, ValueError, AttributeError):
        return 0


def test_a_stand_in_refuses_a_backend_that_is_no_rehearsal_s(rehearsal: Rehearsal) -> None:
    rehearsal.program(MANY)
    other = rehearsal.folder / "somebody-s-state"
    other.mkdir()
    environment = {"PULUMI_BACKEND_URL": f"file://{other}"}
    made = rehearsal.start("stack", "init", **environment)
    made.communicate()
    assert made.returncode == 0
    run = rehearsal.start("preview", **environment)
    output, _ = run.communicate()
    assert run.returncode != 0
    assert "This is a stand-in plugin of Kade's rehearsal" in output
    assert f"file://{other}" in output
    assert "Traceback" not in output


WRONG = {
    'k8s.core.v1.ConfigMap("x", metadata={"name": "Not_A_Name"}, opts=opts(kc))': (
        "'Not_A_Name' is not a name that Kubernetes takes"
    ),
    'vsphere.TagCategory("x", cardinality="MANY", associable_types=[], opts=opts(vs))': (
        "cardinality must be one of SINGLE, MULTIPLE."
    ),
    'pulumi.CustomResource("vsphere:index/tag:Tag", "x", {"categoryid": "a"}, opts(vs))': (
        "there is no input categoryid. Did you mean `categoryId`?"
    ),
    'pulumi.CustomResource("vsphere:index/nothing:Nothing", "x", {}, opts(vs))': (
        "The installed SDK pulumi_vsphere has no resource type vsphere:index/nothing:Nothing"
    ),
    'talos.machine.Bootstrap("x", node="n", opts=opts(ta))': (
        "exactly one of clientConfiguration and clientConfigurationWo must be given"
    ),
    'talos.imagefactory.Schematic("x", schematic="custom: {}", opts=opts(ta))': "schematic: there is no key custom.",
    'k8s.core.v1.ConfigMap("x", metadata={"name": "same"}, opts=opts(kc)); '
    'k8s.core.v1.ConfigMap("y", metadata={"name": "same"}, opts=opts(kc))': "default/same already exists:",
    'k8s.helm.v4.Chart("x", chart="c", opts=opts(kc))': "does not expand the component",
    'raise pulumi.RunError("one clear message")': "error: one clear message",
}


def test_wrong_input_is_one_clear_message(rehearsal: Rehearsal) -> None:
    for text, message in WRONG.items():
        head = MANY.split("secrets =")[0]
        rehearsal.program(head + text.replace("; ", "\n"))
        done = rehearsal.up()
        assert done.code != 0, text
        assert message in " ".join(done.output.split()), done.output
        assert "Traceback" not in done.output, done.output


def test_an_error_of_the_program_shows_the_program_s_own_lines_only(rehearsal: Rehearsal) -> None:
    rehearsal.program("def f():\n    raise ValueError('broken')\n\n\nf()\n")
    done = rehearsal.preview()
    assert done.code != 0
    assert done.output.count("ValueError: broken") == 1
    assert "runpy" not in done.output
    assert "rehearsal/runner.py" not in done.output


def test_a_pack_that_blocks_a_preview_ends_it_without_a_traceback_and_nothing_is_applied(rehearsal: Rehearsal) -> None:
    pack = rehearsal.workspace.pack
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(
        textwrap.dedent("""
        from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

        def check(args, report):
            if args.resource_type == "kubernetes:core/v1:ConfigMap":
                report("no config maps here")

        PolicyPack("blocks", enforcement_level=EnforcementLevel.MANDATORY, policies=[
            ResourceValidationPolicy(name="none", description="none", validate=check)])
        """)
    )
    rehearsal.program(MANY)
    done = rehearsal.up()
    assert done.code != 0
    assert "no config maps here" in done.output
    assert "Traceback" not in done.output, done.output
    assert "KeyboardInterrupt" not in done.output
    assert not done.applied
    assert _exist(rehearsal) == 0
    rehearsal.wait_until(lambda: not rehearsal.processes(), 3, "everything ends")
