"""An app's Valkey: plain objects, because one small server with a volume needs no operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.apps.secrets import generated
from components.gitops.manifest import Manifest

# renovate: datasource=docker depName=docker.io/valkey/valkey
VERSION = "9.1.1"
IMAGE = f"docker.io/valkey/valkey:{VERSION}"

PORT = 6379
USER = 999
"""User of the image; it owns nothing that has to be written but the volume."""


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """What the Valkey is to be."""

    memory: str
    """Memory."""
    storage: str
    """Size of its volume."""


def cache_name(app: str) -> str:
    """Return the name of the Valkey, of its Service and of its Secret."""
    return f"{app}-cache"


def bindings(app: str) -> dict[str, str | int]:
    """Return what the app's values may refer to; the Secret holds the key `password`."""
    return {"cache.host": cache_name(app), "cache.port": PORT, "cache.secret": cache_name(app)}


def manifests(app: str, namespace: str, args: CacheArgs, storage_class: str) -> list[Manifest]:
    """Return the password, the Service and the server."""
    name = cache_name(app)
    labels = {"kade/app": app, "app.kubernetes.io/name": "valkey", "app.kubernetes.io/instance": name}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    # The server reads its users from a file: a password among the arguments would show in the list of processes.
    users = {"password": "{{ .password }}", "users.acl": "user default on >{{ .password }} ~* &* +@all"}
    return [
        *generated(name, namespace, {"password": 48}, labels, template=users),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"name": "valkey", "port": PORT, "targetPort": "valkey"}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": metadata,
            "spec": {
                "serviceName": name,
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _pod(name, args)},
                "volumeClaimTemplates": [
                    {
                        "metadata": {"name": "data", "labels": labels},
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "storageClassName": storage_class,
                            "resources": {"requests": {"storage": args.storage}},
                        },
                    }
                ],
            },
        },
    ]


def _pod(name: str, args: CacheArgs) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "valkey",
                "image": IMAGE,
                "command": ["valkey-server"],
                # Queued work outlives a restart; `noeviction`, since throwing it away would lose it silently.
                "args": [
                    "--dir", "/data", "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction",
                    "--aclfile", "/etc/valkey/users.acl",
                ],
                "ports": [{"name": "valkey", "containerPort": PORT}],
                "readinessProbe": {"tcpSocket": {"port": "valkey"}, "periodSeconds": 5},
                "livenessProbe": {"tcpSocket": {"port": "valkey"}, "periodSeconds": 10, "failureThreshold": 6},
                "resources": {
                    "requests": {"cpu": "50m", "memory": args.memory},
                    "limits": {"memory": args.memory},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "data", "mountPath": "/data"},
                    {"name": "users", "mountPath": "/etc/valkey", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {
                "name": "users",
                "secret": {"secretName": name, "items": [{"key": "users.acl", "path": "users.acl"}]},
            }
        ],
    }  # fmt: skip
