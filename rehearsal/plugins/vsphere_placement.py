"""Groups and rules of a compute cluster: which machines stand on which hosts, and which apart.

vcsim keeps them and does not enforce them: it has no scheduler that would move a machine.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, cast

from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.values import Props
from rehearsal.plugins.vsphere_session import VCenter, fault_kind, vim
from rehearsal.plugins.vsphere_ways import ExistsError, Way, in_order


def machine(vcenter: VCenter, uuid: str) -> Any:
    """Return the machine with a BIOS UUID, or `None`."""
    return vcenter.content.searchIndex.FindByUuid(None, uuid, True, False)


def _machines(vcenter: VCenter, uuids: object) -> list[Any]:
    found = {uuid: machine(vcenter, uuid) for uuid in cast("list[str]", uuids or [])}
    missing = [uuid for uuid, one in found.items() if one is None]
    if missing:
        msg = f"vCenter {vcenter.access.name} has no machine with the UUID {', '.join(missing)}. Run `pulumi refresh`."
        raise StandInError(msg)
    return list(found.values())


def _uuids(machines: Any) -> list[str]:
    found: list[str] = []
    for one in machines or ():
        try:
            found.append(str(one.config.uuid))
        except Exception as error:  # deleted by hand: vcsim leaves it in the group
            if fault_kind(error) != "ManagedObjectNotFound":
                raise
    return found


class _OfCluster(Way):
    """Something in the configuration of a compute cluster."""

    part: ClassVar[str]
    """`group` or `rule`."""

    def _cluster(self, vcenter: VCenter, id_: str) -> tuple[Any, str]:
        moid, _, rest = id_.partition(":")
        return vcenter.object("ClusterComputeResource", moid), rest

    def _all(self, cluster: Any) -> list[Any]:
        return list(getattr(cluster.configurationEx, self.part) or [])

    def _reconfigure(self, vcenter: VCenter, cluster: Any, operation: str, **more: Any) -> None:
        types = vim().cluster
        spec_type, key = (types.GroupSpec, "groupSpec") if self.part == "group" else (types.RuleSpec, "rulesSpec")
        spec = types.ConfigSpecEx(**{key: [spec_type(operation=operation, **more)]})
        vcenter.wait(cluster.ReconfigureComputeResource_Task(spec, True))

    def _named(self, vcenter: VCenter, inputs: Props) -> Any:
        cluster = vcenter.object("ClusterComputeResource", str(inputs["computeClusterId"]))
        return next((one for one in self._all(cluster) if one.name == inputs["name"]), None)

    def _add(self, vcenter: VCenter, inputs: Props, info: Any) -> None:
        cluster = vcenter.object("ClusterComputeResource", str(inputs["computeClusterId"]))
        if self._named(vcenter, inputs) is not None:
            msg = f"vCenter {vcenter.access.name} has a {self.noun} {inputs['name']} already. Choose another name."
            raise ExistsError(msg)
        self._reconfigure(vcenter, cluster, "add", info=info)

    @abstractmethod
    def _info(self, vcenter: VCenter, inputs: Props) -> Any: ...


class _Groups(_OfCluster):
    part = "group"
    members: ClassVar[str]
    """Input with the members."""

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name within the compute cluster."""
        found = self._named(vcenter, inputs)
        return f"{inputs['computeClusterId']}:{inputs['name']}" if found is not None else None

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make a group."""
        del mark
        self._add(vcenter, inputs, self._info(vcenter, inputs))
        return f"{inputs['computeClusterId']}:{inputs['name']}"

    @abstractmethod
    def _ids(self, group: Any) -> list[str]: ...

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return name, compute cluster and members."""
        cluster, name = self._cluster(vcenter, id_)
        found = next((one for one in self._all(cluster) if one.name == name), None)
        if found is None:
            return None
        members = in_order(self._ids(found), inputs.get(self.members))
        return {"name": name, "computeClusterId": cluster._moId, self.members: members}

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change the members."""
        del olds
        found = self.read(vcenter, id_, news)
        if found is not None and found[self.members] != list(news.get(self.members) or []):
            cluster, _ = self._cluster(vcenter, id_)
            self._reconfigure(vcenter, cluster, "edit", info=self._info(vcenter, news))

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove a group; its members stay."""
        cluster, name = self._cluster(vcenter, id_)
        self._reconfigure(vcenter, cluster, "remove", removeKey=name)


