"""`python -m rehearsal.plugins NAME VERSION`: run one stand-in; what the engine starts as its plugin."""

from __future__ import annotations

import importlib
import sys

from rehearsal.protocol import skip_sdk

STAND_INS = {"kubernetes": "Kubernetes", "talos": "Talos", "vault": "Vault", "vsphere": "Vsphere"}
"""Class of each stand-in; its module has the name of the provider."""


def main() -> None:
    """Import only what this one stand-in needs, and serve it."""
    name, version = sys.argv[1:3]
    skip_sdk()
    module = importlib.import_module(f"rehearsal.plugins.{name}")
    serve = importlib.import_module("rehearsal.plugins.serve").serve
    serve(getattr(module, STAND_INS[name]), version)


if __name__ == "__main__":
    main()
