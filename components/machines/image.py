"""The Talos image that machines are made from, kept in a content library of the vCenter."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_vsphere as vsphere
import pulumiverse_talos as talos

from components.base import Component
from inputs.yaml import dump

EXTENSIONS = ("siderolabs/vmtoolsd-guest-agent",)
"""System extensions of the image.

`vmtoolsd-guest-agent` tells vCenter the name and addresses of a running machine (the vSphere CPI reads them there) and
makes an orderly shutdown possible. Block volumes of the vSphere CSI driver and NFS volumes need no extension: their
drivers are in Talos' kernel.
"""


def schematic_yaml() -> str:
    """Return the schematic: what the image factory adds to plain Talos."""
    return dump({"customization": {"systemExtensions": {"officialExtensions": list(EXTENSIONS)}}})


@dataclass(frozen=True, kw_only=True)
class TalosImageArgs:
    """Which image, and where to keep it."""

    cluster: str
    """Name of the cluster; each has a library of its own, so that no stack depends on another's."""
    version: str
    """Talos version, for example `v1.13.0`."""
    factory: str
    """Address of the image factory."""
    datastore_id: pulumi.Input[str]
    """Datastore that holds the library."""


class TalosImage(Component):
    """A schematic, and the image made from it as an item of a content library."""

    layer = "machines"

    template: pulumi.Output[str]
    """Id of the library item; machines are cloned from it."""
    installer: pulumi.Output[str]
    """Container image with the same extensions that Talos installs and upgrades from."""

    def __init__(self, name: str, args: TalosImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        schematic = talos.imagefactory.Schematic(f"{name}-schematic", schematic=schematic_yaml(), opts=self.child())
        library = vsphere.ContentLibrary(
            f"{name}-library",
            name=f"kade-{args.cluster}",
            description=f"Images of cluster {args.cluster}",
            storage_backings=[args.datastore_id],
            opts=self.child(),
        )
        ova = pulumi.Output.concat(args.factory, "/image/", schematic.id, f"/{args.version}/vmware-amd64.ova")
        item = vsphere.ContentLibraryItem(
            f"{name}-talos",
            name=f"talos-{args.version}",
            library_id=library.id,
            type="ovf",
            file_url=ova,
            opts=self.child(),
        )
        registry = urlsplit(args.factory).netloc
        self.template = item.id
        self.installer = pulumi.Output.concat(registry, "/vmware-installer/", schematic.id, f":{args.version}")
        self.register_outputs({"template": self.template, "installer": self.installer})
