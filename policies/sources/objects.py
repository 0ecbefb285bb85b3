"""A Kubernetes object, from a file or from a cluster, as the resource that the preview shows for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from policies.model.resource import KUBERNETES, Resource
from policies.model.values import SECRET, Data, Unknown, items, mapping
from policies.sources.wire import HIDDEN_KINDS

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation that repeats the whole object as text, the content of a Secret included."""

_PLACEHOLDER = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:[=-][^}]*)?\}\Z")
"""What GitOps fills in later, where it is the whole value."""
_ENCRYPTED = "ENC[AES256_GCM,"
"""How SOPS begins an encrypted value."""
LATER = "it is filled in when the manifest is delivered"


RELEASE = "kubernetes:helm.sh/v3:Release"
"""No kind of Kubernetes: how a rehearsal writes down a Helm release of the program among its manifests."""


def token(api: str, kind: str) -> str:
    """Return the type token that the official provider has for a kind."""
    return f"{KUBERNETES}{api if '/' in api else f'core/{api}'}:{kind}"


def from_object(
    body: Data, *, api: str, kind: str, name: str, placeholders: bool = False, place: tuple[str, int] = ("", 0)
) -> Resource:
    """Return an object as a resource.

    `place` is the file and the line that it begins on; default: it comes from no file.

    `placeholders` asks for a look at every value: one that is filled in later, or encrypted, becomes unknown. Default:
    not, because the text as a whole tells sooner whether there are any.
    """
    type = token(api, kind)
    if type == RELEASE:
        body = _recorded(body)
    return Resource(type=type, name=name, load=_loader(body, type, placeholders), file=place[0], line=place[1])


def _recorded(body: Data) -> Data:
    """Return a recorded release as the preview shows it: what stands in `spec` there stands at the top here."""
    metadata = mapping(body.get("metadata"))
    return {"name": metadata.get("name"), "namespace": metadata.get("namespace"), **mapping(body.get("spec"))}


def _loader(body: Data, type: str, placeholders: bool) -> Callable[[], Data]:
    def load() -> Data:
        return shielded(mapping(_opened(body, "")) if placeholders else body, type)

    return load


def shielded(body: Data, type: str) -> Data:
    """Return the object without the content of Secrets and without copies of it."""
    if type in HIDDEN_KINDS:
        body = {key: Unknown(key, SECRET) if key in ("data", "stringData") else part for key, part in body.items()}
    metadata = mapping(body.get("metadata"))
    annotations = mapping(metadata.get("annotations"))
    if LAST_APPLIED in annotations:
        kept = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
        body = {**body, "metadata": {**metadata, "annotations": kept}}
    return body


def _opened(value: Any, path: str) -> Any:
    if isinstance(value, str):
        if _PLACEHOLDER.match(value):
            return Unknown(path, LATER)
        return Unknown(path, SECRET) if value.startswith(_ENCRYPTED) else value
    if isinstance(value, dict):
        return {key: _opened(part, f"{path}.{key}" if path else key) for key, part in mapping(value).items()}
    if isinstance(value, list):
        return [_opened(part, f"{path}[{index}]") for index, part in enumerate(items(value))]
    return value


def has_placeholders(text: str) -> bool:
    """Return whether a text may hold values that are filled in later or encrypted."""
    return "${" in text or _ENCRYPTED in text
