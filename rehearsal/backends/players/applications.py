"""Applications that kwok cannot play: one whose health depends on OpenBao, and roots that take their objects along."""

from __future__ import annotations

import ssl

import urllib3

from rehearsal.backends.api import Object, dig, items, mapping
from rehearsal.backends.gitops_owned import cascade
from rehearsal.backends.players.world import MANAGER, PLAYED, PLAYED_BY, World, going, stamp, tell

APPLICATION = ("argoproj.io/v1alpha1", "Application")
ACCOUNT = ("v1", "ServiceAccount")
CASCADE = "resources-finalizer.argocd.argoproj.io"
WAIT = "pulumi.com/waitFor"
SYNCED = ".status.sync.status"
"""What is waited for of an Application that people must open before it is healthy."""
STORES = "external-secrets"
"""The chart whose service account logs in to Vault for the cluster's own services."""
_AGAIN = 2.0


class Applications:
    """Makes a Vault healthy once the OpenBao of the rehearsal is open, and lets a root's objects go before it."""

    name = "applications"
    kinds = (APPLICATION,)
    looks_at = (ACCOUNT,)

    def play(self, world: World, thing: Object) -> float | None:
        """Do what its kind asks for; every other Application is kwok's."""
        if dig(thing, "spec", "source", "chart") is None:
            if going(thing) and CASCADE in items(thing, "metadata", "finalizers"):
                return self._cascade(world, thing)
            return None
        self._account(world, thing)
        waits = SYNCED in str(mapping(thing, "metadata", "annotations").get(WAIT, ""))
        synced = dig(thing, "status", "sync", "status") == "Synced"
        if going(thing) or not waits or not synced or dig(thing, "status", "health", "status") == "Healthy":
            return None
        if not _open(world):
            return _AGAIN
        health = {"status": "Healthy", "message": f"the OpenBao of the rehearsal is open ({PLAYED})"}
        body = {"status": {"health": {**health, "lastTransitionTime": stamp()}}}
        world.client.merge(world.client.path_of(thing), body)
        return None

    def _account(self, world: World, application: Object) -> None:
        """Make the service account that a store logs in as: of all that charts bring, what others refer to."""
        source = mapping(application, "spec", "source")
        name = dig(source, "helm", "valuesObject", "serviceAccount", "name")
        if going(application) or source.get("chart") != STORES or not isinstance(name, str):
            return
        namespace = str(dig(application, "spec", "destination", "namespace"))
        if world.get(ACCOUNT, namespace, name) is not None:
            return
        metadata = {"name": name, "namespace": namespace, "annotations": PLAYED_BY}
        body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        world.client.apply(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}", body, MANAGER)

    def _cascade(self, world: World, root: Object) -> float | None:
        """Delete what a root has made; let go of the root when all of it is gone."""
        name = root["metadata"]["name"]
        if left := cascade(world.client, root):
            tell(f"{self.name}: {name} is going, and takes {left} objects along")
            return 0.5
        kept = [one for one in items(root, "metadata", "finalizers") if one != CASCADE]
        world.client.merge(world.client.path_of(root), {"metadata": {"finalizers": kept}})
        return None


def _open(world: World) -> bool:
    """Say whether the OpenBao of the rehearsal is initialised and unsealed."""
    vault = world.endpoints.vault
    if vault is None:
        return False
    context = ssl.create_default_context(cafile=vault.ca) if vault.ca else None
    timeout = urllib3.Timeout(connect=2.0, read=5.0)
    try:
        answer = urllib3.PoolManager(ssl_context=context, timeout=timeout, retries=False).request(
            "GET", f"{vault.address}/v1/sys/health"
        )
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200
