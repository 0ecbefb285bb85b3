"""The vSphere plugin on a simulated vCenter: what is made is there, what somebody changes shows, nothing is doubled."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rehearsal.backends.vcenter import seed
from rehearsal.plugins import vsphere_session
from rehearsal.plugins.standin import Place, StandInError
from rehearsal.plugins.values import Props, Secret
from rehearsal.plugins.vsphere_server import VsphereServer
from rehearsal.plugins.vsphere_ways import in_order
from tests.rehearsal.machines.conftest import NAME, SITE

if TYPE_CHECKING:
    from tests.rehearsal.machines.conftest import Ends, Made, Run


def test_a_list_without_an_order_keeps_the_given_one_while_it_holds_the_same() -> None:
    assert in_order(["a", "b"], ["b", "a"]) == ["b", "a"]
    assert in_order(["c", "b"], ["b", "a"]) == ["b", "c"]
    assert in_order(["b"], None) == ["b"]


def test_a_vcenter_that_hangs_does_not_hold_a_run_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vsphere_session, "CALL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        access = vsphere_session.Access(
            name=NAME, host="127.0.0.1", port=silent.getsockname()[1], user="u", password="p",
            context=ssl.create_default_context(),
        )  # fmt: skip
        vcenter = vsphere_session.VCenter(access)
        began = time.monotonic()
        for ask in (lambda: vcenter.content, lambda: vcenter.rest("GET", "cis/tagging/category")):
            with pytest.raises(StandInError, match="does not answer in time"), vcenter.asked("answer"):
                ask()
        assert time.monotonic() - began < 10


def everything(run: Run) -> dict[str, Made]:
    """One of each type, under names of this test's own."""
    own = run.folder.name
    store = run.look("getDatastore", name="all")["id"]
    cluster = run.look("getComputeCluster", name="compute")["id"]
    made: dict[str, Made] = {}
    made["library"] = run.make("vsphere:ContentLibrary", "library", name=f"library-{own}", storageBackings=[store])
    made["item"] = run.make(
        "vsphere:ContentLibraryItem", "item", name="talos", libraryId=made["library"].id, fileUrl="https://x.example"
    )
    made["folder"] = run.make(
        "vsphere:Folder", "folder", path=own, type="vm", datacenterId=run.look("getDatacenter", name="voorbeeld")["id"]
    )
    made["category"] = run.make(
        "vsphere:TagCategory", "category", name=f"role-{own}", cardinality="SINGLE",
        associableTypes=["VirtualMachine"],
    )  # fmt: skip
    made["tag"] = run.make("vsphere:Tag", "tag", name="worker", categoryId=made["category"].id)
    for number in (1, 2):
        made[f"machine{number}"] = run.machine(
            f"machine-{number}", f"10.9.0.{number}", folder=own, tags=[made["tag"].id]
        )  # fmt: skip
    machines = [made["machine1"].id, made["machine2"].id]
    made["group"] = run.make(
        "vsphere:ComputeClusterVmGroup", "group", name=f"g-{own}", computeClusterId=cluster, virtualMachineIds=machines
    )
    made["hosts"] = run.make(
        "vsphere:ComputeClusterHostGroup", "hosts", name=f"h-{own}", computeClusterId=cluster,
        hostSystemIds=[run.look("getHost", name="esx-a1")["id"]],
    )  # fmt: skip
    made["rule"] = run.make(
        "vsphere:ComputeClusterVmHostRule", "rule", name=f"r-{own}", computeClusterId=cluster,
        vmGroupName=f"g-{own}", affinityHostGroupName=f"h-{own}", mandatory=True,
    )  # fmt: skip
    made["apart"] = run.make(
        "vsphere:ComputeClusterVmAntiAffinityRule", "apart", name=f"a-{own}", computeClusterId=cluster,
        virtualMachineIds=machines,
    )  # fmt: skip
    return made


@pytest.mark.engine
def test_everything_is_there_for_others_too_and_nothing_differs(run: Run, ends: Ends) -> None:
    made, own = everything(run), run.folder.name
    assert f"/voorbeeld/vm/{own}/machine-1" in ends.govc("find", "/voorbeeld/vm").split()
    info = ends.govc("vm.info", "-r", "machine-1")
    assert made["machine1"].outputs["uuid"] in info
    assert "esx-a1" in info  # the only host that reaches its datastore
    assert made["machine1"].outputs["powerState"] == "on"
    assert f"r-{own}" in ends.govc("cluster.rule.ls", "-cluster", "compute")
    assert "worker" in ends.govc("tags.attached.ls", "-r", f"/voorbeeld/vm/{own}/machine-1")
    for name, one in made.items():
        found = run.again().read(one)
        assert found is not None, name
        assert found[1] == one.inputs, name
        assert found[0] == one.outputs, name
    for one in reversed(made.values()):
        run.delete(one)
        run.delete(one)  # gone already is no error
        assert run.read(one) is None
    assert own not in ends.govc("find", "/voorbeeld")
    assert own not in ends.govc("library.ls") + ends.govc("cluster.rule.ls", "-cluster", "compute")


