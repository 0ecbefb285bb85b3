from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stacks.handover.document import HandedOver, write_handover
from stacks.handover.keys import new_key, public_text
from stacks.models.cluster import ClusterFile
from tests.stacks.conftest import Home

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode()
OUTPUTS: dict[str, dict[str, Any]] = {
    "machines": {
        "handle": {
            "version": 1,
            "kind": "machines",
            "cluster": "production",
            "machines": {
                f"production-{role}-{number}": f"{role}-{number}-uuid"
                for role, count in (("control-plane", 3), ("worker", 6))
                for number in range(1, count + 1)
            },
            "installer": "factory.talos.dev/vmware-installer/abc:v1.13.0",
        }
    },
    "cluster": {
        "handle": {
            "version": 1,
            "kind": "cluster",
            "cluster": "production",
            "kubeconfig": "a-secret-kubeconfig",
            "ca": PEM,
            "uid": "an-id",
        }
    },
}
"""What the stacks export, secrets shown."""


class Signer:
    """Who writes the hand-overs of the cluster `production`, in a copy of the example organisation."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.keys: dict[str, Ed25519PrivateKey] = {"first": new_key()}
        self.read: dict[str, ClusterFile] = {}
        self.configure("first")

    def configure(self, *names: str) -> None:
        """Let the cluster's file accept these keys."""
        path = self.home.root / "clusters" / "production.yaml"
        text = path.read_text().partition("handover:")[0]
        keys = "".join(f"\n    - {{name: {name}, key: {public_text(self.key(name))}}}" for name in names)
        path.write_text(f"{text}handover:\n  publicKeys:{keys}\n")

    def key(self, name: str) -> Ed25519PrivateKey:
        return self.keys.setdefault(name, new_key())

    @property
    def cluster(self) -> ClusterFile:
        text = (self.home.root / "clusters" / "production.yaml").read_text()
        if text not in self.read:
            self.read[text] = self.home.files.cluster("production")
        return self.read[text]

    def write(self, layer: HandedOver = "cluster", serial: int = 3, key: str = "first", **more: Any) -> bytes:
        return write_handover(OUTPUTS[layer], self.cluster, layer, serial=serial, key=self.key(key), **more)

    def data(self, layer: HandedOver = "cluster", **more: Any) -> dict[str, Any]:
        return json.loads(self.write(layer, **more))


@pytest.fixture
def signer(home: Home) -> Signer:
    return Signer(home)
