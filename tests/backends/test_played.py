"""What is played on a real API server and a real OpenBao: the program's own objects, delivered as production is."""

from __future__ import annotations

import base64
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rehearsal.backends import control
from rehearsal.backends.api import ApiError, Object, dig, items
from rehearsal.backends.site import Site
from rehearsal.toolchain.progress import Progress
from tests.backends.played import (
    NAMESPACE,
    SERVICES,
    TEAM,
    Played,
    as_node,
    message,
    node,
    objects,
    open_vault,
    present,
    render,
    until,
)
from tests.conftest import Build
from tests.stacks.test_program import built

pytestmark = pytest.mark.engine

SITE = Site(
    environment="production", cluster="production", api_endpoint="https://10.20.0.10:6443",
    pod_network="10.244.0.0/16", service_network="10.96.0.0/12", load_balancer=("10.20.0.200", "10.20.0.219"),
    vault_address="https://openbao.production.voorbeeld.example", vcenter_server="vcenter.voorbeeld.example",
    datacenter="voorbeeld", compute_cluster="compute", hosts=(), networks=(),
)  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Played]:
    folder = tmp_path_factory.mktemp("played")
    parts = ("kubernetes", "openbao", "player")
    endpoints = control.start(folder / "rehearsal", SITE, Progress(), 30, parts)
    try:
        yield Played(endpoints, folder / "rendered", folder / "rehearsal")
    finally:
        control.down(folder / "rehearsal")


@pytest.fixture
def played(running: Played, build: Build) -> Played:
    """Deliver services and a team, once for all tests: each looks at something else of it."""
    if running.results:
        return running
    open_vault(running, "burgerzaken-production")
    running.apply(*(node(f"worker-{number}", f"zone-{number}") for number in (1, 2, 3)))
    running.apply(*objects(built(build, "production-cluster"), rendered=False))
    for stack in (SERVICES, TEAM):
        own = objects(built(build, stack), rendered=False)
        running.apply(*sorted(own, key=lambda one: one["kind"] != "Namespace"))
        render(running.folder / stack, objects(built(build, stack), rendered=True))
        running.results[stack] = running.sync(stack)
    return running


@pytest.mark.parametrize("stack", [SERVICES, TEAM])
def test_all_that_is_rendered_goes_in_wave_by_wave(played: Played, stack: str) -> None:
    result = played.results[stack]
    assert [str(one) for one in result.refused] == []
    assert result.created + result.changed == len(list((played.folder / stack).iterdir())) > 10


@pytest.mark.parametrize("stack", [SERVICES, TEAM])
def test_the_same_again_changes_nothing(played: Played, stack: str) -> None:
    again = played.sync(stack)
    assert (again.created, again.changed, again.pruned, again.refused, again.made_up) == (0, 0, 0, [], [])
    assert again.unchanged == played.results[stack].total


def test_a_secret_arrives_from_openbao_by_the_login_of_its_store(played: Played) -> None:
    assert "services/data/grafana/grafana-admin" in played.results[SERVICES].made_up
    written = played.bao.secrets.kv.v2.read_secret_version(
        "grafana/grafana-admin", mount_point="services", raise_on_deleted_version=True
    )
    request = played.get("external-secrets.io/v1", "ExternalSecret", "grafana", "grafana-admin")
    assert message(request) == ("True", "secret synced (played by the rehearsal)")
    arrived = played.get("v1", "Secret", "grafana", "grafana-admin")["data"]
    keys = {one["secretKey"]: one["remoteRef"]["property"] for one in request["spec"]["data"]}
    assert keys
    for key, prop in keys.items():
        assert base64.b64decode(arrived[key]).decode() == written["data"]["data"][prop]


def said(played: Played, kind: str, name: str) -> str:
    """Wait until an object of External Secrets says how it went, and return that."""
    return until(lambda: message(played.get("external-secrets.io/v1", kind, NAMESPACE, name))[1], f"{name} says so")


def test_a_store_that_openbao_does_not_know_is_refused(played: Played) -> None:
    right = played.get("external-secrets.io/v1", "SecretStore", NAMESPACE, "team")
    thief = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "thief", "namespace": NAMESPACE}}
    store: Object = {
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": {"name": "stolen", "namespace": NAMESPACE}, "spec": {"provider": right["spec"]["provider"]},
    }  # fmt: skip
    token: Any = store["spec"]["provider"]["vault"]["auth"]["jwt"]["kubernetesServiceAccountToken"]
    token["serviceAccountRef"]["name"] = "thief"
    request: Object = {
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "stolen", "namespace": NAMESPACE},
        "spec": {
            "secretStoreRef": {"kind": "SecretStore", "name": "stolen"}, "target": {"name": "stolen"},
            "data": [{"secretKey": "a", "remoteRef": {"key": "openzaak/openzaak", "property": "a"}}],
        },
    }  # fmt: skip
    played.apply(thief, store, request)
    told = until(
        lambda: message(played.get("external-secrets.io/v1", "SecretStore", NAMESPACE, "stolen"))[1], "it is told"
    )
    assert "OpenBao refuses POST auth/jwt-production/login (400)" in told
    asked = said(played, "ExternalSecret", "stolen")
    assert "SecretStore stolen is not ready" in asked
    assert not played.there("v1", "Secret", NAMESPACE, "stolen")