@pytest.mark.engine
def test_a_killed_run_is_taken_up_wherever_it_ended(run: Run, ends: Ends) -> None:
    made = everything(run)
    for name, one in made.items():
        late = run.again()
        provider = late.provider(one.resource.type)
        assert provider.create(one.resource, one.inputs)[0] == one.id, f"{name}: made, but not in the state"
        late = run.again()
        provider = late.provider(one.resource.type)
        store = provider.store(one.resource)  # pyright: ignore[reportAttributeAccessIssue]  # of every bridged one
        noted = store.get(f"{one.resource.type}|{one.id}")
        store.remove(f"{one.resource.type}|{one.id}")
        note = f"{one.resource.type}|being made|{one.resource.urn}"
        store.put(note, one.resource.urn, one.resource.type, "", one.inputs, noted.nonce)
        assert provider.create(one.resource, one.inputs)[0] == one.id, f"{name}: made, but not noted"
        assert store.get(note) is None
    assert ends.govc("find", f"/voorbeeld/vm/{run.folder.name}", "-type", "m").count("machine-") == 2
    for one in reversed(made.values()):
        run.delete(one)


@pytest.mark.engine
def test_what_somebody_else_made_is_never_taken(run: Run, ends: Ends) -> None:
    first = run.machine("taken", "10.9.1.1")
    with pytest.raises(StandInError, match="has a virtual machine of that name, and this resource did not make it"):
        run.again().vsphere.create(run.resource("vsphere:VirtualMachine", "another"), first.inputs)
    assert ends.govc("find", "/voorbeeld/vm/there/before").count("taken") == 1
    run.delete(first)


@pytest.mark.engine
def test_a_change_by_hand_shows_and_is_repaired(run: Run, ends: Ends) -> None:
    made = run.machine("drifts", "10.9.2.1")
    ends.govc("vm.change", "-vm", "drifts", "-m", "1024", "-e", "guestinfo.metadata=eHg=")
    found = run.read(made)
    assert found is not None
    assert run.changes(made, found[1], made.inputs) == {"memory", "extraConfig"}
    run.update(made)
    assert run.read(made) is not None
    assert run.changes(made, run.read(made)[1], made.inputs) == set()  # pyright: ignore[reportOptionalSubscript]
    assert "4096MB" in ends.govc("vm.info", "drifts")
    ends.govc("vm.destroy", "drifts")
    assert run.read(made) is None
    with pytest.raises(StandInError, match=r"is gone from the vCenter. Run `pulumi refresh`"):
        run.update(made, memory=8192)


@pytest.mark.engine
def test_a_machine_is_changed_in_place(run: Run, ends: Ends) -> None:
    made = run.machine("grows", "10.9.3.1")
    disk = made.inputs["disks"][0]
    more = [{**disk, "size": 40}, {"label": "data", "size": 5, "unitNumber": 1}]
    changed = run.update(made, numCpus=4, memory=8192, disks=more, annotation="changed", extraConfig={})
    found = run.read(changed)
    assert found is not None
    assert found[1] == changed.inputs
    assert found[0]["powerState"] == "on"
    assert "guestinfo" not in ends.govc("vm.info", "-e", "grows")
    with pytest.raises(StandInError, match="The disk system of grows cannot shrink"):
        run.update(changed, disks=[disk])
    run.delete(changed)


@pytest.mark.engine
def test_what_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(StandInError, match=r"has no host esx-z9. It has: esx-a1, esx-b1. Correct the name"):
        run.look("getHost", name="esx-z9")
    with pytest.raises(StandInError, match=r"has no folder nowhere for machines. Make it first"):
        run.machine("lost", "10.9.4.1", folder="nowhere")
    with pytest.raises(StandInError, match="cannot make a vsphere:index/nas"):
        run.make("vsphere:NasDatastore", "x", type="NFS", remoteHosts=["h"], remotePath="/p", hostSystemIds=["host-1"])
    with pytest.raises(StandInError, match="is not asked by getHostPciDevice"):
        run.look("getHostPciDevice", hostId="host-1")


@pytest.mark.engine
def test_a_vcenter_that_refuses_or_is_gone_says_so_once(run: Run) -> None:
    where = run.ends.endpoints.vcenter
    assert where is not None
    there = run.ends.endpoints
    config: Props = {"vsphereServer": "vcenter.example", "user": where.user, "password": Secret("planted-password")}
    place, asked = Place(run.folder, run.folder / "out", b"k" * 32), "vsphere:index/getDatacenter:getDatacenter"
    with pytest.raises(StandInError, match=r"vCenter vcenter\.example does not accept this account") as refused:
        VsphereServer(place, there, config).invoke(asked, {"name": "voorbeeld"})
    assert "planted" not in str(refused.value)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    gone = replace(there, vcenter=replace(where, server=address))
    with pytest.raises(StandInError, match=r"vCenter vcenter\.example cannot be reached\. It was asked to answer"):
        VsphereServer(place, gone, config).invoke(asked, {"name": "voorbeeld"})


@pytest.mark.engine
def test_filling_the_inventory_again_changes_nothing(ends: Ends, tmp_path: Path) -> None:
    before, where = ends.govc("find", "/voorbeeld"), ends.endpoints.vcenter
    assert where is not None
    assert "/voorbeeld/host/compute/esx-b1" in before.split()
    seed(where, SITE, tmp_path, Path(ends.endpoints.tools) / "govc")
    assert sorted(ends.govc("find", "/voorbeeld").split()) == sorted(before.split())
    assert ends.govc("storage.policy.ls").count("replicated") == 1
