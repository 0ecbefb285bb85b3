"""Make a Pulumi resource of a manifest: the typed one where Kubernetes itself has the kind, else a custom resource.

Rules look at type tokens, and the provider waits for what it knows; both need the typed resource for built-in kinds.
"""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

Manifest = dict[str, Any]


def _typed(api_version: str, kind: str) -> type[pulumi.CustomResource] | None:
    """Return the class of a built-in kind; classes are looked up late, because loading a group takes time."""
    group, _, version = api_version.rpartition("/")
    module: Any = k8s
    for part in ((group or "core").removesuffix(".k8s.io").removesuffix(".authorization"), version):
        module = getattr(module, part, None)
    return getattr(module, kind, None)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


BUILT_IN = re.compile(r"(v1|apps/v1|policy/v1|(networking|storage|rbac\.authorization)\.k8s\.io/v1)\Z")
"""API versions whose kinds are built into Kubernetes; every other one is a custom resource."""


def resource(name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Return the resource of a manifest; `metadata.name` is always given, so that nothing is named at random.

    Raises:
        ValueError: the manifest is a Secret with data, or is of a kind that Kubernetes does not have.

    """
    api_version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    rest = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    if (api_version, kind) == ("v1", "Secret"):
        msg = "a Secret would lie in git in clear: ask for it with an ExternalSecret"
        raise ValueError(msg)
    if not BUILT_IN.match(api_version):
        metadata = rest.pop("metadata")
        return k8s.apiextensions.CustomResource(
            name, api_version=api_version, kind=kind, metadata=metadata, opts=opts, **rest
        )
    found = _typed(api_version, kind)
    if found is None:
        msg = f"Kubernetes has no kind {kind} in {api_version}"
        raise ValueError(msg)
    return found(name, opts=opts, **{_snake(key): value for key, value in rest.items()})  # pyright: ignore[reportCallIssue]  # each class has its own keys


def logical(manifest: Manifest) -> str:
    """Return the part of a logical name that tells manifests of one owner apart: kind and name."""
    kind = re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", str(manifest["kind"])).lower()
    return f"{kind}-{manifest['metadata']['name']}"
