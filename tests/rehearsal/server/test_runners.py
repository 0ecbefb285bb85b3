"""Runners with identities of their own at a real API server: what their rights and their bound let through.

The client is kubectl with the kubeconfig that the program writes, so this also shows that Kubernetes' own client takes
the identity from it.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from components.cluster.runner_bounds import NAME, bounds
from components.cluster.runners import RunnersArgs, granted
from components.teams.access import deploy_rules, view_rules
from rehearsal.backends.pki import Authority
from rehearsal.joining import RUNNERS
from stacks.runner import CERTIFICATE, COMMAND, KEY, TOKEN, kubeconfig
from tests.rehearsal.server.conftest import Cluster

pytestmark = pytest.mark.engine

ENGINE, TEAM, PLATFORM = "argocd", "web-runners", "openbao"
OWN = [{"server": "s", "namespace": TEAM}, {"server": "s", "namespace": ENGINE}]
RBAC = "rbac.authorization.k8s.io"
Object = dict[str, Any]


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def account(within: str, name: str = "someone") -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": within}}


def role(rules: list[Object], within: str | None = TEAM) -> Object:
    metadata = {"name": "runners", **({"namespace": within} if within else {})}
    kind = "Role" if within else "ClusterRole"
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules}


def binding(kind: str, name: str, within: str | None = TEAM) -> Object:
    metadata = {"name": "runners", **({"namespace": within} if within else {})}
    return {
        "apiVersion": f"{RBAC}/v1", "kind": "RoleBinding" if within else "ClusterRoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "oidc:web"}],
    }  # fmt: skip


def project(name: str, destinations: list[Object] = OWN, **more: Any) -> Object:
    spec = {"sourceRepos": ["https://git.voorbeeld.example/x.git"], "destinations": destinations, **more}
    metadata = {"name": name, "namespace": ENGINE}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}


def application(name: str, within: str) -> Object:
    source = {"repoURL": "https://git.voorbeeld.example/x.git", "path": "x"}
    spec = {"project": within, "source": source, "destination": {"server": "s", "namespace": TEAM}}
    metadata = {"name": name, "namespace": ENGINE}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


class Runner:
    """Someone with a client certificate of some groups' and the kubeconfig that the program writes."""

    def __init__(self, cluster: Cluster, folder: Path, groups: str) -> None:
        kubernetes = cluster.kubernetes
        authority = Authority(Path(kubernetes.ca), Path(kubernetes.ca_key))
        pair = authority.issue(folder / f"runner-{groups.replace(':', '-') or 'nobody'}", "runner", groups)
        ca = json.loads(cluster.kubectl("config", "view", "--raw", "--output=json"))["clusters"][0]["cluster"]
        self.config = folder / "runner.kubeconfig"
        self.config.write_text(kubeconfig("test", kubernetes.server, ca["certificate-authority-data"]))
        self.identity = {CERTIFICATE: str(pair.certificate), KEY: str(pair.key)}
        self.kubectl = Path(cluster.endpoints.tools) / "kubectl"

    def run(self, *arguments: str, given: Object | None = None) -> tuple[bool, str]:
        done = subprocess.run(
            [str(self.kubectl), *arguments], input=json.dumps(given) if given else None, text=True, capture_output=True,
            env={"KUBECONFIG": str(self.config), "PATH": os.environ["PATH"], "HOME": "/nonexistent", **self.identity},
            timeout=120, check=False,
        )  # fmt: skip
        return done.returncode == 0, done.stdout + done.stderr

    def apply(self, manifest: Object) -> tuple[bool, str]:
        return self.run("apply", "--server-side", "--filename=-", given=manifest)


@pytest.fixture(scope="module")
def runner(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[str], Runner]]:
    """Give runners their rights as the cluster layer does, and return them by their group."""
    folder = tmp_path_factory.mktemp("runners")
    args = RunnersArgs(
        services=RUNNERS["services"], teams=RUNNERS["teams"], direct=False, debug=True, engine_namespace=ENGINE,
        platform_namespaces=[PLATFORM],
    )  # fmt: skip
    bound = bounds(
        teams=args.teams, others=args.services, engine_namespace=ENGINE, platform_namespaces=args.platform_namespaces
    )
    made: list[Object] = [
        namespace(ENGINE), namespace(PLATFORM), namespace(TEAM, **{"kade/team": "web"}),
        project("services"), application("platform", "services"), *bound, *granted(args),
    ]  # fmt: skip
    for manifest in made:
        cluster.kubectl("apply", "--server-side", "--filename=-", given=json.dumps(manifest))
    teams = Runner(cluster, folder, *RUNNERS["teams"])
    end = time.monotonic() + 60  # the API server takes a new policy over after a moment
    while teams.apply(account(PLATFORM, "probe"))[0]:
        assert time.monotonic() < end, "the bound does not come into force"
    yield lambda groups: Runner(cluster, folder, groups)
    cluster.kubectl("delete", f"validatingadmissionpolicybinding/{NAME}", f"validatingadmissionpolicy/{NAME}")
    roles = [f"{kind}/kade:runners:{layer}" for kind in ("clusterrolebinding", "clusterrole") for layer in RUNNERS]
    cluster.kubectl("delete", *roles)


