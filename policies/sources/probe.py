"""The probe: claims for volumes of several writers, made on a running cluster and removed again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable

from policies.model.resource import Resource
from policies.model.storage import TRIED
from policies.model.values import Data, Unknown, dig
from policies.sources.api import Client, ClientError

NAMESPACE = "default"
PATIENCE = 90.0
"""Seconds to wait for one claim: the official checker waits one to three minutes."""
_PAUSE = 1.0
_LEAVING = 10.0
"""Seconds within which a deleted claim must be gone."""


def claims(client: Client, classes: Iterable[Resource], patience: float = PATIENCE) -> list[Resource]:
    """Try each class that binds at once, and return what became of each claim."""
    able = [item for item in classes if item.get("volumeBindingMode") in (None, "Immediate")]
    return [_result(item.name, _tried(client, item.name, patience)) for item in able]


def _result(storage_class: str, bound: bool | Unknown) -> Resource:
    return Resource(type=TRIED, name=storage_class, load=lambda: {"bound": bound})


def _tried(client: Client, storage_class: str, patience: float) -> bool | Unknown:
    name = f"kade-probe-{uuid.uuid4().hex[:10]}"
    path = f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims"
    body: Data = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "kade-probe"}},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    left = Unknown("bound", f"the claim {NAMESPACE}/{name} may be left behind: look for it and delete it")
    found: bool | Unknown = left
    try:
        answer = client.post(path, body)
        if answer.status == 201:
            found = _waited(client, f"{path}/{name}", patience)
        else:
            found = Unknown("bound", f"the claim was refused ({answer.status})")
    except ClientError:
        pass  # also then it is deleted: it may have been made, and only the answer lost
    finally:
        gone = _deleted(client, f"{path}/{name}")
    return found if gone else left


def _deleted(client: Client, path: str) -> bool:
    """Delete the claim, and look whether it is gone: what guards claims in use lets it go only after a moment."""
    try:
        if client.delete(path).status not in (200, 202, 404):
            return False
        end = time.monotonic() + _LEAVING
        while client.get(path).status != 404:
            if time.monotonic() > end:
                return False
            time.sleep(_PAUSE / 10)
    except ClientError:
        return False
    return True


def _waited(client: Client, path: str, patience: float) -> bool | Unknown:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if dig(client.get(path).data, "status", "phase") == "Bound":
            return True
        time.sleep(min(_PAUSE, patience / 10))
    return Unknown("bound", f"the claim was not bound within {patience:.0f} seconds")
