"""The vSphere storage driver (CSI): volumes of one writer as virtual disks, and the class that asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.base import Component
from components.cluster.charts import NAMESPACE, VSPHERE_CSI, release
from components.cluster.cloud_provider import VCenterAccess
from components.cluster.handle import STORAGE_CLASSES

SECRET = "vsphere-config-secret"  # a name

VALUES: dict[str, Any] = {
    "global": {
        "config": {
            "existingSecret": SECRET,
            # The class is made here, where its policy of keeping data follows the stage.
            "storageclass": {"enabled": False},
        }
    },
    # Installed above.
    "vsphere-cpi": {"enabled": False},
}
"""Values of the chart."""


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """The driver on one cluster."""

    cluster: str
    """Name of the cluster; vSphere keeps the volumes of several clusters apart by it."""
    vcenter: VCenterAccess
    """Access to vCenter."""
    policy: str | None
    """Storage policy of the volumes; `None` lets the driver choose a datastore that every host reaches."""
    keep_data: bool
    """Whether a volume outlives its claim: true on a production cluster."""


class Storage(Component):
    """Account, release and storage class."""

    layer = "cluster"

    release: k8s.helm.v3.Release
    """The release."""
    storage_class: k8s.storage.v1.StorageClass
    """The default class."""

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, {"cluster": args.cluster, "keep_data": args.keep_data}, opts)
        account = k8s.core.v1.Secret(
            f"{name}-account",
            metadata={"name": SECRET, "namespace": NAMESPACE},
            string_data={
                "csi-vsphere.conf": pulumi.Output.all(args.vcenter.user, args.vcenter.password).apply(
                    lambda known: _configuration(args, user=known[0], password=known[1])
                )
            },
            opts=self.child(),
        )
        self.release = release(
            f"{name}-release", VSPHERE_CSI, VALUES, self.child(pulumi.ResourceOptions(depends_on=[account]))
        )
        self.storage_class = k8s.storage.v1.StorageClass(
            f"{name}-class",
            metadata={
                "name": STORAGE_CLASSES[0],
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            provisioner="csi.vsphere.vmware.com",
            parameters={"storagepolicyname": args.policy} if args.policy else {},
            allow_volume_expansion=True,
            reclaim_policy="Retain" if args.keep_data else "Delete",
            # Where the pod will run decides where the disk is made.
            volume_binding_mode="WaitForFirstConsumer",
            opts=self.child(pulumi.ResourceOptions(depends_on=[self.release])),
        )
        self.register_outputs({"version": VSPHERE_CSI.version, "storage_class": STORAGE_CLASSES[0]})


def _configuration(args: StorageArgs, *, user: str, password: str) -> str:
    """Return the driver's configuration, which has the password in it and so is only ever in a Secret."""
    lines = [
        "[Global]",
        f"cluster-id = {_quoted(args.cluster)}",
        f"[VirtualCenter {_quoted(args.vcenter.server)}]",
        f"datacenters = {_quoted(args.vcenter.datacenter)}",
        f"user = {_quoted(user)}",
        f"password = {_quoted(password)}",
        'port = "443"',
        'insecure-flag = "false"',
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """Quote a value so that a quote or backslash in a password does not end it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
