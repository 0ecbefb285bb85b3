"""Secrets of databases: what the operator of PostgreSQL would make for their owners. No server knows the password."""

from __future__ import annotations

import secrets

from rehearsal.backends.api import Object, dig
from rehearsal.backends.players.world import MANAGER, PLAYED_BY, World, going

CLUSTER = ("postgresql.cnpg.io/v1", "Cluster")
SECRET = ("v1", "Secret")


class Databases:
    """Makes the Secret `<cluster>-app` that apps take their password from, once."""

    name = "databases"
    kinds = (CLUSTER,)
    looks_at = (SECRET,)

    def play(self, world: World, thing: Object) -> float | None:
        """Make the Secret where there is none."""
        namespace, cluster = thing["metadata"]["namespace"], thing["metadata"]["name"]
        name = f"{cluster}-app"
        if going(thing) or world.get(SECRET, namespace, name):
            return None
        database = str(dig(thing, "spec", "bootstrap", "initdb", "database") or "app")
        owner = str(dig(thing, "spec", "bootstrap", "initdb", "owner") or database)
        password, host = secrets.token_urlsafe(48), f"{cluster}-rw"
        data = {
            "username": owner,
            "user": owner,
            "password": password,
            "dbname": database,
            "host": host,
            "port": "5432",
            "uri": f"postgresql://{owner}:{password}@{host}.{namespace}:5432/{database}",
        }
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/basic-auth",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"cnpg.io/cluster": cluster},
                "annotations": PLAYED_BY,
                "ownerReferences": [owned_by(thing)],
            },
            "stringData": data,
        }
        world.client.apply(f"/api/v1/namespaces/{namespace}/secrets/{name}", body, MANAGER)
        return None


def owned_by(thing: Object) -> Object:
    """Return the reference by which an object goes when its owner goes."""
    return {
        "apiVersion": thing["apiVersion"],
        "kind": thing["kind"],
        "name": thing["metadata"]["name"],
        "uid": thing["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
