"""Update, replace, delete, read and import, as the engine drives a stand-in."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.engine

CLUSTER = """
import pulumi_kubernetes as k8s

kc = k8s.Provider("kc", kubeconfig="{}")


def config_map(name, data, **metadata):
    return k8s.core.v1.ConfigMap(name, metadata={"name": name, **metadata}, data=data, opts=opts(kc))


def deployment(label):
    return k8s.apps.v1.Deployment(
        "web", metadata={"name": "web", "namespace": "shop"},
        spec={"replicas": 3, "selector": {"match_labels": {"app": label}},
              "template": {"metadata": {"labels": {"app": label}},
                           "spec": {"containers": [{"name": "c", "image": "i"}]}}}, opts=opts(kc))
"""

INVENTORY = """
import pulumi_vsphere as vsphere

vs = vsphere.Provider("vs", user="u", password="p", vsphere_server="vcenter.example")


def category(name, cardinality="SINGLE", description=None):
    return vsphere.TagCategory("category", name=name, cardinality=cardinality, description=description,
                               associable_types=["VirtualMachine"], opts=opts(vs))
"""


def test_a_changed_field_is_an_update_and_the_manifest_follows(rehearsal: Rehearsal) -> None:
    rehearsal.program(CLUSTER + 'config_map("cm", {"a": "1"})\nk8s.core.v1.ConfigMap("auto", data={}, opts=opts(kc))')
    assert rehearsal.up().code == 0
    before = rehearsal.manifests()
    rehearsal.program(CLUSTER + 'config_map("cm", {"a": "2"})\nk8s.core.v1.ConfigMap("auto", data={}, opts=opts(kc))')
    done = rehearsal.up()
    assert done.changes == {"same": 3, "update": 1}
    assert rehearsal.manifests() == before  # the made-up name of `auto` stays too
    assert "a: '2'" in rehearsal.manifest("1-manifest/v1-configmap-default-cm.yaml")


def test_an_immutable_field_with_one_name_deletes_before_it_creates(rehearsal: Rehearsal) -> None:
    rehearsal.program(CLUSTER + 'deployment("a")')
    assert rehearsal.up().code == 0
    rehearsal.program(CLUSTER + 'deployment("b")')
    done = rehearsal.up()
    assert done.changes == {"same": 2, "replace": 1}, done.output
    assert "app: b" in rehearsal.manifest("1-manifest/apps_v1-deployment-shop-web.yaml")
    assert len(rehearsal.objects("kubernetes")) == 1
    refreshed = rehearsal.pulumi("refresh", "--yes").output
    assert "deleted" not in refreshed


def test_another_namespace_is_another_object(rehearsal: Rehearsal) -> None:
    rehearsal.program(CLUSTER + 'config_map("cm", {}, namespace="one")')
    assert rehearsal.up().code == 0
    rehearsal.program(CLUSTER + 'config_map("cm", {}, namespace="two")')
    assert rehearsal.up().changes == {"same": 2, "replace": 1}
    assert rehearsal.manifests() == ["1-manifest/v1-configmap-two-cm.yaml"]


def test_an_auto_named_object_is_replaced_under_a_new_name(rehearsal: Rehearsal) -> None:
    text = 'k8s.core.v1.Service("auto", metadata={{}}, spec={{"clusterIP": "{}"}}, opts=opts(kc))'
    rehearsal.program(CLUSTER + text.format("192.0.2.1"))
    assert rehearsal.up().code == 0
    (before,) = rehearsal.manifests()
    rehearsal.program(CLUSTER + text.format("192.0.2.2"))
    done = rehearsal.up()
    assert done.changes == {"same": 2, "replace": 1}, done.output
    (after,) = rehearsal.manifests()
    assert after.startswith("1-manifest/v1-service-default-auto-")
    assert after != before


def test_what_vsphere_cannot_change_is_replaced_and_the_rest_updated(rehearsal: Rehearsal) -> None:
    rehearsal.program(INVENTORY + 'pulumi.export("id", category("role").id)')
    assert rehearsal.up().code == 0
    first = rehearsal.outputs()["id"]
    rehearsal.program(INVENTORY + 'pulumi.export("id", category("role", description="d").id)')
    assert rehearsal.up().changes == {"same": 2, "update": 1}
    assert rehearsal.outputs()["id"] == first
    rehearsal.program(INVENTORY + 'pulumi.export("id", category("role", cardinality="MULTIPLE", description="d").id)')
    assert rehearsal.up().changes == {"same": 2, "replace": 1}
    assert rehearsal.outputs()["id"] != first
    assert len(rehearsal.objects("vsphere")) == 1


def test_a_refresh_finds_what_is_gone_and_up_makes_it_again(rehearsal: Rehearsal) -> None:
    rehearsal.program(CLUSTER + 'config_map("cm", {"a": "1"})' + INVENTORY + 'category("role")')
    assert rehearsal.up().code == 0
    shutil.rmtree(rehearsal.workspace.folder / "objects")
    refreshed = rehearsal.pulumi("refresh", "--yes")
    assert refreshed.code == 0
    assert not rehearsal.resources("kubernetes:core/v1:ConfigMap")
    assert rehearsal.up().changes == {"same": 3, "create": 2}


def test_manifests_that_somebody_deleted_come_back_without_a_change(rehearsal: Rehearsal) -> None:
    rehearsal.program(CLUSTER + 'config_map("cm", {"a": "1"})')
    assert rehearsal.up().code == 0
    before = rehearsal.manifests()
    shutil.rmtree(rehearsal.workspace.out)
    assert rehearsal.up().changed == 0
    assert rehearsal.manifests() == before


def test_an_existing_object_can_be_imported(rehearsal: Rehearsal) -> None:
    rehearsal.program(CLUSTER + 'config_map("cm", {"a": "1"})' + INVENTORY + 'category("role")')
    assert rehearsal.up().code == 0
    cm, category = (
        rehearsal.resources("kubernetes:core/v1:ConfigMap")[0],
        rehearsal.resources("vsphere:index/tagCategory:TagCategory")[0],
    )
    for resource, name in ((cm, "cm"), (category, "category")):
        assert rehearsal.pulumi("state", "delete", resource["urn"], "--yes").code == 0
        provider = resource["provider"].rsplit("::", 1)[0]
        imported = rehearsal.pulumi(
            "import", resource["type"], name, resource["id"], "--yes", "--generate-code=false", "--protect=false",
            "--provider", f"{provider.rsplit('::', 1)[1]}={provider}",
        )  # fmt: skip
        assert imported.code == 0, imported.output
    again = rehearsal.up()
    assert (again.code, again.changed) == (0, 0), again.output
    missing = rehearsal.pulumi("import", "kubernetes:core/v1:ConfigMap", "x", "default/none", "--yes",
                               "--generate-code=false")  # fmt: skip
    assert missing.code != 0


def test_destroy_leaves_nothing(rehearsal: Rehearsal) -> None:
    rehearsal.program(CLUSTER + 'config_map("cm", {"a": "1"})' + INVENTORY + 'category("role")')
    assert rehearsal.up().code == 0
    assert rehearsal.pulumi("destroy", "--yes").code == 0
    assert rehearsal.manifests() == []
    assert rehearsal.objects("kubernetes") == rehearsal.objects("vsphere") == []


def test_the_provider_s_namespace_and_folder_are_honoured(rehearsal: Rehearsal) -> None:
    folder = rehearsal.folder / "gitops"
    rehearsal.program(
        CLUSTER
        + f"""
