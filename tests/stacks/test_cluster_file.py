from __future__ import annotations

import pytest

from tests.stacks.conftest import Home, faults_of

FILE = "clusters/sandbox.yaml"

ONE_FAULT = {
    "an unknown key": ("delivery: direct", "delivry: direct", "delivry", "no such key", "`delivery`", "delivry"),
    "an unknown key deep down": (
        "  loadBalancer",
        "  pod: 10.40.0.0/16\n  loadBalancer",
        "network.pod",
        "no such key",
        "`pods`",
        "pod:",
    ),
    "a wrong type": (
        "{count: 4,",
        "{count: four,",
        "workers.count",
        "integer",
        "kade explain workers.count",
        "workers",
    ),
    "an even number of control planes": (
        "{count: 3,",
        "{count: 4,",
        "controlPlane.count",
        "4 control planes",
        "Write 3 or 5",
        "controlPlane",
    ),
    "a version that is none": (
        "talos: v1.13.0",
        "talos: '1.13'",
        "versions.talos",
        "wrong value",
        "kade explain",
        "versions",
    ),
    "a value that is not one of those possible": (
        "delivery: direct",
        "delivery: both",
        "delivery",
        "not one of those",
        "'git' or 'direct'",
        "delivery",
    ),
    "a pod network that overlaps": (
        "  loadBalancer",
        "  pods: 10.30.0.0/16\n  loadBalancer",
        "network.pods",
        "overlaps with `network.machines`",
        "Choose networks",
        "pods:",
    ),
    "an address outside the network": (
        "vip: 10.30.0.10}",
        "vip: 10.31.0.10}",
        "controlPlane.vip",
        "10.31.0.10 (the VIP) is no address of",
        "Choose an address",
        "controlPlane",
    ),
    "an address given twice": (
        "firstAddress: 10.30.0.21",
        "firstAddress: 10.30.0.12",
        "workers.firstAddress",
        "belongs to number 2 of `controlPlane`",
        "an address of its own",
        "workers",
    ),
    "an address in the load balancer's range": (
        "firstAddress: 10.30.0.21",
        "firstAddress: 10.30.0.198",
        "workers.firstAddress",
        "`network.loadBalancer`",
        "an address of its own",
        "workers",
    ),
    "a range the wrong way round": (
        "10.30.0.200-10.30.0.219",
        "10.30.0.219-10.30.0.200",
        "network.loadBalancer",
        "a range looks like",
        "kade explain",
        "loadBalancer",
    ),
    "a range outside the network": (
        "10.30.0.200-10.30.0.219",
        "10.32.0.200-10.32.0.219",
        "network.loadBalancer",
        "does not lie in",
        "Choose a range",
        "loadBalancer",
    ),
    "a zone that does not exist": (
        "{count: 4, cpus: 4,",
        "{count: 4, zones: [zone-x], cpus: 4,",
        "workers.zones[0]",
        "no zone `zone-x`",
        "zone-a, zone-b",
        "workers",
    ),
    "a zone given twice": (
        "{name: zone-b,",
        "{name: zone-a,",
        "zones[1].name",
        "stands here twice",
        "another name",
        "esx-b1",
    ),
    "a host in two zones": (
        "esx-b1.voorbeeld.example",
        "esx-a1.voorbeeld.example",
        "zones[1].hosts[0]",
        "stands in zone `zone-a` already",
        "one zone only",
        "esx-b2",
    ),
    "a wrong setting of a service": (
        "logs: {retentionDays: 7,",
        "logs: {retentionDays: zeven,",
        "services.logs.retentionDays",
        "integer",
        "kade explain",
        "logs:",
    ),
    "an unknown setting of a service": (
        "openbao: {replicas: 1,",
        "openbao: {replica: 1,",
        "services.openbao.replica",
        "no such key",
        "`replicas`",
        "openbao:",
    ),
    "a service without braces": (
        "metrics-server: {}",
        "metrics-server:",
        "services.metrics-server",
        "without settings",
        "Write `{}`",
        "metrics-server",
    ),
    "delivery by git without a repository": (
        "delivery: direct",
        "delivery: git",
        "gitops",
        "needs a repository",
        "Write `repository:",
        "substrate",
    ),
    "an issuer that is not https": (
        "domain: sandbox",
        "identity: {issuer: 'http://x.example', clientId: a}\ndomain: sandbox",
        "identity.issuer",
        "https://host/path",
        "kade explain",
        "identity",
    ),
    "not YAML": ("delivery: direct", "delivery: [direct", "", "not valid YAML", "Correct the syntax", None),
}


