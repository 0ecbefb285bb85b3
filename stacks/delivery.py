"""Who applies the children: the one place where the delivery of a cluster chooses their provider."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

from stacks.loading import PROJECT

RENDER_VARIABLE = "KADE_RENDER_DIRECTORY"
"""Names the folder into which children are rendered."""


def render_directory(stack: str) -> Path:
    """Return the folder into which a stack's children are rendered.

    `KADE_RENDER_DIRECTORY` names it; else it is `gitops/<stack>` in the output folder (`KADE_OUT`, default `out`).
    """
    if chosen := os.environ.get(RENDER_VARIABLE):
        return Path(chosen)
    return Path(os.environ.get("KADE_OUT") or PROJECT / "out") / "gitops" / stack


def children_provider(
    name: str, delivery: Literal["git", "direct"], cluster: k8s.Provider, opts: pulumi.ResourceOptions | None = None
) -> k8s.Provider:
    """Return the provider of the children: the cluster's own, or one that renders."""
    if delivery == "direct":
        return cluster
    folder = render_directory(pulumi.get_stack())
    # An empty kubeconfig: the SDK would take one from the environment, and whose laptop renders must not matter.
    return k8s.Provider(f"{name}-rendered", kubeconfig="", render_yaml_to_directory=str(folder), opts=opts)