inside = k8s.Provider("inside", kubeconfig="{{}}", namespace="shop")
k8s.core.v1.ConfigMap("a", metadata={{"name": "a"}}, opts=opts(inside))
k8s.core.v1.Namespace("n", metadata={{"name": "n"}}, opts=opts(inside))
k8s.apiextensions.CustomResource("i", api_version="cert-manager.io/v1", kind="ClusterIssuer", metadata={{"name": "i"}},
                                 spec={{}}, opts=opts(inside))
files = k8s.Provider("files", render_yaml_to_directory={str(folder)!r})
k8s.core.v1.ConfigMap("b", metadata={{"name": "b"}}, opts=opts(files))
k8s.apiextensions.v1.CustomResourceDefinition(
    "c", metadata={{"name": "foos.x.example"}},
    spec={{"group": "x.example", "scope": "Namespaced", "names": {{"kind": "Foo", "plural": "foos"}}, "versions": []}},
    opts=opts(files))
"""
    )
    done = rehearsal.up()
    assert done.code == 0, done.output
    assert rehearsal.manifests() == [
        "1-manifest/cert-manager.io_v1-clusterissuer-default-i.yaml",
        "1-manifest/v1-configmap-shop-a.yaml",
        "1-manifest/v1-namespace-default-n.yaml",
    ]
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*.yaml")) == [
        "0-crd/apiextensions.k8s.io_v1-customresourcedefinition-default-foos.x.example.yaml",
        "1-manifest/v1-configmap-default-b.yaml",
    ]
