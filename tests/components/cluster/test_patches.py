from __future__ import annotations

from typing import Any

import pytest
import yaml

from components.cluster import patches
from components.cluster.patches import ClusterNetwork, Identity
from components.machines.handle import Role
from tests.components.conftest import node

IDENTITY = Identity(
    issuer="https://login.example/realm", client_id="kubernetes", groups_claim="groups", username_claim="email"
)


def of(role: Role, network: ClusterNetwork, identity: Identity | None = None) -> list[dict[str, Any]]:
    """Return a machine's patches in order, as data."""
    texts = patches.patches(node(role, 1), network, region="nl", kubernetes_version="1.36.3", identity=identity)
    return [yaml.safe_load(text) for text in texts]


def merged(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Lay patches over each other; no two of them set the same value."""
    result: dict[str, Any] = {}
    for document in documents:
        _merge(result, document)
    return result


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            assert key not in into, f"{key} stands in two patches"
            into[key] = value


@pytest.mark.parametrize("role", ["controlplane", "worker"])
def test_the_first_patch_says_who_the_machine_is(role: Role, network: ClusterNetwork) -> None:
    machine = of(role, network)[0]["machine"]
    assert machine["type"] == role
    assert machine["nodeLabels"] == {"topology.kubernetes.io/region": "nl", "topology.kubernetes.io/zone": "zone-a"}
    assert machine["network"]["hostname"] == node(role, 1).name
    (card,) = machine["network"]["interfaces"]
    assert card["addresses"] == [f"{node(role, 1).address}/24"]
    assert card["dhcp"] is False
    assert card.get("vip") == ({"ip": "10.20.0.10"} if role == "controlplane" else None)


@pytest.mark.parametrize("role", ["controlplane", "worker"])
def test_no_label_is_refused_by_the_api_server(role: Role, network: ClusterNetwork) -> None:
    labels = of(role, network)[0]["machine"]["nodeLabels"]
    assert [label for label in labels if "node-role" in label] == []


def test_versions_are_images_in_a_patch_of_their_own(network: ClusterNetwork) -> None:
    documents = of("controlplane", network)
    assert documents[patches.VERSIONS_INDEX] == {
        "machine": {"kubelet": {"image": "ghcr.io/siderolabs/kubelet:v1.36.3"}},
        "cluster": {
            "apiServer": {"image": "registry.k8s.io/kube-apiserver:v1.36.3"},
            "controllerManager": {"image": "registry.k8s.io/kube-controller-manager:v1.36.3"},
            "scheduler": {"image": "registry.k8s.io/kube-scheduler:v1.36.3"},
        },
    }
    del documents[patches.VERSIONS_INDEX]
    assert "1.36.3" not in str(documents)


def test_a_worker_has_nothing_of_a_control_plane(network: ClusterNetwork) -> None:
    text = str(of("worker", network))
    assert not any(word in text for word in ("apiServer", "etcd", "scheduler", "'vip'"))


def test_the_api_server_is_hardened(network: ClusterNetwork) -> None:
    server = merged(of("controlplane", network))["cluster"]["apiServer"]
    arguments = server["extraArgs"]
    assert arguments["anonymous-auth"] == "false"
    assert arguments["profiling"] == "false"
    assert arguments["service-account-extend-token-expiration"] == "false"
    assert int(arguments["audit-log-maxage"]) >= 30
    assert int(arguments["audit-log-maxbackup"]) >= 10
    assert int(arguments["audit-log-maxsize"]) >= 100
    assert set(arguments["enable-admission-plugins"].split(",")) == {"NodeRestriction", "DenyServiceExternalIPs"}
    assert all(isinstance(value, str) for value in arguments.values()), "Talos takes arguments as text"


def test_control_planes_carry_no_work_of_others(network: ClusterNetwork) -> None:
    assert merged(of("controlplane", network))["cluster"]["allowSchedulingOnControlPlanes"] is False


def test_kubelets_ask_for_certificates_that_metrics_server_trusts(network: ClusterNetwork) -> None:
    for role in ("controlplane", "worker"):
        kubelet = merged(of(role, network))["machine"]["kubelet"]
        assert kubelet["extraArgs"] == {"rotate-server-certificates": "true"}
        assert kubelet["defaultRuntimeSeccompProfileEnabled"] is True
        assert kubelet["extraConfig"]["podPidsLimit"] > 0


def test_no_machine_calls_itself_by_the_vip(network: ClusterNetwork) -> None:
    whole = merged(of("controlplane", network))
    assert whole["machine"]["kubelet"]["nodeIP"]["validSubnets"] == ["10.20.0.0/24", "!10.20.0.10/32"]
    assert whole["cluster"]["etcd"]["advertisedSubnets"] == ["10.20.0.0/24", "!10.20.0.10/32"]


def test_cilium_finds_its_place_empty(network: ClusterNetwork) -> None:
    cluster = merged(of("worker", network))["cluster"]
    assert cluster["network"]["cni"] == {"name": "none"}
    assert cluster["proxy"] == {"disabled": True}
    assert cluster["externalCloudProvider"] == {"enabled": True}


def test_nothing_is_told_to_a_public_discovery_service(network: ClusterNetwork) -> None:
    assert merged(of("worker", network))["cluster"]["discovery"] == {"enabled": False}


def test_the_haven_checker_may_look_at_a_node(network: ClusterNetwork) -> None:
    (plugin,) = merged(of("controlplane", network))["cluster"]["apiServer"]["admissionControl"]
    assert plugin["name"] == "PodSecurity"
    assert plugin["configuration"]["defaults"]["enforce"] == "baseline"
    assert plugin["configuration"]["exemptions"] == {"usernames": ["admin"]}, "lists are appended to Talos' own"


def test_people_sign_in_only_where_an_identity_provider_is_named(network: ClusterNetwork) -> None:
    without = merged(of("controlplane", network))["cluster"]["apiServer"]["extraArgs"]
    assert not any(argument.startswith("oidc") for argument in without)
    arguments = merged(of("controlplane", network, IDENTITY))["cluster"]["apiServer"]["extraArgs"]
    assert arguments["oidc-issuer-url"] == "https://login.example/realm"
    assert arguments["oidc-groups-prefix"] == patches.GROUPS_PREFIX, "a token must not claim `system:masters`"
    assert arguments["oidc-username-prefix"] == patches.GROUPS_PREFIX


def test_the_audit_log_holds_no_content_of_secrets(network: ClusterNetwork) -> None:
    policy = merged(of("controlplane", network))["cluster"]["apiServer"]["auditPolicy"]
    levels = [
        rule["level"]
        for rule in policy["rules"]
        if any("secrets" in group["resources"] for group in rule.get("resources", []))
    ]
    assert levels == ["Metadata"]
    names = [rule for rule in policy["rules"] if rule["level"] == "RequestResponse"]
    assert [group["group"] for rule in names for group in rule["resources"]] == ["rbac.authorization.k8s.io"]
    assert policy["rules"][-1] == {"level": "Metadata"}, "what no rule names is written down too"


def test_the_generated_name_gives_way_to_ours(network: ClusterNetwork) -> None:
    assert of("worker", network)[-1] == {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "$patch": "delete"}
