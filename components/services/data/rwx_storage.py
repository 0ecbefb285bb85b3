"""RWX storage: volumes that pods on several nodes may write, from an NFS server that the organisation has."""

from __future__ import annotations

from pydantic import Field

from components.services.definition import Chart, Manifest, Place, ServiceDefinition, Values
from components.services.shared import resources
from inputs.validate import FileModel

STORAGE_CLASS = "rwx"
"""Storage class that apps ask for volumes of several writers."""

CHART = Chart(
    name="csi-driver-nfs",
    repository="https://raw.githubusercontent.com/kubernetes-csi/csi-driver-nfs/master/charts",
    # renovate: datasource=github-releases depName=kubernetes-csi/csi-driver-nfs extractVersion=^v(?<version>.*)$
    version="4.13.3",
)


class RwxStorageSettings(FileModel):
    """Settings of RWX storage."""

    server: str = Field(min_length=1)
    """Host name or address of the NFS server. No default: the server is outside the cluster."""
    share: str = Field(pattern="^/")
    """Exported folder; every volume becomes a folder in it."""
    mount_options: tuple[str, ...] = ("nfsvers=4.1", "hard", "noatime")
    """Mount options. Default: NFS 4.1, which has locks of its own, and `hard`, since `soft` loses writes."""


def _values(_settings: RwxStorageSettings, place: Place) -> dict[str, Values]:
    small = resources("10m", "64Mi")
    return {
        CHART.name: {
            "controller": {
                "replicas": place.replicas(2),
                "resources": {
                    "csiProvisioner": small,
                    "csiResizer": small,
                    "csiSnapshotter": small,
                    "livenessProbe": small,
                    "nfs": resources("10m", "128Mi"),
                },
            },
            # No snapshot controller beside the one that the cluster layer may have.
            "externalSnapshotter": {"enabled": False},
            "feature": {"enableFSGroupPolicy": True},
        }
    }


def _objects(settings: RwxStorageSettings, _place: Place) -> list[Manifest]:
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": STORAGE_CLASS},
            "provisioner": "nfs.csi.k8s.io",
            "parameters": {
                "server": settings.server,
                "share": settings.share,
                # The folder tells whose it is: claims of different namespaces never share one.
                "subDir": "${pvc.metadata.namespace}/${pvc.metadata.name}",
                # What a claim leaves behind is kept: deleting a claim must not delete a municipality's documents.
                "onDelete": "retain",
            },
            "reclaimPolicy": "Retain",
            "volumeBindingMode": "Immediate",
            "allowVolumeExpansion": True,
            "mountOptions": list(settings.mount_options),
        }
    ]


SERVICE = ServiceDefinition(
    name="rwx-storage",
    title="RWX storage",
    summary="Volumes that pods on several nodes may write (ReadWriteMany), from an NFS server.",
    category="data",
    charts=(CHART,),
    namespace="csi-nfs",
    pod_security="privileged",
    pod_security_reason="the driver mounts NFS on the nodes, which needs host paths and a privileged container",
    settings=RwxStorageSettings,
    values=_values,
    objects=_objects,
    haven=("rwxvolumes",),
    bio2=("8.13.01",),
    notes=(
        "vSphere's own driver makes volumes of one writer only, unless vSAN File Services are there. So RWX on "
        "vSphere needs an NFS server: this service uses one, it does not bring one.",
        "NFS 4.1 without Kerberos is not encrypted: keep the server in the machines' own network.",
    ),
)
