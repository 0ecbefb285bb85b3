"""A preview of 1,000 Deployments with the whole pack, against the same with a pack of one trivial rule."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Command, Timed, in_turns
from rehearsal.workspace import Workspace, open_workspace

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
from bench.objects import deployment

provider = k8s.Provider("bench", render_yaml_to_directory="rendered", kubeconfig="")
for number in range({count}):
    found = deployment(number)
    k8s.apps.v1.Deployment(
        found["metadata"]["name"],
        metadata=found["metadata"],
        spec=found["spec"],
        opts=pulumi.ResourceOptions(provider=provider),
    )
"""
TRIVIAL = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

PolicyPack(
    name="trivial",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(name="nothing", description="Looks at nothing.", validate=lambda args, report: None)
    ],
)
"""
STACK = "bench"


def run(folder: Path, runs: int, count: int = 1_000) -> list[Timed]:
    """Time both, and the preview without any pack for comparison."""
    program, trivial = folder / "program", folder / "trivial"
    for made in (program, trivial):
        made.mkdir()
    (program / "__main__.py").write_text(PROGRAM.format(count=count), encoding="utf-8")
    (trivial / "__main__.py").write_text(TRIVIAL, encoding="utf-8")
    (trivial / "PulumiPolicy.yaml").write_text("runtime: python\nname: trivial\nversion: 0.0.1\n", encoding="utf-8")
    workspace = open_workspace(folder=folder / "kade" / "rehearsal", program=program, out=folder / "out")
    workspace.ensure_stack(STACK)
    assert workspace.pack is not None
    packs = {"the whole pack": workspace.pack, "a pack of one trivial rule": trivial, "no pack": None}
    return in_turns([_preview(workspace, name, pack) for name, pack in packs.items()], runs)


def _preview(workspace: Workspace, name: str, pack: Path | None) -> Command:
    arguments = [str(workspace.cli), "preview", "--stack", STACK, "--suppress-outputs", "--non-interactive"]
    if pack is not None:
        arguments += ["--policy-pack", str(pack)]
    # Findings that block are expected: the Deployments have faults, and a blocked preview has done all its work.
    return Command(name, arguments, workspace.project, workspace.environment(pack=False), codes=(0, 1, 255))
