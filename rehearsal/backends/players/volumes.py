"""Volumes: what the drivers for vSphere and NFS would provision. The controller-manager binds them; no disk exists."""

from __future__ import annotations

from rehearsal.backends.api import ApiError, Object, dig, items, mapping
from rehearsal.backends.players.world import MANAGER, PLAYED_BY, World, going

CLAIM = ("v1", "PersistentVolumeClaim")
VOLUME = ("v1", "PersistentVolume")
CLASS = ("storage.k8s.io/v1", "StorageClass")

SEVERAL_WRITERS = {"csi.vsphere.vmware.com": False, "nfs.csi.k8s.io": True}
"""The drivers that are played, and whether their volumes may have writers on several nodes. vSphere's may not without
vSAN File Services, and none are played: a claim for them stays pending, as it would."""

SELECTED = "volume.kubernetes.io/selected-node"
BY = "pv.kubernetes.io/provisioned-by"


class Volumes:
    """Makes a volume for each claim that waits for one, and takes away those that nobody claims."""

    name = "volumes"
    kinds = (CLAIM, VOLUME)
    looks_at = (CLASS,)

    def play(self, world: World, thing: Object) -> float | None:
        """Provision for a claim, or delete a volume that was released."""
        if going(thing):
            return None
        if thing["kind"] == "PersistentVolume":
            self._release(world, thing)
        elif dig(thing, "status", "phase") == "Pending" and not dig(thing, "spec", "volumeName"):
            self._provision(world, thing)
        return None

    def _provision(self, world: World, claim: Object) -> None:
        cls = world.get(CLASS, "", str(dig(claim, "spec", "storageClassName") or ""))
        driver = str(dig(cls, "provisioner"))
        if cls is None or driver not in SEVERAL_WRITERS:
            return
        node = mapping(claim, "metadata", "annotations").get(SELECTED)
        if cls.get("volumeBindingMode") == "WaitForFirstConsumer" and not node:
            return  # the scheduler says where the pod goes, and with it the volume
        if "ReadWriteMany" in items(claim, "spec", "accessModes") and not SEVERAL_WRITERS[driver]:
            world.event(claim, "ProvisioningFailed", "fileshare volume creation is not supported without file services")
            return
        volume = _volume(claim, cls, driver)
        try:
            world.client.create("/api/v1/persistentvolumes", volume)
        except ApiError as error:
            if error.status != 409:  # made already; the controller-manager has not bound it yet
                raise

    def _release(self, world: World, volume: Object) -> None:
        driver = mapping(volume, "metadata", "annotations").get(BY)
        released = dig(volume, "status", "phase") == "Released"
        if released and driver in SEVERAL_WRITERS and dig(volume, "spec", "persistentVolumeReclaimPolicy") == "Delete":
            world.client.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")


def _volume(claim: Object, cls: Object, driver: str) -> Object:
    metadata = claim["metadata"]
    name = f"pvc-{metadata['uid']}"
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    reference |= {key: metadata[key] for key in ("namespace", "name", "uid")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {BY: driver, **PLAYED_BY}, "labels": {"kade/player": MANAGER}},
        "spec": {
            "capacity": {"storage": dig(claim, "spec", "resources", "requests", "storage")},
            "accessModes": items(claim, "spec", "accessModes"),
            "volumeMode": dig(claim, "spec", "volumeMode") or "Filesystem",
            "persistentVolumeReclaimPolicy": cls.get("reclaimPolicy") or "Delete",
            "storageClassName": cls["metadata"]["name"],
            "mountOptions": items(cls, "mountOptions"),
            "claimRef": reference,
            "csi": {"driver": driver, "volumeHandle": f"rehearsal-{metadata['uid']}"},
        },
    }
