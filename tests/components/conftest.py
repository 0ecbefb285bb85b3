from __future__ import annotations

import pytest

from components.cluster.patches import ClusterNetwork
from components.machines.handle import MachinesDeclared, Node, Role


def node(role: Role, number: int, zone: str = "zone-a") -> Node:
    noun = "control-plane" if role == "controlplane" else "worker"
    start = 10 if role == "controlplane" else 20
    return Node(
        name=f"c-{noun}-{number}",
        role=role,
        zone=zone,
        address=f"10.20.0.{start + number}",
        cpus=2,
        memory_gib=4,
        disk_gib=20,
    )


@pytest.fixture
def declared() -> MachinesDeclared:
    """Three control planes and three workers that take turns over two zones."""
    zones = ("zone-a", "zone-b", "zone-a")
    control_planes = [node("controlplane", number, zone) for number, zone in enumerate(zones, 1)]
    workers = [node("worker", number, zone) for number, zone in enumerate(zones, 1)]
    return MachinesDeclared(cluster="c", nodes=(*control_planes, *workers))


@pytest.fixture
def network() -> ClusterNetwork:
    return ClusterNetwork(
        machines="10.20.0.0/24",
        prefix_length=24,
        gateway="10.20.0.1",
        nameservers=["10.0.0.53"],
        time_servers=["ntp.voorbeeld.example"],
        pods="10.244.0.0/16",
        services="10.96.0.0/12",
        vip="10.20.0.10",
        load_balancer=("10.20.0.200", "10.20.0.219"),
    )
