"""The vSphere provider: a stand-in, or on a rehearsal's simulated vCenter where there is one."""

from __future__ import annotations

from rehearsal.plugins.bridged import Bridged
from rehearsal.plugins.standin import Provider
from rehearsal.plugins.values import Props

_PREFIXES = {
    "getDatacenter": "datacenter",
    "getComputeCluster": "domain-c",
    "getDatastore": "datastore",
    "getDatastoreCluster": "group-p",
    "getNetwork": "network",
    "getResourcePool": "resgroup",
    "getHost": "host",
    "getFolder": "group-v",
    "getVirtualMachine": "vm",
}
"""How vCenter's managed object ids begin, by function."""


class Vsphere(Bridged):
    """Records virtual machines, tags, libraries and rules; answers look-ups with ids that follow from the name."""

    name = "vsphere"
    package = "pulumi_vsphere"
    shows_arguments = True  # names in an inventory

    def configured(self, config: Props) -> Provider:
        """Take the configuration, and step aside where the rehearsal has a vCenter.

        Raises:
            StandInError: the rehearsal's back ends are those of another version of Kade.

        """
        found = self.place.back_ends()
        if found is None or found.vcenter is None:
            return super().configured(config)
        from rehearsal.plugins.vsphere_server import VsphereServer  # only here: the stand-in starts faster without it

        return VsphereServer(self.place, found, config)

    def answer(self, token: str, arguments: Props, seed: bytes) -> Props:
        """Give a managed object id as vCenter would; the same name has the same id in every run."""
        del arguments
        number = 1000 + int.from_bytes(seed[:4]) % 900000
        function = token.rsplit(":", 1)[1]
        answer: Props = {"id": f"{_PREFIXES[function]}-{number}"} if function in _PREFIXES else {}
        if function in ("getComputeCluster", "getHost"):
            answer["resourcePoolId"] = f"resgroup-{number}"
        if function == "getNetwork":
            answer["type"] = "DistributedVirtualPortgroup"
        return answer