def test_a_namespace_of_a_team_cannot_ask_the_platforms_own_store(played: Played) -> None:
    request: Object = {
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "foreign", "namespace": NAMESPACE},
        "spec": {
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "openbao"}, "target": {"name": "foreign"},
            "data": [{"secretKey": "a", "remoteRef": {"key": "grafana/grafana-admin", "property": "a"}}],
        },
    }  # fmt: skip
    played.apply(request)
    told = said(played, "ExternalSecret", "foreign")
    assert told.startswith(f"ClusterSecretStore openbao is not open to namespace {NAMESPACE}")


def test_a_made_up_password_is_made_once_and_rendered(played: Played) -> None:
    before = played.get("v1", "Secret", NAMESPACE, "openzaak-cache")["data"]
    password = base64.b64decode(before["password"]).decode()
    assert len(password) == 48
    assert base64.b64decode(before["users.acl"]).decode() == f"user default on >{password} ~* &* +@all"
    path = f"/apis/external-secrets.io/v1/namespaces/{NAMESPACE}/externalsecrets/openzaak-cache"
    played.client.merge(path, {"metadata": {"annotations": {"kade/touched": "yes"}}})
    played.sync(TEAM)
    assert played.get("v1", "Secret", NAMESPACE, "openzaak-cache")["data"] == before


def test_volumes_are_bound_where_the_pod_goes_and_refused_where_the_driver_has_none(played: Played) -> None:
    for claim in ("data-openzaak-cache-0", "openzaak-files"):
        path = played.client.kind("v1", "PersistentVolumeClaim").path(NAMESPACE, claim)
        until(lambda path=path: dig(played.client.get(path), "status", "phase") == "Bound", f"{claim} is bound")
    shared: Object = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "shared", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteMany"], "storageClassName": "block-now",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }  # fmt: skip
    cls = played.get("storage.k8s.io/v1", "StorageClass", None, "vsphere-block")
    played.apply(
        {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "block-now"},
            "provisioner": cls["provisioner"], "volumeBindingMode": "Immediate",
        },
        shared,
    )  # fmt: skip
    until(lambda: played.there("v1", "Event", "default", "shared.provisioningfailed"), "the claim is refused")
    assert dig(played.get("v1", "PersistentVolumeClaim", "default", "shared"), "status", "phase") == "Pending"


def test_addresses_come_from_the_pool_and_each_only_once(played: Played) -> None:
    names = [f"open-{number}" for number in (1, 2)]
    for name in names:
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        metadata = {"name": name, "namespace": "default"}
        played.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})

    def given() -> list[str]:
        things = [played.get("v1", "Service", "default", name) for name in names]
        found = [str(dig(one, "ip")) for thing in things for one in items(thing, "status", "loadBalancer", "ingress")]
        return found if len(found) == len(names) else []

    # The first of the pool is the gateway's.
    assert sorted(until(given, "both have an address")) == ["10.20.0.201", "10.20.0.202"]


def test_what_is_played_goes_on_when_the_api_server_was_away(played: Played) -> None:
    control.control(played.rehearsal, "stop", "kube-apiserver")
    control.control(played.rehearsal, "start", "kube-apiserver")

    def applied() -> bool:
        metadata = {"name": "after", "namespace": "default"}
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        try:
            played.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        except ApiError:
            return False
        return True

    until(applied, "the API server is back")
    path = "/api/v1/namespaces/default/services/after"
    assert until(lambda: items(played.client.get(path), "status", "loadBalancer", "ingress"), "it has an address")


