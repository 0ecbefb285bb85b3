"""The live source, against a stand-in for an API server: no real cluster is here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

from policies.kernel.judge import judge
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope, Verdict
from policies.kernel.words import Moment, Source, Status
from policies.model.model import Model
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Unknown
from policies.rules import load
from policies.sources import live, probe
from policies.sources.gathered import Gathered

RULES = load()
DAY = date(2026, 11, 21)


def node(name: str, zone: str, *, plane: bool = False, address: str = "10.20.0.1", kind: str = "InternalIP") -> Any:
    labels = {"topology.kubernetes.io/zone": zone}
    if plane:
        labels["node-role.kubernetes.io/control-plane"] = ""
    return {
        "metadata": {"name": name, "labels": labels, "managedFields": [{"manager": "kubelet"}]},
        "status": {
            "addresses": [{"type": kind, "address": address}],
            "nodeInfo": {"osImage": "Talos (v1.13.0)", "kubeletVersion": "v1.36.3"},
        },
    }


def workload(name: str, image: str) -> Any:
    spec = {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}
    return {"metadata": {"name": name, "namespace": name}, "spec": spec}


def api_service(status: str) -> Any:
    return {
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "status": {"conditions": [{"type": "Available", "status": status}]},
    }


@pytest.fixture
def cluster(tmp_path: Path, stand_in: Any) -> Iterator[Any]:
    found = stand_in.Cluster(tmp_path)
    found.objects = {
        "/api/v1/nodes": [node(f"c{n}", f"z{n}", plane=True) for n in range(3)]
        + [node(f"w{n}", "z1") for n in range(3)],
        "/apis/apps/v1/deployments": [
            workload("cert-manager", "quay.io/jetstack/cert-manager-controller:v1.21.2"),
            workload("loki", "grafana/loki:3.5.0"),
        ],
        "/apis/apps/v1/daemonsets": [workload("alloy", "grafana/alloy:v1.7.0")],
        "/apis/cert-manager.io/v1/clusterissuers": [{"metadata": {"name": "ca"}, "spec": {"ca": {"secretName": "ca"}}}],
        "/apis/storage.k8s.io/v1/storageclasses": [{"metadata": {"name": "rwx"}, "provisioner": "efs.csi.aws.com"}],
        "/apis/apiregistration.k8s.io/v1/apiservices": [api_service("True")],
    }
    with stand_in.serving(found):
        yield found


def verdict(gathered: Gathered) -> Verdict:
    scope = Scope(stack="live", cluster="demo", source=Source.LIVE, moment=Moment.LIVE)
    settings = resolve(SettingsFile(), RULES, None, DAY)
    return judge(Model(gathered.inventory, scope, DAY), scope, RULES, settings)


def status(found: Verdict, check: str) -> Status:
    (result,) = (item for item in found.checks if item.rule.official == check)
    return result.status


def test_a_cluster_that_is_as_it_should_be_passes_what_can_be_seen_and_the_count_adds_up(cluster: Any) -> None:
    gathered = live.read(cluster.kubeconfig(), None)
    assert gathered.faults == ()
    found = verdict(gathered)
    passing = {item.rule.official for item in found.checks if item.status is Status.PASS and item.rule.required}
    assert passing == {
        *("multiaz", "hamasters", "haworkers", "nodehardening", "privatenetworking"),
        *("kubernetesversion", "rbac", "rwxvolumes", "autocerts", "logs", "metrics"),
    }
    counted = found.summary
    assert (counted.passed, counted.failed, counted.undetermined, counted.not_judged) == (11, 0, 4, 0)


def test_nothing_is_changed_and_no_secret_is_read(cluster: Any) -> None:
    live.read(cluster.kubeconfig(), None)
    assert len(cluster.asked) > 20
    questions = {asked for asked in cluster.asked if not asked.startswith("GET ")}
    assert questions == {"POST /apis/authorization.k8s.io/v1/subjectaccessreviews"}
    assert not [asked for asked in cluster.asked if asked.endswith(("/secrets", "/configmaps"))]


@pytest.mark.parametrize(
    ("path", "objects", "check"),
    [
        ("/api/v1/nodes", [node(f"n{n}", "z", plane=n < 3) for n in range(6)], "multiaz"),
        ("/api/v1/nodes", [node("n", "z", address="10.0.0.1", kind="ExternalIP")], "privatenetworking"),
        ("/api/v1/nodes", [node("n", "z", plane=True)], "hamasters"),
        ("/apis/apiregistration.k8s.io/v1/apiservices", [api_service("False")], "metrics"),
        ("/apis/storage.k8s.io/v1/storageclasses", [], "rwxvolumes"),
        ("/apis/cert-manager.io/v1/clusterissuers", [], "autocerts"),
    ],
)
def test_a_planted_fault_fails_its_check(cluster: Any, path: str, objects: Any, check: str) -> None:
    cluster.objects[path] = objects
    assert status(verdict(live.read(cluster.kubeconfig(), None)), check) is Status.FAIL


def test_an_api_server_that_allows_everything_fails(cluster: Any) -> None:
    cluster.allows_everything = True
    assert status(verdict(live.read(cluster.kubeconfig(), None)), "rbac") is Status.FAIL


@pytest.mark.parametrize(
    ("path", "check"),
    [
        ("/api/v1/nodes", "hamasters"),
        ("/api/v1/nodes", "multiaz"),
        ("/api/v1/nodes", "privatenetworking"),
        ("/apis/apps/v1/deployments", "autocerts"),
        ("/apis/storage.k8s.io/v1/storageclasses", "rwxvolumes"),
        ("/apis/cert-manager.io/v1/clusterissuers", "autocerts"),
        ("/apis/apiregistration.k8s.io/v1/apiservices", "metrics"),
        ("/apis/authorization.k8s.io/v1/subjectaccessreviews", "rbac"),
    ],
)
@pytest.mark.parametrize("code", [403, 500])
def test_what_may_not_be_read_is_undetermined_with_its_reason(cluster: Any, path: str, check: str, code: int) -> None:
    cluster.refused[path] = code
    gathered = live.read(cluster.kubeconfig(), None)
    found = verdict(gathered)
    assert status(found, check) is Status.UNDETERMINED
    (result,) = (item for item in found.checks if item.rule.official == check)
    reasons = {gap.why for finding in result.findings for gap in finding.outcome.gaps}
    assert any("forbidden" in why or "answered 500" in why for why in reasons), reasons
    assert found.summary.passed + found.summary.failed + found.summary.undetermined == 15


def test_pages_are_followed_and_what_has_an_owner_is_left_to_it(cluster: Any) -> None:
    owned = {"metadata": {"name": "p", "ownerReferences": [{"kind": "ReplicaSet"}]}}
    cluster.objects["/api/v1/pods"] = [owned, {"metadata": {"name": "bare"}}]
    resources = live.read(cluster.kubeconfig(), None).inventory.resources
    assert [item.name for item in resources if item.type.endswith(":Pod")] == ["bare"]
    assert len([item for item in resources if item.type.endswith(":Node")]) == 6


def test_a_list_that_expires_between_its_pages_is_read_again_as_one(cluster: Any) -> None:
    cluster.forgets = True
    resources = live.read(cluster.kubeconfig(), None).inventory.resources
    assert len([item for item in resources if item.type.endswith(":Node")]) == 6


def test_a_kind_is_read_in_the_first_version_that_serves_it(cluster: Any) -> None:
    cluster.groups["policies.kyverno.io"] = "v1,v1beta1"
    cluster.served = {
        "/apis/policies.kyverno.io/v1": ["imagevalidatingpolicies"],
        "/apis/policies.kyverno.io/v1beta1": ["imagevalidatingpolicies", "namespacedimagevalidatingpolicies"],
    }
    policy = {"metadata": {"name": "signed", "namespace": "web"}, "spec": {"validationActions": ["Deny"]}}
    cluster.objects["/apis/policies.kyverno.io/v1beta1/namespacedimagevalidatingpolicies"] = [policy]
    cluster.objects["/apis/policies.kyverno.io/v1/imagevalidatingpolicies"] = []
    gathered = live.read(cluster.kubeconfig(), None)
    (found,) = Model(gathered.inventory, Scope(stack="x"), DAY).verifications
    assert (found.subject.name, found.refuses) == ("signed", True)
    assert gathered.inventory.gaps == ()


def test_definitions_that_may_not_be_read_are_not_missing(cluster: Any) -> None:
    cluster.objects["/apis/apps/v1/deployments"] = []  # cert-manager comes by a chart alone, which does not bring them
    source = {"chart": "cert-manager", "repoURL": "https://charts.jetstack.io", "targetRevision": "v1.21.2"}
    application = {"metadata": {"name": "cert-manager"}, "spec": {"source": source}}
    cluster.groups |= {"argoproj.io": "v1alpha1", "apiextensions.k8s.io": "v1"}
    cluster.objects["/apis/argoproj.io/v1alpha1/applications"] = [application]
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster.objects[path] = []
    assert status(verdict(live.read(cluster.kubeconfig(), None)), "autocerts") is Status.FAIL
    cluster.objects[path] = [{"metadata": {"name": "certificates.cert-manager.io"}}]
    assert status(verdict(live.read(cluster.kubeconfig(), None)), "autocerts") is Status.PASS
    cluster.refused[path] = 403
    assert status(verdict(live.read(cluster.kubeconfig(), None)), "autocerts") is Status.UNDETERMINED


def test_what_is_not_served_is_not_asked_for_and_so_not_taken_for_forbidden(cluster: Any) -> None:
    cluster.groups["argoproj.io"] = "v1alpha1"  # Argo Rollouts without Argo CD, say
    cluster.served["/apis/argoproj.io/v1alpha1"] = ["rollouts"]
    for plural in ("applications", "applicationsets", "appprojects"):
        cluster.refused[f"/apis/argoproj.io/v1alpha1/{plural}"] = 403
    assert live.read(cluster.kubeconfig(), None).inventory.gaps == ()


class _Asked(Inventory):
    """Remembers the kinds that the model looks for."""

    kinds_asked: ClassVar[set[tuple[str, tuple[str, ...]]]] = set()

    def objects(self, kind: str, *groups: str) -> list[KubernetesObject]:
        self.kinds_asked.add((kind, groups))
        return super().objects(kind, *groups)


def test_every_kind_that_the_model_looks_for_is_read_or_left_alone_with_a_reason() -> None:
    _Asked.kinds_asked.clear()
    model = Model(_Asked(()), Scope(stack="x"), DAY)
    for name, part in vars(Model).items():
        if isinstance(part, (property, cached_property)):
            getattr(model, name)
    read = {(kind, group) for group, kinds in live.WANTED.items() for kind, _ in kinds}
    kinds = {kind for kind, _ in read}
    missing = {
        (kind, groups)
        for kind, groups in _Asked.kinds_asked
        if not (any((kind, group) in read for group in groups) if groups else kind in kinds)
    }
    assert len(_Asked.kinds_asked) > 30
    elsewhere = {one for one in missing if one[0].endswith("ControlPlane") or "cluster.x-k8s.io" in one[1]}
    assert {kind for kind, _ in missing - elsewhere} == live.NOT_READ.keys() - {"Cluster"}


def test_a_version_that_may_not_be_read_is_unknown(cluster: Any) -> None:
    cluster.refused["/version"] = 403
    model = Model(live.read(cluster.kubeconfig(), None).inventory, Scope(stack="x"), DAY)
    assert isinstance(model.control_planes[0].version, Unknown)


def test_a_cluster_that_cannot_be_reached_or_does_not_know_us_is_one_fault(cluster: Any, tmp_path: Path) -> None:
    (fault,) = live.read(cluster.kubeconfig(token="wrong"), None).faults
    assert "does not accept who asks" in fault.what
    gathered = live.read(cluster.kubeconfig(port=1), None)
    (fault,) = gathered.faults
    assert "cannot be reached" in fault.what
    assert (verdict(gathered).summary.failed, verdict(gathered).summary.undetermined) == (0, 15)
    cluster.refused = {"/version": 404, "/apis": 404}
    (fault,) = live.read(cluster.kubeconfig(), None).faults
    assert "no Kubernetes API server" in fault.what
    (fault,) = live.read(cluster.kubeconfig(), "nowhere").faults
    assert "nowhere" in fault.what
    (fault,) = live.read(tmp_path / "absent", None).faults
    assert fault.file.endswith("absent")
    (tmp_path / "broken").write_text("a: [")
    (fault,) = live.read(tmp_path / "broken", None).faults
    assert "cannot be read" in fault.what


def test_a_certificate_of_somebody_else_is_refused(cluster: Any, stand_in: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stand_in.certificate(other)
    (tmp_path / "ca.pem").write_bytes((other / "ca.pem").read_bytes())
    (fault,) = live.read(cluster.kubeconfig(), None).faults
    assert "cannot be reached" in fault.what
    assert stand_in.TOKEN not in str(fault)


@pytest.mark.parametrize(
    ("claims", "phase", "expected"),
    [(201, "Bound", Status.PASS), (201, "Pending", Status.UNDETERMINED), (403, "", Status.UNDETERMINED)],
)
def test_a_probe_tells_what_became_of_its_claim_and_leaves_nothing_behind(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, claims: int, phase: str, expected: Status
) -> None:
    monkeypatch.setattr(probe.claims, "__defaults__", (0.2,))
    cluster.objects["/apis/storage.k8s.io/v1/storageclasses"] = [
        {"metadata": {"name": "new"}, "provisioner": "unheard.of"},
        {"metadata": {"name": "late"}, "provisioner": "unheard.of", "volumeBindingMode": "WaitForFirstConsumer"},
    ]
    cluster.claims, cluster.phase = claims, phase
    assert status(verdict(live.read(cluster.kubeconfig(), None)), "rwxvolumes") is Status.UNDETERMINED
    assert not [asked for asked in cluster.asked if asked.endswith("default/persistentvolumeclaims")]
    assert status(verdict(live.read(cluster.kubeconfig(), None, probe=True)), "rwxvolumes") is expected
    assert len([asked for asked in cluster.asked if asked.startswith("POST /api/v1/namespaces/default/")]) == 1
    assert len([asked for asked in cluster.asked if asked.startswith("DELETE ")]) == 1
    assert not [item for item in cluster.made if claims == 201]


def test_a_claim_that_does_not_go_away_is_named(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe.claims, "__defaults__", (0.2,))
    monkeypatch.setattr(probe, "_LEAVING", 0.2)
    cluster.objects["/apis/storage.k8s.io/v1/storageclasses"] = [
        {"metadata": {"name": "new"}, "provisioner": "unheard.of"}
    ]
    cluster.stuck = True
    found = verdict(live.read(cluster.kubeconfig(), None, probe=True))
    assert status(found, "rwxvolumes") is Status.UNDETERMINED
    assert any("may be left behind" in gap.why for one in found.findings for gap in one.outcome.gaps)


def test_who_may_read_namespaces_only_gets_no_fail_and_no_pass_over_what_was_not_seen(cluster: Any) -> None:
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    cluster.objects = {"/api/v1/namespaces": [{"metadata": {"name": "a", "labels": {"kade.dev/team": "a", **labels}}}]}
    cluster.groups = dict.fromkeys([group for group in live.WANTED if group], "v1")
    for group, kinds in live.WANTED.items():
        for kind, plural in kinds:
            if kind != "Namespace":
                cluster.refused[f"/apis/{group}/v1/{plural}" if group else f"/api/v1/{plural}"] = 403
    found = verdict(live.read(cluster.kubeconfig(), None)).findings
    assert [finding.rule for finding in found if finding.status in (Status.FAIL, Status.ERROR)] == []
    seen = {"haven-kubernetesversion", "haven-rbac", "pod_security-namespace-labels", "tenancy-pod-security-labels"}
    assert {finding.rule for finding in found if finding.status is Status.PASS} == seen
