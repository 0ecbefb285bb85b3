"""Addresses of services of type LoadBalancer: what Cilium hands out of its pools. Nothing answers on them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from rehearsal.backends.api import Object, dig, items, mapping
from rehearsal.backends.players.world import PLAYED, World, going, stamp

SERVICE = ("v1", "Service")
GATEWAY = ("gateway.networking.k8s.io/v1", "Gateway")
POOL = ("cilium.io/v2", "CiliumLoadBalancerIPPool")

WANTED = "lbipam.cilium.io/ips"
"""Annotation with which a service asks for an address."""
CLASS = "io.cilium/"
"""Begin of the classes that Cilium serves; a service without a class is served as well."""
_MOST = 65_536
"""Addresses of a block that are looked at."""


class Addresses:
    """Gives each such service the first free address of the pools that exist."""

    name = "addresses"
    kinds = (SERVICE,)
    looks_at = (POOL, GATEWAY)

    def play(self, world: World, thing: Object) -> float | None:
        """Write the address into a service's status, or why there is none."""
        wants = dig(thing, "spec", "type") == "LoadBalancer"
        served = str(dig(thing, "spec", "loadBalancerClass") or CLASS).startswith(CLASS)
        if going(thing) or not wants or not served or items(thing, "status", "loadBalancer", "ingress"):
            return None
        pools = [pool for pool in world.all(POOL) if not dig(pool, "spec", "disabled")]
        if not pools:
            return None
        address = _free(world, thing, pools)
        condition = {
            "type": "cilium.io/IPAMRequestSatisfied",
            "status": "True" if address else "False",
            "reason": "satisfied" if address else "out_of_ips",
            "message": PLAYED,
            "lastTransitionTime": stamp(),
        }
        if not address and items(thing, "status", "conditions"):
            return None  # said already; a change of the pools asks again
        status: Object = {"conditions": [condition]}
        if address:
            status["loadBalancer"] = {"ingress": [{"ip": address, "ipMode": "VIP"}]}
        world.client.merge(world.client.path_of(thing, "status"), {"status": status})
        if address:  # seen at once: the next service must not get the same
            thing["status"] = status
        return None


def _free(world: World, service: Object, pools: list[Object]) -> str | None:
    taken = {
        str(dig(one, "ip")) for other in world.all(SERVICE) for one in items(other, "status", "loadBalancer", "ingress")
    }
    # A gateway's address belongs to a service that Cilium makes for it, which nobody plays.
    taken |= {str(dig(one, "value")) for other in world.all(GATEWAY) for one in items(other, "spec", "addresses")}
    asked = mapping(service, "metadata", "annotations").get(WANTED) or dig(service, "spec", "loadBalancerIP")
    wanted = {part.strip() for part in str(asked).split(",")} if asked else None
    for pool in pools:
        for block in items(pool, "spec", "blocks"):
            for address in _addresses(block):
                if address not in taken and (wanted is None or address in wanted):
                    return address
    return None


def _addresses(block: Object) -> Iterator[str]:
    """Yield the addresses of a block: from the first to the last, or those of a network."""
    if cidr := block.get("cidr"):
        network = ipaddress.ip_network(str(cidr), strict=False)
        first, last = int(network[0]), int(network[-1])
    else:
        first = int(ipaddress.ip_address(str(block.get("start"))))
        last = int(ipaddress.ip_address(str(block.get("stop") or block.get("start"))))
    make = ipaddress.IPv6Address if first > 0xFFFFFFFF else ipaddress.IPv4Address
    for number in range(first, min(last, first + _MOST) + 1):
        yield str(make(number))
