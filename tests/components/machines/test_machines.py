from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_vsphere as vsphere
import pulumiverse_talos as talos
import pytest
import yaml

from components.machines.handle import MachinesDeclared
from components.machines.image import schematic_yaml
from components.machines.machine import IGNORED, MachineNetwork
from components.machines.machines import Machines, MachinesArgs, VSpherePlace, ZonePlace
from tests.conftest import Build, Built

VM = "vsphere:index/virtualMachine:VirtualMachine"
Made = Callable[..., Built]


@pytest.fixture
def made(build: Build, declared: MachinesDeclared) -> Made:
    args = MachinesArgs(
        declared=declared,
        talos_version="v1.13.0",
        image_factory="https://factory.talos.dev",
        network=MachineNetwork(prefix_length=24, gateway="10.20.0.1", nameservers=["10.0.0.53"]),
        folder="kade/c",
        place=VSpherePlace(
            datacenter_id="dc",
            compute_cluster_id="compute",
            resource_pool_id="pool",
            network_id="net",
            library_datastore_id="ds-a",
            zones={
                "zone-a": ZonePlace(host_ids=["a1", "a2"], datastore_id="ds-a"),
                "zone-b": ZonePlace(host_ids=["b1", "b2"], datastore_id="ds-b"),
            },
        ),
        keep_data=False,
    )

    def run(*, preview: bool = False, **changes: Any) -> Built:
        def program() -> Machines:
            providers: list[pulumi.ProviderResource] = [vsphere.Provider("v"), talos.Provider("t")]
            return Machines("machines", replace(args, **changes), pulumi.ResourceOptions(providers=providers))

        return build(program, preview=preview)

    return run


def test_there_is_one_machine_per_node_in_its_zone(made: Made) -> None:
    machines = made().of_type(VM)
    placed = {one.inputs["name"]: (one.inputs["datastoreId"], one.inputs["tags"]) for one in machines}
    assert len(placed) == 6
    assert placed["c-control-plane-2"] == ("ds-b", ["machines-role-controlplane-id", "machines-zone-zone-b-id"])
    assert placed["c-worker-1"] == ("ds-a", ["machines-role-worker-id", "machines-zone-zone-a-id"])


def test_components_look_nothing_up(made: Made) -> None:
    assert made().calls == []


def test_only_static_network_metadata_goes_through_guestinfo(made: Made) -> None:
    extra = made().resources["machines-control-plane-1-vm"].inputs["extraConfig"]
    assert set(extra) == {"guestinfo.metadata", "guestinfo.metadata.encoding"}
    assert extra["guestinfo.metadata.encoding"] == "base64"
    metadata = yaml.safe_load(base64.b64decode(extra["guestinfo.metadata"]))
    assert metadata == {
        "instance-id": "c-control-plane-1",
        "local-hostname": "c-control-plane-1",
        "network": {
            "version": 2,
            "ethernets": {
                "eth0": {
                    "dhcp4": False,
                    "addresses": ["10.20.0.11/24"],
                    "gateway4": "10.20.0.1",
                    "nameservers": {"addresses": ["10.0.0.53"]},
                }
            },
        },
    }


def test_nothing_waits_for_guest_tools_that_run_only_later(made: Made) -> None:
    inputs = made().resources["machines-worker-1-vm"].inputs
    assert (inputs["waitForGuestNetTimeout"], inputs["waitForGuestIpTimeout"]) == (0, 0)
    assert inputs["enableDiskUuid"] is True


def test_what_vsphere_changes_by_itself_is_left_alone_for_a_reason(made: Made) -> None:
    machine = made().resources["machines-worker-1-vm"]
    assert list(machine.ignore_changes) == list(IGNORED)
    assert all(len(reason) > 20 for reason in IGNORED.values())


def test_machines_of_a_zone_stay_on_its_hosts(made: Made) -> None:
    resources = made().resources
    rule = resources["machines-placement-zone-b-rule"].inputs
    assert rule["mandatory"] is True
    assert rule["vmGroupName"] == resources["machines-placement-zone-b-machines"].inputs["name"]
    assert rule["affinityHostGroupName"] == resources["machines-placement-zone-b-hosts"].inputs["name"]
    assert resources["machines-placement-zone-b-hosts"].inputs["hostSystemIds"] == ["b1", "b2"]
    assert resources["machines-placement-zone-b-machines"].inputs["virtualMachineIds"] == [
        "machines-control-plane-2-vm-id",
        "machines-worker-2-vm-id",
    ]


def test_control_planes_are_kept_apart(made: Made) -> None:
    rule = made().resources["machines-placement-control-planes"].inputs
    assert len(rule["virtualMachineIds"]) == 3
    assert rule["mandatory"] is True


def test_apart_is_no_command_where_hosts_are_too_few(made: Made) -> None:
    place = VSpherePlace(
        datacenter_id="dc",
        compute_cluster_id="compute",
        resource_pool_id="pool",
        network_id="net",
        library_datastore_id="ds-a",
        zones={
            "zone-a": ZonePlace(host_ids=["a1"], datastore_id="ds-a"),
            "zone-b": ZonePlace(host_ids=["b1"], datastore_id="ds-b"),
        },
    )
    assert made(place=place).resources["machines-placement-control-planes"].inputs["mandatory"] is False


def test_one_control_plane_needs_no_rule(made: Made, declared: MachinesDeclared) -> None:
    alone = MachinesDeclared(cluster="c", nodes=(declared.nodes[0], *declared.nodes[3:]))
    assert "machines-placement-control-planes" not in made(declared=alone).resources


def test_tags_of_two_clusters_do_not_meet(made: Made) -> None:
    resources = made().resources
    assert resources["machines-roles"].inputs["name"] == "kade-c-role"
    assert resources["machines-zones"].inputs["name"] == "kade-c-zone"
    assert {one.inputs["name"] for one in resources.values() if one.type == "vsphere:index/tag:Tag"} == {
        "controlplane", "worker", "zone-a", "zone-b",
    }  # fmt: skip


def test_the_image_is_made_by_the_factory_from_a_schematic_with_guest_tools(made: Made) -> None:
    resources = made().resources
    assert yaml.safe_load(schematic_yaml()) == {
        "customization": {"systemExtensions": {"officialExtensions": ["siderolabs/vmtoolsd-guest-agent"]}}
    }
    assert resources["machines-image-schematic"].inputs["schematic"] == schematic_yaml()
    item = resources["machines-image-talos"].inputs
    assert item["fileUrl"] == "https://factory.talos.dev/image/machines-image-schematic-id/v1.13.0/vmware-amd64.ova"
    assert resources["machines-worker-1-vm"].inputs["clone"] == {"templateUuid": "machines-image-talos-id"}


def test_a_production_cluster_protects_the_disks_that_hold_etcd(made: Made) -> None:
    for keep in (True, False):
        machines = made(keep_data=keep).of_type(VM)
        protected = {one.inputs["name"] for one in machines if one.protect and one.retain_on_delete}
        assert protected == ({"c-control-plane-1", "c-control-plane-2", "c-control-plane-3"} if keep else set())


def test_ids_are_unknown_at_preview_and_everything_else_is_known(made: Made) -> None:
    inputs = made(preview=True).resources["machines-worker-1-vm"].inputs
    unknown = {key for key, value in inputs.items() if "<unknown>" in str(value)}
    assert unknown == {"clone", "tags"}
