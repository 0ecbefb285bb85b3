"""Every stack of the organisation previews alone, in any order, without credentials; layers join at `up`."""

from __future__ import annotations

import os

import pytest

from stacks.loading import Organisation
from stacks.names import stack_names
from tests.end_to_end.conftest import PROJECT, Kade

pytestmark = pytest.mark.engine

CREDENTIALS = ("KUBECONFIG", "VSPHERE_USER", "VSPHERE_PASSWORD", "VAULT_TOKEN", "VAULT_ADDR", "TALOSCONFIG")
STACKS = stack_names(Organisation(PROJECT / "stacks" / "organisation"))


def test_every_stack_previews_before_any_of_them_is_up(kade: Kade) -> None:
    assert len(STACKS) >= 12
    without = dict.fromkeys((name for name in CREDENTIALS if name in os.environ), "")
    for stack in reversed(STACKS):
        done = kade.run("preview", stack, "--rehearse", **without)
        assert done.returncode == 0, f"{stack}: {done.stdout}{done.stderr}"
        verdict = kade.verdict(stack)
        assert verdict["summary"]["statuses"]["fail"] == 0, stack
        assert verdict["summary"]["statuses"]["error"] == 0, stack
        assert kade.resources(stack) == []


def test_a_stack_alone_says_how_many_checks_it_could_judge(kade: Kade) -> None:
    done = kade.run("preview", "production-services", "--rehearse")
    assert done.returncode == 0, done.stdout + done.stderr
    haven = kade.verdict("production-services")["summary"]["haven"]
    assert 0 < haven["notJudged"] < 15
    assert f"(this stack could judge {15 - haven['notJudged']} of them)" in done.stdout


def test_a_layer_refuses_to_come_up_before_the_one_it_stands_on(kade: Kade) -> None:
    done = kade.run("up", "production-services", "--rehearse")
    assert done.returncode != 0
    assert "Run `pulumi up --stack production-cluster` first." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    # The stack itself may be there, and the engine's own provider that looked for the other stack; nothing else.
    made = {resource["type"] for resource in kade.resources("production-services")}
    assert made <= {"pulumi:pulumi:Stack", "pulumi:providers:pulumi"}


def test_the_layers_of_production_come_up_one_on_the_other(kade: Kade) -> None:
    for stack in ("production-machines", "production-cluster", "production-services", "production-team-burgerzaken"):
        done = kade.run("up", stack, "--rehearse")
        assert done.returncode == 0, f"{stack}: {done.stdout}{done.stderr}"
        assert ", 0 fail, " in done.stdout
    again = kade.run("up", "production-services", "--rehearse")
    assert "0 changes" in again.stdout


def test_what_git_delivers_can_be_rendered_for_the_repository(kade: Kade) -> None:
    to = kade.folder / "gitops"
    done = kade.run("render", "production-services", "--to", str(to))
    assert done.returncode == 0, done.stdout + done.stderr
    rendered = sorted(path.name for path in to.rglob("*.yaml"))
    assert any("application-argocd-cert-manager" in name for name in rendered)
    assert not any("release" in name for name in rendered), "the engine itself is Pulumi's"
    first = {path: path.read_bytes() for path in to.rglob("*.yaml")}
    assert kade.run("render", "production-services", "--to", str(to)).returncode == 0
    assert {path: path.read_bytes() for path in to.rglob("*.yaml")} == first
