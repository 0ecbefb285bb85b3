"""What the cluster layer puts into the cluster: network, cloud provider, storage, certificates."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest
import yaml

from components.cluster import charts
from components.cluster.certificates import CertificateApprover, CertificateApproverArgs
from components.cluster.cilium import Cilium, CiliumArgs
from components.cluster.cloud_provider import NOWHERE, CloudProvider, CloudProviderArgs, VCenterAccess
from components.cluster.handle import STORAGE_CLASSES
from components.cluster.storage import Storage, StorageArgs
from tests.conftest import Build, Built

RELEASE = "kubernetes:helm.sh/v3:Release"


def inside() -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(providers=[k8s.Provider("k")])


def access() -> VCenterAccess:
    return VCenterAccess(
        server="vcenter.example",
        datacenter="dc",
        user=pulumi.Output.secret("an-account"),
        password=pulumi.Output.secret('pass"word\\'),
    )


def cilium() -> object:
    return Cilium("cilium", CiliumArgs(load_balancer=("10.20.0.200", "10.20.0.219"), nodes=6), inside())


def provider() -> object:
    args = CloudProviderArgs(vcenter=access(), machines="10.20.0.0/24", vip="10.20.0.10")
    return CloudProvider("cpi", args, inside())


def storage(keep: bool = False) -> object:
    return Storage("csi", StorageArgs(cluster="c", vcenter=access(), policy="fast", keep_data=keep), inside())


def approver() -> object:
    return CertificateApprover("approver", CertificateApproverArgs(cluster="c", machines="10.20.0.0/24"), inside())


PARTS: dict[str, Callable[[], object]] = {"cilium": cilium, "cpi": provider, "csi": storage, "approver": approver}


@pytest.mark.parametrize("part", PARTS)
def test_a_chart_has_an_exact_version_and_a_repository(build: Build, part: str) -> None:
    (release,) = build(PARTS[part]).of_type(RELEASE)
    assert re.fullmatch(r"\d+\.\d+\.\d+", release.inputs["version"])
    assert release.inputs["repositoryOpts"]["repo"].startswith("https://")
    assert release.inputs["namespace"] == "kube-system"
    assert release.inputs["atomic"] is True


def test_renovate_finds_every_version() -> None:
    text = Path(charts.__file__).read_text(encoding="utf-8")
    pinned = [value for value in vars(charts).values() if isinstance(value, charts.Chart)]
    found = re.findall(r'# renovate: datasource=helm depName=(\S+) registryUrl=(\S+)\n\s+version="([^"]+)"', text)
    assert {(one.name, one.repository, one.version) for one in pinned} == set(found)
    assert len(found) == 4


def test_cilium_fits_talos(build: Build) -> None:
    values = build(cilium).of_type(RELEASE)[0].inputs["values"]
    assert values["kubeProxyReplacement"] is True
    assert (values["k8sServiceHost"], values["k8sServicePort"]) == ("localhost", 7445)
    assert values["cgroup"] == {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"}
    capabilities = values["securityContext"]["capabilities"]
    assert "SYS_MODULE" not in capabilities["ciliumAgent"] + capabilities["cleanCiliumState"]
    assert values["ipam"] == {"mode": "kubernetes"}


def test_cilium_encrypts_between_machines_and_carries_the_gateway(build: Build) -> None:
    values = build(cilium).of_type(RELEASE)[0].inputs["values"]
    assert values["encryption"] == {"enabled": True, "type": "wireguard"}
    assert values["gatewayAPI"] == {"enabled": True, "gatewayClass": {"create": "false"}}


def test_cilium_answers_for_the_addresses_of_load_balancers(build: Build) -> None:
    built = build(cilium)
    assert built.resources["cilium-addresses"].inputs["spec"] == {
        "blocks": [{"start": "10.20.0.200", "stop": "10.20.0.219"}]
    }
    assert built.resources["cilium-announcement"].inputs["spec"]["loadBalancerIPs"] is True
    for name in ("cilium-addresses", "cilium-announcement"):
        waits = built.resources[name].depends_on
        assert any(urn.endswith("cilium-release") for urn in waits), "the release brings their definitions"


def configuration(built: Built) -> dict[str, dict[str, str]]:
    return yaml.safe_load(built.resources["cpi-config"].inputs["data"]["vsphere.conf"])


def test_no_node_gets_an_external_address(build: Build) -> None:
    nodes = configuration(build(provider))["nodes"]
    assert nodes["internalNetworkSubnetCidr"] == "10.20.0.0/24"
    assert nodes["excludeInternalNetworkSubnetCidr"] == "10.20.0.10/32"
    assert nodes["externalNetworkSubnetCidr"] == NOWHERE
    assert nodes["excludeExternalNetworkSubnetCidr"] == "10.20.0.0/24"


def test_zones_come_from_the_machines_and_not_from_vcenter(build: Build) -> None:
    assert "labels" not in configuration(build(provider))


def test_the_cloud_provider_finds_the_control_planes_of_talos(build: Build) -> None:
    daemonset = build(provider).of_type(RELEASE)[0].inputs["values"]["daemonset"]
    assert daemonset["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}


@pytest.mark.parametrize("part", ["cpi", "csi"])
def test_the_vcenter_password_stands_only_in_a_secret(build: Build, part: str) -> None:
    built = build(PARTS[part])
    holding = [one for one in built.resources.values() if "word" in str(one.inputs) or "an-account" in str(one.inputs)]
    assert [one.type for one in holding] == ["kubernetes:core/v1:Secret"]
    assert "stringData" in holding[0].secrets
    assert built.of_type(RELEASE)[0].inputs["values"].get("config", {}).get("enabled", False) is False


def test_a_quote_in_the_password_does_not_end_it(build: Build) -> None:
    text = build(storage).resources["csi-account"].inputs["stringData"]["csi-vsphere.conf"]
    assert 'password = "pass\\"word\\\\"\n' in text
    assert 'insecure-flag = "false"' in text


@pytest.mark.parametrize(("keep", "policy"), [(True, "Retain"), (False, "Delete")])
def test_volumes_of_a_production_cluster_outlive_their_claims(build: Build, keep: bool, policy: str) -> None:
    made = build(lambda: storage(keep)).resources["csi-class"].inputs
    assert made["reclaimPolicy"] == policy
    assert made["metadata"]["name"] == STORAGE_CLASSES[0]
    assert made["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert made["parameters"] == {"storagepolicyname": "fast"}
    assert made["volumeBindingMode"] == "WaitForFirstConsumer"


def test_only_certificates_of_own_machines_are_approved(build: Build) -> None:
    values = build(approver).of_type(RELEASE)[0].inputs["values"]
    expression = re.compile(values["providerRegex"])
    assert all(expression.match(name) for name in ("c-control-plane-1", "c-worker-12"))
    assert not any(expression.match(name) for name in ("d-worker-1", "c-worker-1.evil", "xc-worker-1", "c-laptop-1"))
    assert values["providerIpPrefixes"] == ["10.20.0.0/24"]
