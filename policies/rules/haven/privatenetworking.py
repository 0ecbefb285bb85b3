"""haven-privatenetworking: no node is on the public internet."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome, Subject
from policies.kernel.rule import Parameters
from policies.kernel.words import Layer, Severity, Source
from policies.model.cloud_provider import AddressRanges
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.haven.counting import without_nodes
from policies.rules.haven.shared import DECLARED, haven
from policies.rules.outcomes import fails, passes, undetermined

_RANGES = "both ranges set, the internal one around the nodes, the external one not"


@haven(
    "privatenetworking",
    severity=Severity.HIGH,
    decidable=DECLARED,
    bio2=("8.20.02", "8.22.01"),
    looks_at="Every address of every node: none may be public, and none may be reported as `ExternalIP`. The "
    "vSphere cloud provider reports an address as external even when it is private, unless its internal "
    "and external ranges are both set; so those are looked at as well.",
    fix="Give the nodes private addresses, and set both address ranges of the cloud provider.",
)
def privatenetworking(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look at the nodes' addresses, then at what the cloud provider makes of them."""
    beside = without_nodes(model)
    if beside is not None:
        yield beside
        return
    nodes = model.nodes.all
    found = [(node, address) for node in nodes for address in node.addresses]
    public = False
    for node, address in found:
        if isinstance(address.value, str) and (address.type == "ExternalIP" or _is_public(address.value)):
            kind = "an ExternalIP" if address.type == "ExternalIP" else "a public address"
            sentence = f"{node.subject.name} has {kind}."
            yield fails(node.subject, sentence, path=address.path, expected="private", actual=address.value)
            public = True
    if public:
        return
    objects = tuple(sorted(node.subject for node in nodes))
    unknown = [address.value for _, address in found if isinstance(address.value, Unknown)]
    silent = [node for node in nodes if not node.addresses]
    if unknown or silent or not nodes:
        sentence = f"The addresses of {len(unknown) + len(silent)} nodes are not known."
        yield undetermined(model.cluster, sentence, unknown, objects=objects)
        return
    yield _reported(model, [str(address.value) for _, address in found], objects)


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False  # a host name: what it stands for is not known here, and it is no address of the node


def _reported(model: Model, addresses: list[str], objects: tuple[Subject, ...]) -> Outcome:
    """Decide what the cluster will report of private addresses."""
    private = f"All {len(objects)} nodes have private addresses"
    if model.scope.source is Source.LIVE or model.nodes.seen_as == "Node objects":
        return passes(model.cluster, f"{private} and no external one.", objects=objects)
    if model.holds(Layer.CLUSTER) is False:
        sentence = f"{private}; which of them the cluster reports as external is decided by its cloud provider."
        return undetermined(model.cluster, sentence, delegate="the cluster layer's stack", objects=objects)
    providers = model.service("vsphere-cloud-provider")
    if not providers:
        return passes(model.cluster, f"{private}, and no cloud provider is there to add others.", objects=objects)
    if not model.address_ranges:
        gap = Unknown("vsphere.conf", "the cloud provider's configuration is not seen here", providers[0].subject)
        return undetermined(
            model.cluster, f"{private}; what is reported as external is not seen.", [gap], objects=objects
        )
    return _ranges(model, model.address_ranges[0], addresses, objects, private)


def _ranges(
    model: Model, ranges: AddressRanges, addresses: list[str], objects: tuple[Subject, ...], private: str
) -> Outcome:
    internal, external = ranges.internal, ranges.external
    unknown = [value for value in (internal, external) if isinstance(value, Unknown)]
    if isinstance(internal, Unknown) or isinstance(external, Unknown):
        return undetermined(
            model.cluster, f"{private}; the cloud provider's ranges are not known.", unknown, objects=objects
        )
    outside = [address for address in addresses if not _inside(address, internal)]
    exposed = [address for address in addresses if _inside(address, external)]
    path, actual = ranges.internal_path, ", ".join(internal) or "not set"
    if not internal or outside:
        what = "is not set" if not internal else "does not hold every node"
        sentence = f"The cloud provider's internal range {what}: it then reports an ExternalIP for nodes."
    elif exposed:
        path, actual = ranges.external_path, ", ".join(external)
        sentence = "The cloud provider's external range holds addresses of nodes: it reports them as ExternalIP."
    elif not external:
        sentence = (
            f"{private}, but the cloud provider's external range is open: versions differ in what they then report."
        )
        gap = Unknown(ranges.external_path, "it is not set", ranges.subject)
        return undetermined(model.cluster, sentence, [gap], objects=objects)
    else:
        sentence = f"{private}, and the cloud provider's ranges keep them internal."
        note = "That no controller adds an ExternalIP is seen on the running cluster."
        return passes(
            model.cluster, sentence, path=path, expected=_RANGES, actual=actual, objects=objects, notes=(note,)
        )
    fix = Fix(
        text="Set the internal range to the machines' network and the external one to a range without nodes.", path=path
    )
    return fails(ranges.subject, sentence, path=path, expected=_RANGES, actual=actual, fix=fix, objects=objects)


def _inside(address: str, ranges: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
        return any(found in ipaddress.ip_network(part, strict=False) for part in ranges)
    except ValueError:
        return False