def test_a_certificate_is_signed_by_the_clusters_own_authority(played: Played) -> None:
    secret = played.get("v1", "Secret", "openbao", "openbao-tls")["data"]
    parts = {name: base64.b64decode(secret[name]) for name in ("tls.crt", "tls.key", "ca.crt")}
    own, authority = (x509.load_pem_x509_certificate(parts[name]) for name in ("tls.crt", "ca.crt"))
    own.verify_directly_issued_by(authority)
    assert authority.subject.rfc4514_string() == "CN=production internal CA"
    key = serialization.load_pem_private_key(parts["tls.key"], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "openbao.production.voorbeeld.example" in names.get_values_for_type(x509.DNSName)


def test_statuses_settle_and_say_that_they_are_played(played: Played) -> None:
    for api, kind, namespace, name, path in (
        ("argoproj.io/v1alpha1", "Application", "argocd", "grafana", ("health", "message")),
        ("postgresql.cnpg.io/v1", "Cluster", NAMESPACE, "openzaak-database", ("phaseReason",)),
        ("policies.kyverno.io/v1", "ValidatingPolicy", None, "allowed-registries", ("conditionStatus", "message")),
    ):
        before = played.get(api, kind, namespace, name)
        assert "played by the rehearsal" in str(dig(before, "status", *path)), kind
        # Whoever plays would write again and again if a status did not fulfil what its own stage waits for.
        played.sync(TEAM)
        after = played.get(api, kind, namespace, name)
        assert dig(after, "metadata", "resourceVersion") == dig(before, "metadata", "resourceVersion"), kind
    root = played.get("argoproj.io/v1alpha1", "Application", "argocd", TEAM)
    assert dig(root, "status", "sync", "status") == "Synced"


def request_of(name: str, host: str) -> Object:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [(NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, "system:node:worker-1")]
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(*part) for part in subject]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = base64.b64encode(asked.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {"request": text, "signerName": "kubernetes.io/kubelet-serving",
            "usages": ["digital signature", "server auth"]}  # fmt: skip
    metadata = {"name": name}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": metadata,
        "spec": spec,
    }


def test_serving_certificates_are_approved_by_who_is_installed_and_only_for_the_node_itself(played: Played) -> None:
    kubelet = as_node(played, "worker-1")
    for name, host in (("own", "worker-1"), ("other", "worker-2")):
        kubelet.create("/apis/certificates.k8s.io/v1/certificatesigningrequests", request_of(name, host))
    assert (
        items(played.get("certificates.k8s.io/v1", "CertificateSigningRequest", None, "own"), "status", "conditions")
        == []
    )
    labels = {"owner": "helm", "name": "kubelet-csr-approver"}
    metadata = {"name": "sh.helm.release.v1.kubelet-csr-approver.v1", "namespace": "kube-system", "labels": labels}
    played.apply({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "metadata": metadata})
    for name, wanted in (("own", "Approved"), ("other", "Denied")):
        path = f"/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}"
        (one,) = until(lambda path=path: items(played.client.get(path), "status", "conditions"), f"{name} is answered")
        assert dig(one, "type") == wanted
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/own"
    assert until(lambda: dig(played.client.get(path), "status", "certificate"), "it is signed")


def rendered(played: Played, name: str, manifest: Object) -> Path:
    path = played.folder / TEAM / name
    path.write_text(yaml.safe_dump(manifest))
    return path


def config_map(namespace: str, **more: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra", "namespace": namespace}, **more}


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (config_map(NAMESPACE, datas={"a": "b"}), ".datas: field not declared in schema"),
        (config_map("kube-system"), "does not allow namespace kube-system (metadata.namespace)"),
        (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "extra"}},
            "does not allow core/Namespace, which has no namespace",
        ),
        (
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "extra", "namespace": NAMESPACE},
             "stringData": {"a": "b"}},
            "a Secret with values does not belong in git",
        ),
        (
            {"apiVersion": "shop.example/v1", "kind": "Shop", "metadata": {"name": "extra", "namespace": NAMESPACE}},
            "the API server has no kind `Shop` in `shop.example/v1`",
        ),
    ],
)  # fmt: skip
def test_what_may_not_be_delivered_is_refused_by_file_and_field(played: Played, manifest: Object, why: str) -> None:
    path = rendered(played, "extra.yaml", manifest)
    try:
        result = played.sync(TEAM)
    finally:
        path.unlink()
    assert result.refused[0].file == "extra.yaml"
    assert why in result.refused[0].what
    # It is of the first wave: what comes later is held back, and nothing is pruned.
    assert all("is held back" in one.what for one in result.refused[1:])
    assert result.pruned == 0


def test_what_is_gone_from_the_folder_goes_from_the_cluster(played: Played) -> None:
    path = rendered(played, "extra.yaml", config_map(NAMESPACE, data={"a": "b"}))
    assert played.sync(TEAM).created == 1
    path.unlink()
    assert played.sync(TEAM).pruned == 1
    assert not played.there("v1", "ConfigMap", NAMESPACE, "extra")


def test_without_its_root_nothing_is_delivered(played: Played) -> None:
    (played.folder / "nobody").mkdir(exist_ok=True)
    with pytest.raises(Exception, match="run `up` of stack nobody first"):
        played.sync("nobody")


def test_a_root_that_goes_takes_its_objects_along_but_not_what_is_to_be_kept(played: Played) -> None:
    kept = [one for one in present(played, TEAM) if "Delete=false" in str(dig(one, "metadata", "annotations"))]
    assert kept, "production keeps its data"
    played.client.delete("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/" + TEAM)
    until(lambda: not played.there("argoproj.io/v1alpha1", "Application", "argocd", TEAM), "the root is gone")
    left = {str(dig(one, "metadata", "name")) for one in present(played, TEAM)}
    assert left == {str(dig(one, "metadata", "name")) for one in kept}
