"""The live source against a real API server: the same findings as from files, and nothing changed by reading.

Real are the API server, its store and its controllers. Nodes there are none, and nothing makes volumes.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.kernel.judge import judge
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope, Verdict
from policies.kernel.words import Moment, Source, Status
from policies.model.model import Model
from policies.rules import load
from policies.sources import api, live, manifests, probe
from policies.sources.gathered import Gathered
from rehearsal.backends import control
from rehearsal.backends.layout import Layout
from rehearsal.backends.site import Site
from rehearsal.toolchain.progress import Progress

pytestmark = [
    pytest.mark.engine,  # starts an API server: some ten seconds, and minutes where it must be built first
    # The supervisor of the back ends outlives whoever starts it, and is ended by its own order.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

OBJECTS = Path(__file__).with_name("objects.yaml")
RULES = load()
DAY = date(2026, 11, 21)
SITE = Site(
    environment="demo",
    cluster="demo",
    api_endpoint="https://10.20.0.10:6443",
    pod_network="10.244.0.0/16",
    service_network="10.96.0.0/16",
    load_balancer=("10.20.0.100", "10.20.0.110"),
    vault_address=None,
    vcenter_server="vcenter.voorbeeld.example",
    datacenter="dc",
    compute_cluster="cluster",
    hosts=(),
    networks=(),
)


class Cluster:
    """A real API server with the objects of `objects.yaml`."""

    def __init__(self, folder: Path, kubeconfig: Path, tools: Path) -> None:
        self.folder = folder
        self.kubeconfig = kubeconfig
        self._kubectl = (str(tools / "kubectl"), f"--kubeconfig={kubeconfig}")

    def run(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run([*self._kubectl, *arguments], input=given, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        self.run("apply", "--server-side", "-f", "-", given=yaml.safe_dump_all(objects))

    def reader(self, name: str, without: Collection[str] = ()) -> Path:
        """Return a kubeconfig of somebody who may read what the live source reads, and nothing else."""
        rules = [
            {"apiGroups": [group], "resources": plurals, "verbs": ["get", "list"]}
            for group, kinds in live.WANTED.items()
            if (plurals := [plural for kind, plural in kinds if kind not in without])
        ]
        rbac = "rbac.authorization.k8s.io"
        role = {"apiGroup": rbac, "kind": "ClusterRole", "name": name}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
        self.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}},
            {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": role,
                "subjects": [subject],
            },
        )
        config = yaml.safe_load(self.kubeconfig.read_text())
        for user in config["users"]:
            user["user"] = {"token": self.run("create", "token", name).strip()}
        path = self.folder / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        return path

    def written_by(self, name: str) -> set[str]:
        """Return what the audit log has of somebody: it holds everything that is no mere reading."""
        log = (Layout(self.folder).logs / "audit.log").read_text().splitlines()
        events = (json.loads(line) for line in log)
        own = [event for event in events if event["user"]["username"] == f"system:serviceaccount:default:{name}"]
        return {f"{event['verb']} {event['objectRef']['resource']}" for event in own}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("rehearsal")
    try:
        ends = control.start(folder, SITE, Progress(), life=15, parts=("kubernetes",))
        assert ends.kubernetes is not None
        found = Cluster(folder, Path(ends.kubernetes.kubeconfig), Path(ends.tools))
        found.apply(*yaml.safe_load_all(OBJECTS.read_text()))
        yield found
    finally:
        control.down(folder)


def verdict(gathered: Gathered, source: Source) -> Verdict:
    assert gathered.faults == ()
    scope = Scope(stack="demo", cluster="demo", source=source, moment=Moment.LIVE)
    settings = resolve(SettingsFile(), RULES, None, DAY)
    return judge(Model(gathered.inventory, scope, DAY), scope, RULES, settings)


def findings(found: Verdict) -> set[tuple[str, ...]]:
    """Return what is said of the objects in the file, and not of what every cluster has."""
    named = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(OBJECTS.read_text())}
    said: set[tuple[str, ...]] = set()
    for finding in found.findings:
        one = finding.outcome
        if one.subject and (one.subject.kind, one.subject.name) in named and one.subject.namespace != "default":
            what = (one.status.value, str(one.subject), one.path, str(one.expected), str(one.actual), one.sentence)
            said.add((finding.rule, *what))
    return said


def test_files_and_a_cluster_give_the_same_findings_and_reading_changes_nothing(cluster: Cluster) -> None:
    gathered = live.read(cluster.reader("reader"), None)
    assert gathered.inventory.gaps == ()
    seen = findings(verdict(gathered, Source.LIVE))
    assert seen == findings(verdict(manifests.read([OBJECTS]), Source.MANIFESTS))
    assert len(seen) > 40
    assert len({rule for rule, *_ in seen}) > 20
    definitions = [item for item in gathered.inventory.resources if item.type.endswith(":CustomResourceDefinition")]
    assert definitions
    assert not [item.name for item in definitions if "spec" in item.properties]  # their names are all that is asked for
    assert "s3cr3t" not in repr([item.properties for item in gathered.inventory.resources])
    # The two questions about authorisation, which this reader may not even ask; nothing of them is kept.
    assert cluster.written_by("reader") == {"create subjectaccessreviews"}


def test_what_somebody_may_not_read_is_undetermined_and_no_fail(cluster: Cluster) -> None:
    hidden = ("NetworkPolicy", "StorageClass", "Role")
    gathered = live.read(cluster.reader("limited", without=hidden), None)
    assert {gap.path.rpartition(" ")[2] for gap in gathered.inventory.gaps} == {*hidden}
    found = verdict(gathered, Source.LIVE)
    status = {finding.rule: finding.outcome.status for finding in found.findings}
    for rule in ("tenancy-default-deny", "tenancy-rbac-wildcards", "haven-rwxvolumes"):
        assert status[rule] is Status.UNDETERMINED, rule
    assert not [item.type for item in gathered.inventory.resources if item.type.endswith(":Secret")]


def test_the_authorisation_is_asked_where_that_is_allowed(cluster: Cluster) -> None:
    (found,) = Model(live.read(cluster.kubeconfig, None).inventory, Scope(stack="demo"), DAY).control_planes
    assert found.authorization == ("RBAC",)


def test_small_pages_give_what_large_ones_give(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> list[tuple[str, str]]:
        return [(item.type, item.name) for item in live.read(cluster.kubeconfig, None).inventory.resources]

    whole = read()
    assert len([name for type, name in whole if type.endswith(":ClusterRole")]) > 50
    monkeypatch.setattr(api, "_PAGE", "7")
    assert read() == whole


def test_a_probe_where_nothing_makes_volumes_is_undetermined_and_leaves_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe.claims, "__defaults__", (3.0,))
    found = verdict(live.read(cluster.kubeconfig, None, probe=True), Source.LIVE)
    (finding,) = (one for one in found.findings if one.rule == "haven-rwxvolumes")
    assert finding.outcome.status is Status.UNDETERMINED
    assert [gap.why for gap in finding.outcome.gaps] == ["the claim was not bound within 3 seconds"]
    assert json.loads(cluster.run("get", "persistentvolumeclaims", "-A", "-o", "json"))["items"] == []
