"""A node, and a pool of equal ones."""

from __future__ import annotations

from dataclasses import dataclass

from policies.kernel.finding import Subject
from policies.model.values import Count, Unknown

CONTROL_PLANE = "controlplane"
WORKER = "worker"


@dataclass(frozen=True)
class Address:
    """An address of a node."""

    type: str
    """`InternalIP` or `ExternalIP` where the cluster says so; empty where it is only declared."""
    value: str | Unknown
    path: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """What is known of a node. `None`: nothing declares it. `Unknown`: declared, but not known yet."""

    subject: Subject
    role: str | Unknown
    """`controlplane` or `worker`."""
    role_path: str
    zone: str | Unknown | None = None
    zone_path: str = ""
    addresses: tuple[Address, ...] = ()
    system: str | Unknown | None = None
    """Family of the operating system."""
    system_path: str = ""
    hardening: str | None = None
    """What was found that switches the system's hardening off, for example `apparmor=0`."""
    version: str | Unknown | None = None
    """Version of the kubelet, or the image that carries it."""
    version_path: str = ""
    serving_certificates: bool | Unknown | None = None
    """Whether the kubelet asks the cluster for its serving certificate."""
    serving_certificates_path: str = ""
    computed: tuple[str, ...] = ()
    """Parts of its configuration that are computed while applying, and could change what is declared here."""


@dataclass(frozen=True)
class NodePool:
    """A number of equal nodes; a single node is a pool of one."""

    count: Count
    node: Node
    count_path: str = ""
