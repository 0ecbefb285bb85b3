"""Every object of every environment against the projects' own definitions, field by field, on a real API server."""

from __future__ import annotations

from collections.abc import Generator
from copy import deepcopy
from pathlib import Path

import pytest

from rehearsal.backends import build, crds, crds_template
from rehearsal.backends.api import Client, Object, dig, items
from rehearsal.backends.schemas import Refused, refused
from rehearsal.toolchain.progress import Progress
from tests.conftest import Build
from tests.stacks.test_program import STACKS, built

pytestmark = pytest.mark.engine

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def server() -> Generator[Client]:
    tools = build.prepare(Progress(), ("kubernetes",))
    folder = Path(tools.programs["etcd"]).parent
    with crds_template.serving(folder, Path(tools.template)) as client:
        yield client


def objects(build: Build, stack: str) -> list[Object]:
    """Return the Kubernetes objects of a stack; a Helm release is none."""
    resources = built(build, stack).resources.values()
    return [one.inputs for one in resources if one.type.startswith("kubernetes:") and "kind" in one.inputs]


def test_all_definitions_are_served_from_the_prepared_folder(server: Client) -> None:
    names = {str(dig(one, "metadata", "name")) for one in items(server.get(DEFINITIONS), "items")}
    assert len(names) == sum(len(source.files) for source in crds.sources())
    served = {(kind.group, kind.kind) for kind in server.kinds()}
    assert ("argoproj.io", "Application") in served
    assert ("policies.kyverno.io", "ValidatingPolicy") in served


def test_two_servers_from_the_folder_are_two_clusters(server: Client) -> None:
    def system() -> str:
        return str(dig(server.get("/api/v1/namespaces/kube-system"), "metadata", "creationTimestamp"))

    newest = max(str(dig(one, "metadata", "creationTimestamp")) for one in items(server.get(DEFINITIONS), "items"))
    assert system() > newest, "the namespace that tells clusters apart came with the folder"


def test_every_kind_of_the_program_has_its_definition(server: Client, build: Build) -> None:
    wanted = {(str(one["apiVersion"]), str(one["kind"])) for stack in STACKS for one in objects(build, stack)}
    assert len(wanted) > 25
    assert {server.kind(api, kind).kind for api, kind in wanted} == {kind for _, kind in wanted}


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_server_takes_every_object_of_a_stack(server: Client, build: Build, stack: str) -> None:
    manifests = objects(build, stack)
    if stack.endswith("-machines"):
        assert manifests == []  # that layer talks to vCenter alone
        return
    assert len(manifests) > 5
    assert refused(server, ((stack, one) for one in manifests)) == []


def test_a_wrong_field_is_refused_and_named(server: Client, build: Build) -> None:
    for stack in ("production-services", "production-team-burgerzaken"):
        for right in objects(build, stack):
            if "." not in str(right["apiVersion"]).partition("/")[0] or not right.get("spec"):
                continue
            wrong = deepcopy(right)
            wrong["spec"]["storge"] = "20Gi"
            (found,) = refused(server, [("its file", wrong)])
            assert isinstance(found, Refused)
            assert found.where == "its file"
            assert ".spec.storge" in found.why, found
