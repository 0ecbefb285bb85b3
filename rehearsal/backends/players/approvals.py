"""Serving certificates of kubelets: what the approver of the cluster layer would approve, once it is installed."""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.x509.oid import NameOID

from rehearsal.backends.api import Object, dig, items
from rehearsal.backends.players.world import PLAYED, World, going, stamp, tell

REQUEST = ("certificates.k8s.io/v1", "CertificateSigningRequest")
NODE = ("v1", "Node")
SECRET = ("v1", "Secret")

SIGNER = "kubernetes.io/kubelet-serving"
RELEASE = "kubelet-csr-approver"
"""Name of the Helm release. Without it nobody approves, and metrics of the kubelets stay out of reach, as on a real
cluster."""

_PATIENCE = 10.0
"""Seconds after which a request that does not fit is denied."""


class Approvals:
    """Approves what a node asks for itself, and nothing else."""

    name = "certificate approvals"
    kinds = (REQUEST,)
    looks_at = (NODE, SECRET)

    def play(self, world: World, thing: Object) -> float | None:
        """Approve a request, or deny one that asks for what is not the node's."""
        if going(thing) or dig(thing, "spec", "signerName") != SIGNER or items(thing, "status", "conditions"):
            return None
        if not installed(world, RELEASE):
            return None
        user = str(dig(thing, "spec", "username"))
        node = world.get(NODE, "", user.removeprefix("system:node:"))
        if node is None:
            return None
        why = _wrong(thing, node)
        if why and str(dig(thing, "metadata", "creationTimestamp")) > stamp(-_PATIENCE):
            return 2.0  # a node that joins tells its addresses at about the same time
        condition = {
            "type": "Denied" if why else "Approved",
            "status": "True",
            "reason": "PlayedByRehearsal",
            "message": why or f"the names and addresses are the node's, {PLAYED}",
            "lastUpdateTime": stamp(),
        }
        path = world.client.path_of(thing, "approval")
        world.client.replace(path, {**thing, "status": {**(thing.get("status") or {}), "conditions": [condition]}})
        tell(f"{self.name}: {condition['type'].lower()} {user}")
        return None


def installed(world: World, release: str) -> bool:
    """Say whether a Helm release is there: Helm keeps a Secret of each."""
    return any(
        dig(one, "metadata", "labels", "owner") == "helm" and dig(one, "metadata", "labels", "name") == release
        for one in world.all(SECRET)
    )


def _wrong(request: Object, node: Object) -> str | None:
    """Say what the request asks for that is not the node's."""
    try:
        pem = base64.b64decode(str(dig(request, "spec", "request")))
        asked = x509.load_pem_x509_csr(pem)
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return "the request has no names"
    own = {str(dig(one, "address")) for one in items(node, "status", "addresses")} | {node["metadata"]["name"]}
    wanted = {str(name) for name in names.get_values_for_type(x509.DNSName)}
    wanted |= {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    subject = {str(part.value) for part in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    if subject != {str(dig(request, "spec", "username"))}:
        return "the subject is not who asks"
    strange = wanted - own
    return f"not the node's: {', '.join(sorted(strange))}" if strange else None
