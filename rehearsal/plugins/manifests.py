"""Kubernetes objects as files, laid out as the official provider's render-to-directory mode does.

Unlike the official mode, which writes Secrets in plain text, every secret value becomes a keyed digest: one sees that
it changed, never what it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rehearsal.plugins.store import Store, write
from rehearsal.plugins.talos_config import dump
from rehearsal.plugins.values import Props, hide, plain

CRDS = "0-crd"
OBJECTS = "1-manifest"
RELEASES = "2-release"
"""Helm releases: not objects but what was asked of Helm. The official render mode has no such folder."""


def path(folder: Path, inputs: Props, release: bool = False) -> Path:
    """Return the file of an object: `1-manifest/apps_v1-deployment-shop-web.yaml`."""
    data = plain(inputs)
    metadata: Props = data.get("metadata") or {}
    kind = str(data.get("kind", ""))
    version = _safe(str(data.get("apiVersion", "")))
    name = f"{version}-{kind.lower()}-{metadata.get('namespace') or 'default'}-{_safe(str(metadata.get('name')))}.yaml"
    part = RELEASES if release else CRDS if kind == "CustomResourceDefinition" else OBJECTS
    return folder / part / name


def _safe(text: str) -> str:
    """Replace what a file's name cannot hold; RBAC names may hold colons and API versions hold slashes."""
    return text.replace("/", "_").replace(":", "_")


def save(target: Path, inputs: Props, store: Store) -> None:
    """Write an object, keys sorted, so that equal objects give equal files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    content: Any = hide(inputs, store.digest)
    write(target, dump({key: value for key, value in content.items() if not key.startswith("__")}))
