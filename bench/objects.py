"""Deployments as a team would write them: most of them good, some with a fault, all different."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inputs.yaml import dump


def deployment(number: int) -> dict[str, Any]:
    """Return one Deployment; every tenth runs as root, every fourth has a tag in place of a digest."""
    name = f"app-{number:05d}"
    image = f"registry.voorbeeld.example/team/{name}"
    digest = f"{number:064x}"
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench"}
    container = {
        "name": "app",
        "image": f"{image}:1.{number % 7}.0" if number % 4 == 0 else f"{image}@sha256:{digest}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": number % 10 != 0,
            "capabilities": {"drop": ["ALL"]},
        },
        "env": [{"name": "PORT", "value": "8080"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": f"team-{number % 20}", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": False,
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [container],
                },
            },
        },
    }


def stream(path: Path, count: int) -> Path:
    """Write Deployments as one YAML stream."""
    path.write_text("---\n".join(dump(deployment(number)) for number in range(count)), encoding="utf-8")
    return path