ALLOWED: dict[str, Object] = {
    "an account in a team's namespace": account(TEAM),
    "a role that hands on what a fence gives": role([*view_rules(), *deploy_rules(debug=True)]),
    "a binding of that role": binding("Role", "runners"),
    "a project of a team": project("web"),
    "a project that makes nothing outside": project("web-empty", clusterResourceWhitelist=[]),
    "an Application of a team": application("web", "web"),
}


def test_a_runner_of_teams_makes_a_fence(runner: Callable[[str], Runner]) -> None:
    teams = runner("kade:teams")
    for what, manifest in {"a namespace": namespace(f"{TEAM}-2", **{"kade/team": "web"}), **ALLOWED}.items():
        done, said = teams.apply(manifest)
        assert done, f"{what}: {said}"
    assert teams.run("delete", "application", "web", f"--namespace={ENGINE}")[0]
    assert teams.run("delete", "namespace", f"{TEAM}-2", "--wait=false")[0]
    assert teams.run("auth", "can-i", "create", "namespaces")[1].startswith("yes")


WHOLE = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
SECRETS = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
ELSEWHERE = [{"server": "s", "namespace": PLATFORM}]
ANYWHERE = [{"server": "s", "namespace": "web-*"}]
REFUSED: dict[str, tuple[Object, str]] = {
    "a namespace that is not a team's": (namespace("web-without-label"), "with the label kade/team"),
    "an account in a namespace of the platform": (account(PLATFORM), "only in namespaces with the label"),
    "an account beside the engine": (account(ENGINE), "only Applications and AppProjects"),
    "a role that reads secrets": (role(SECRETS), "not currently held"),
    "a role of the whole cluster": (role([], None), "cannot patch resource"),
    "a binding to cluster-admin": (binding("ClusterRole", "cluster-admin"), "not currently held"),
    "a binding of the whole cluster": (binding("ClusterRole", "view", None), "cannot patch resource"),
    "a project for the platform's namespace": (project("web-2", ELSEWHERE), "named namespaces of teams"),
    "a project for any namespace": (project("web-3", ANYWHERE), "named namespaces of teams"),
    "a project that makes objects outside": (
        project("web-4", clusterResourceWhitelist=[{"group": "*", "kind": "*"}]), "makes nothing outside"
    ),
    "the services' own project": (project("services"), "no AppProject of the platform"),
    "an Application in the engine's own project": (application("web-2", "default"), "no Application of the platform"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_runner_of_teams_makes_nothing_else(runner: Callable[[str], Runner], what: str) -> None:
    manifest, reason = REFUSED[what]
    done, said = runner("kade:teams").apply(manifest)
    assert not done
    assert reason in said


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("label namespace kube-system kade/team=web", "with the label kade/team"),
        (f"label namespace {TEAM} kade/team-", "with the label kade/team"),
        (f"delete namespace {PLATFORM} --wait=false", "with the label kade/team"),
        (f"delete appproject services --namespace={ENGINE}", "no AppProject of the platform"),
        (f"delete application platform --namespace={ENGINE}", "no Application of the platform"),
        ("get secrets --all-namespaces", "cannot list resource"),
    ],
)
def test_a_runner_of_teams_touches_nothing_of_others(
    runner: Callable[[str], Runner], command: str, reason: str
) -> None:
    done, said = runner("kade:teams").run(*command.split())
    assert not done
    assert reason in said


def test_a_runner_of_teams_cannot_take_an_application_of_the_platform_over(runner: Callable[[str], Runner]) -> None:
    patch = '--patch={"spec":{"project":"web"}}'
    place = ("patch", "application", "platform", f"--namespace={ENGINE}", "--type=merge")
    done, said = runner("kade:teams").run(*place, patch)
    assert not done
    assert "no Application of the platform" in said


def test_a_runner_of_services_installs_the_engine_and_reaches_no_nodes(runner: Callable[[str], Runner]) -> None:
    services = runner("kade:services")
    for manifest in (namespace("keycloak"), role(WHOLE, None), binding("ClusterRole", "runners", None)):
        done, said = services.apply(manifest)
        assert done, said
    assert services.apply(application("platform-2", "services"))[0]
    assert services.run("delete", "clusterrole/runners", "clusterrolebinding/runners")[0]
    assert not services.run("get", "nodes")[0]
    assert not services.run("auth", "can-i", "create", "pods/exec")[0]


def test_a_runner_in_no_group_may_do_nothing(runner: Callable[[str], Runner]) -> None:
    done, said = runner("kade:nobody").run("get", "namespaces")
    assert not done
    assert 'User "runner" cannot list resource' in said


def test_a_token_and_a_command_are_identities_too(
    cluster: Cluster, runner: Callable[[str], Runner], tmp_path: Path
) -> None:
    someone = runner("kade:nobody")
    cluster.kubectl("apply", "--server-side", "--filename=-", given=json.dumps(account(PLATFORM, "robot")))
    token = cluster.kubectl("create", "token", "robot", f"--namespace={PLATFORM}").strip()
    (tmp_path / "token").write_text(f"{token}\n")
    made = {
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    }  # fmt: skip
    (tmp_path / "credential").write_text(json.dumps(made))
    for identity in ({TOKEN: str(tmp_path / "token")}, {COMMAND: f"cat {tmp_path}/credential"}):
        someone.identity = identity
        done, said = someone.run("auth", "whoami")
        assert done, said
        assert f"system:serviceaccount:{PLATFORM}:robot" in said
