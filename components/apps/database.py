"""An app's PostgreSQL, asked for with the custom resources of CloudNativePG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.gitops.manifest import Manifest

API = "postgresql.cnpg.io/v1"


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """What the database is to be."""

    image: str
    """Operand image: server and extensions."""
    extensions: Sequence[str]
    """Extensions that are made in the database."""
    instances: int
    """Servers."""
    storage: str
    """Size of each server's volume."""
    memory: str
    """Memory of each server."""
    cpu: str
    """Processor that each server asks for."""


def cluster_name(app: str) -> str:
    """Return the name of the servers' resource; Services and Secrets that the operator makes start with it."""
    return f"{app}-database"


def database_name(app: str) -> str:
    """Return the name of the database and of its owner."""
    return app.replace("-", "_")


def bindings(app: str) -> dict[str, str | int]:
    """Return what the app's values may refer to."""
    return {
        "database.host": f"{cluster_name(app)}-rw",
        "database.port": 5432,
        "database.name": database_name(app),
        "database.user": database_name(app),
        # The operator makes it, with `username`, `password`, `uri` and more; the password never leaves the cluster.
        "database.secret": f"{cluster_name(app)}-app",
    }


def manifests(app: str, namespace: str, args: DatabaseArgs, storage_class: str) -> list[Manifest]:
    """Return the servers, the database in them, and the ways between them, the operator and the API server."""
    name, database = cluster_name(app), database_name(app)
    labels = {"kade/app": app}
    servers: Manifest = {
        "apiVersion": API,
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "imageName": args.image,
            "instances": args.instances,
            # The superuser of PostgreSQL is for the operator alone.
            "enableSuperuserAccess": False,
            "bootstrap": {"initdb": {"database": database, "owner": database, "dataChecksums": True}},
            "storage": {"size": args.storage, "storageClass": storage_class},
            "resources": {
                "requests": {"cpu": args.cpu, "memory": args.memory},
                "limits": {"memory": args.memory},
            },
            "postgresql": {"parameters": {"ssl_min_protocol_version": "TLSv1.2"}},
            "affinity": {
                "enablePodAntiAffinity": True,
                "podAntiAffinityType": "preferred",
                "topologyKey": "topology.kubernetes.io/zone",
            },
        },
    }
    contents: Manifest = {
        "apiVersion": API,
        "kind": "Database",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "cluster": {"name": name},
            "name": database,
            "owner": database,
            # Taking the resource away never drops the data.
            "databaseReclaimPolicy": "retain",
            "extensions": [{"name": extension, "ensure": "present"} for extension in args.extensions],
        },
    }
    control: Manifest = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": f"{name}-agent", "namespace": namespace, "labels": labels},
        "spec": {
            "endpointSelector": {"matchLabels": {"cnpg.io/cluster": name}},
            # NetworkPolicy knows addresses only, and Cilium does not count nodes among them.
            "egress": [{"toEntities": ["kube-apiserver"]}],
            "ingress": [
                {
                    "fromEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "cnpg-system"}}],
                    "toPorts": [{"ports": [{"port": "8000", "protocol": "TCP"}]}],
                }
            ],
        },
    }
    return [control, servers, contents]
