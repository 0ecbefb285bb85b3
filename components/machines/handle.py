"""What the machines layer hands to the cluster layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

Role = Literal["controlplane", "worker"]
"""What a machine does in its cluster, in Talos' own words."""

HANDLE_VERSION = 1
"""Version of the exported handle; a reader refuses a newer one."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine as the organisation's files declare it."""

    name: str
    """Name of the virtual machine, its host name and its Kubernetes node name."""
    role: Role
    """`controlplane` or `worker`."""
    zone: str
    """Failure domain it stands in."""
    address: str
    """Its static IPv4 address."""
    cpus: int
    """Virtual processors."""
    memory_gib: int
    """Memory in GiB."""
    disk_gib: int
    """System disk in GiB."""


@dataclass(frozen=True, kw_only=True)
class MachinesDeclared:
    """The part that stands in the organisation's files, known before anything exists."""

    cluster: str
    """Name of the cluster."""
    nodes: tuple[Node, ...]
    """Every machine, control planes first."""


@dataclass(frozen=True, kw_only=True)
class MachinesObserved:
    """The part that is known once the machines exist."""

    machines: Mapping[str, pulumi.Output[str]]
    """Per node name the UUID that vSphere gave its virtual machine; unknown at preview while there is none. One output
    each: a machine that comes must not make those of the others unknown."""
    installer: pulumi.Output[str]
    """Image that Talos installs and upgrades from: it names the schematic, so the extensions stay in it."""


@dataclass(frozen=True, kw_only=True)
class MachinesHandle:
    """Both parts together."""

    declared: MachinesDeclared
    observed: MachinesObserved
    resources: tuple[pulumi.Resource, ...] = field(default=(), repr=False)
    """The machines themselves where both layers run in one program, to wait for; empty between stacks."""

    def export(self) -> dict[str, Any]:
        """Return what the stack exports as `handle`."""
        return {
            "version": HANDLE_VERSION,
            "kind": "machines",
            "cluster": self.declared.cluster,
            "machines": dict(self.observed.machines),
            "installer": self.observed.installer,
        }