class VmGroups(_Groups):
    """Groups of machines."""

    noun = "machine group"
    members = "virtualMachineIds"

    def _info(self, vcenter: VCenter, inputs: Props) -> Any:
        machines = _machines(vcenter, inputs.get(self.members))
        return vim().cluster.VmGroup(name=inputs["name"], vm=machines)

    def _ids(self, group: Any) -> list[str]:
        return _uuids(getattr(group, "vm", None))


class HostGroups(_Groups):
    """Groups of hosts."""

    noun = "host group"
    members = "hostSystemIds"

    def _info(self, vcenter: VCenter, inputs: Props) -> Any:
        hosts = [vcenter.object("HostSystem", id_) for id_ in cast("list[str]", inputs.get(self.members) or [])]
        return vim().cluster.HostGroup(name=inputs["name"], host=hosts)

    def _ids(self, group: Any) -> list[str]:
        return [host._moId for host in getattr(group, "host", None) or ()]


class _Rules(_OfCluster):
    part = "rule"

    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """By name within the compute cluster."""
        found = self._named(vcenter, inputs)
        return f"{inputs['computeClusterId']}:{found.key}" if found is not None else None

    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make a rule; the vCenter gives it a number."""
        del mark
        self._add(vcenter, inputs, self._info(vcenter, inputs))
        found = self.find(vcenter, inputs)
        assert found is not None, "the vCenter has just taken this rule"
        return found

    def _rule(self, vcenter: VCenter, id_: str) -> Any:
        cluster, key = self._cluster(vcenter, id_)
        return next((one for one in self._all(cluster) if str(one.key) == key), None)

    @abstractmethod
    def _own(self, rule: Any, inputs: Props) -> Props: ...

    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return name, compute cluster, whether it is on and must be kept, and whom it is about."""
        found = self._rule(vcenter, id_)
        if found is None:
            return None
        cluster, _ = self._cluster(vcenter, id_)
        same = {"name": found.name, "enabled": bool(found.enabled), "mandatory": bool(found.mandatory)}
        return {**same, "computeClusterId": cluster._moId, **self._own(found, inputs)}

    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Change everything but the compute cluster."""
        del olds
        found = self.read(vcenter, id_, news)
        if found is not None and any(key in found and found[key] != value for key, value in news.items()):
            cluster, key = self._cluster(vcenter, id_)
            info = self._info(vcenter, news)
            info.key = int(key)
            self._reconfigure(vcenter, cluster, "edit", info=info)

    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove a rule."""
        cluster, key = self._cluster(vcenter, id_)
        self._reconfigure(vcenter, cluster, "remove", removeKey=int(key))


class VmHostRules(_Rules):
    """Rules that bind a group of machines to a group of hosts."""

    noun = "VM-host rule"

    def _info(self, vcenter: VCenter, inputs: Props) -> Any:
        del vcenter
        groups = {"affineHostGroupName": inputs.get("affinityHostGroupName")}
        groups |= {"antiAffineHostGroupName": inputs.get("antiAffinityHostGroupName")}
        return vim().cluster.VmHostRuleInfo(
            name=inputs["name"], enabled=bool(inputs.get("enabled", True)),
            mandatory=bool(inputs.get("mandatory", False)), vmGroupName=inputs["vmGroupName"],
            **{key: name for key, name in groups.items() if name},
        )  # fmt: skip

    def _own(self, rule: Any, inputs: Props) -> Props:
        del inputs
        return {
            "vmGroupName": rule.vmGroupName,
            "affinityHostGroupName": rule.affineHostGroupName or "",
            "antiAffinityHostGroupName": rule.antiAffineHostGroupName or "",
        }


class AntiAffinityRules(_Rules):
    """Rules that keep machines on different hosts."""

    noun = "anti-affinity rule"

    def _info(self, vcenter: VCenter, inputs: Props) -> Any:
        return vim().cluster.AntiAffinityRuleSpec(
            name=inputs["name"], enabled=bool(inputs.get("enabled", True)),
            mandatory=bool(inputs.get("mandatory", False)), vm=_machines(vcenter, inputs["virtualMachineIds"]),
        )  # fmt: skip

    def _own(self, rule: Any, inputs: Props) -> Props:
        return {"virtualMachineIds": in_order(_uuids(rule.vm), inputs.get("virtualMachineIds"))}