@pytest.mark.parametrize("case", ONE_FAULT)
def test_says_file_line_key_fault_and_remedy(home: Home, case: str) -> None:
    old, new, key, what, remedy, line = ONE_FAULT[case]
    home.edit(FILE, old, new)
    (fault,) = faults_of(lambda: home.files.cluster("sandbox"))
    assert fault.file.endswith(FILE)
    assert fault.key == key
    assert what in fault.what
    assert remedy in fault.remedy
    assert line is None or fault.line == home.line_of(FILE, line), str(fault)
    assert fault.line > 0


def test_a_zone_without_nodes_is_a_fault(home: Home) -> None:
    home.edit(FILE, "{count: 4, cpus: 4,", "{count: 4, zones: [zone-a], cpus: 4,")
    home.edit(FILE, "{count: 3, cpus: 2,", "{count: 3, zones: [zone-a], cpus: 2,")
    (fault,) = faults_of(lambda: home.files.cluster("sandbox"))
    assert (fault.key, fault.line) == ("zones[1]", home.line_of(FILE, "zone-b"))
    assert "zone `zone-b` has no nodes" in fault.what


def test_an_unknown_service_is_named_with_its_nearest(home: Home) -> None:
    home.edit(FILE, "  cert-manager:", "  cert-manger:")
    (fault,) = faults_of(lambda: home.files.cluster("sandbox"))
    assert (fault.key, fault.line) == ("services.cert-manger", home.line_of(FILE, "cert-manger"))
    assert "`cert-manager`" in fault.remedy


def test_a_service_names_what_it_does_not_work_without(home: Home) -> None:
    home.edit(FILE, "  gateway-api: {domains: [apps.sandbox.voorbeeld.example]}\n", "")
    faults = faults_of(lambda: home.files.cluster("sandbox"))
    assert {fault.key for fault in faults} == {"services.cert-manager", "services.grafana", "services.openbao"}
    assert all("does not work without `gateway-api`" in fault.what for fault in faults)
    assert all("Add `gateway-api: {}`" in fault.remedy for fault in faults)


def test_every_fault_is_told_at_once(home: Home) -> None:
    home.edit(FILE, "{count: 3,", "{count: 2,")
    home.edit(FILE, "delivery: direct", "delivry: direct")
    home.edit(FILE, "logs: {retentionDays: 7,", "logs: {retentionDays: zeven,")
    faults = faults_of(lambda: home.files.cluster("sandbox"))
    assert [fault.key for fault in faults] == ["controlPlane.count", "delivry", "services.logs.retentionDays"]


def test_rules_over_several_keys_are_told_at_once(home: Home) -> None:
    home.edit(FILE, "esx-b1.voorbeeld.example", "esx-a1.voorbeeld.example")
    home.edit(FILE, "vip: 10.30.0.10}", "vip: 10.31.0.10}")
    home.edit(FILE, "  loadBalancer", "  services: 10.30.0.0/20\n  loadBalancer")
    faults = faults_of(lambda: home.files.cluster("sandbox"))
    assert {fault.key for fault in faults} == {"controlPlane.vip", "zones[1].hosts[0]", "network.services"}


def test_a_value_never_shows_in_a_fault(home: Home) -> None:
    home.edit(FILE, "share: /kade/sandbox", "share: [hunter2]")
    (fault,) = faults_of(lambda: home.files.cluster("sandbox"))
    assert "hunter2" not in str(fault)


def test_one_control_plane_and_one_zone_are_for_rules_to_judge(home: Home) -> None:
    home.edit(FILE, "{count: 3,", "{count: 1,")
    text = (home.root / FILE).read_text()
    (zone,) = [line for line in text.splitlines() if "name: zone-b" in line]
    home.edit(FILE, zone + "\n", "")
    cluster = home.files.cluster("sandbox")
    assert cluster.control_plane.count == 1
    assert [zone.name for zone in cluster.zones] == ["zone-a"]


def test_a_key_given_twice_is_a_fault(home: Home) -> None:
    home.edit(FILE, "delivery: direct", "delivery: direct\ndelivery: git")
    (fault,) = faults_of(lambda: home.files.cluster("sandbox"))
    assert fault.line == home.line_of(FILE, "delivery: git")
    assert "already" in fault.what


def test_an_empty_file_names_what_it_needs(home: Home) -> None:
    home.write(FILE, "# nothing yet\n")
    (fault,) = faults_of(lambda: home.files.cluster("sandbox"))
    assert fault.what == "the file is empty"
    assert "controlPlane" in fault.remedy
    assert "services" in fault.remedy


def test_services_hold_their_settings_by_name(home: Home) -> None:
    services = home.files.cluster("production").services
    assert list(services) == sorted(services)
    assert "rwx-storage" in services
    assert getattr(services["rwx-storage"], "server") == "nfs.voorbeeld.example"  # noqa: B009  # its model is the catalogue's
