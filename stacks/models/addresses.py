"""Addresses of a cluster: the range type, and the rules that keep them apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from inputs.validate import RuleOfFile
from inputs.yaml import Place

if TYPE_CHECKING:
    from stacks.models.cluster import ClusterFile


@dataclass(frozen=True)
class Range:
    """Addresses from `first` up to and including `last`."""

    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def _range(value: object) -> object:
    """Read `first-last`."""
    if isinstance(value, Range):
        return value
    first, dash, last = str(value).partition("-")
    msg = "a range looks like `10.20.0.200-10.20.0.219`, the lower address first"
    try:
        found = Range(IPv4Address(first.strip()), IPv4Address(last.strip()))
    except ValueError:
        raise ValueError(msg) from None
    if not dash or found.last < found.first:
        raise ValueError(msg)
    return found


AddressRange = Annotated[
    Range,
    BeforeValidator(_range),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\.\d+\.\d+\.\d+\s*-\s*\d+\.\d+\.\d+\.\d+$"}),
]
"""Addresses written as `first-last`."""


def address_rules(cluster: ClusterFile) -> list[RuleOfFile]:
    """Return what is wrong with the addresses: networks that overlap, addresses outside or given twice."""
    return [*_networks(cluster), *_inside(cluster), *_doubles(cluster)]


def _networks(cluster: ClusterFile) -> Iterator[RuleOfFile]:
    networks = {name: cast("IPv4Network", getattr(cluster.network, name)) for name in ("machines", "pods", "services")}
    names = list(networks)
    for position, name in enumerate(names):
        for other in names[:position]:
            if networks[name].overlaps(networks[other]):
                what = f"{networks[name]} overlaps with `network.{other}` ({networks[other]})"
                yield RuleOfFile(what, "Choose networks without a common address.", ("network", name))


def _used(cluster: ClusterFile) -> Iterator[tuple[Place, IPv4Address, str]]:
    """Yield every single address that something has, where it comes from and whose it is."""
    yield ("network", "gateway"), cluster.network.gateway, "the gateway"
    yield ("controlPlane", "vip"), cluster.control_plane.vip, "the VIP"
    pools: dict[str, Any] = {"controlPlane": cluster.control_plane, "workers": cluster.workers}
    for key, pool in pools.items():
        for number, address in enumerate(pool.addresses, 1):
            yield (key, "firstAddress"), address, f"number {number} of `{key}`"


def _inside(cluster: ClusterFile) -> Iterator[RuleOfFile]:
    network = cluster.network.machines
    ends = (network.network_address, network.broadcast_address)
    faulty: set[Place] = set()
    for path, address, whose in _used(cluster):
        if path not in faulty and (address not in network or address in ends):
            faulty.add(path)
            yield RuleOfFile(f"{address} ({whose}) is no address of `network.machines` ({network})",
                             "Choose an address in that network.", path)  # fmt: skip
    pool = cluster.network.load_balancer
    if pool.first not in network or pool.last not in network or pool.first in ends or pool.last in ends:
        yield RuleOfFile(f"{pool} does not lie in `network.machines` ({network})",
                         "Choose a range in that network.", ("network", "loadBalancer"))  # fmt: skip


def _doubles(cluster: ClusterFile) -> Iterator[RuleOfFile]:
    seen: dict[IPv4Address, str] = {}
    faulty: set[Place] = set()
    for path, address, whose in _used(cluster):
        other = seen.setdefault(address, whose)
        if address in cluster.network.load_balancer:
            other = "`network.loadBalancer`"
        if other != whose and path not in faulty:
            faulty.add(path)
            yield RuleOfFile(f"{address} ({whose}) belongs to {other} already",
                             "Give each machine an address of its own.", path)  # fmt: skip
