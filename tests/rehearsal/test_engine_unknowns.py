"""What is known at preview, by type: exactly what the official provider knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.engine

PROGRAM = """
import json

import pulumi_kubernetes as k8s
import pulumi_vault as vault
import pulumi_vsphere as vsphere
import pulumiverse_talos as talos

SEEN = os.environ["KADE_OUT"] + "/seen.jsonl"
os.makedirs(os.environ["KADE_OUT"], exist_ok=True)
if os.path.exists(SEEN):
    os.unlink(SEEN)


def watch(name, /, **outputs):
    for key, output in outputs.items():
        def seen(value, key=key):
            with open(SEEN, "a") as file:
                file.write(json.dumps(f"{name}.{key}") + "\\n")
        output.apply(seen)
    for key in outputs:
        with open(SEEN, "a") as file:
            file.write(json.dumps(f"asked {name}.{key}") + "\\n")


vs = vsphere.Provider("vs", user="u", password="p", vsphere_server="vcenter.example")
datacenter = vsphere.get_datacenter(name="dc1", opts=ask(vs))
cluster = vsphere.get_compute_cluster(name="compute", datacenter_id=datacenter.id, opts=ask(vs))
folder = vsphere.Folder("folder", path="kade", type="vm", datacenter_id=datacenter.id, opts=opts(vs))
watch("folder", id=folder.id, path=folder.path)
category = vsphere.TagCategory("category", name="role", cardinality="SINGLE",
                               associable_types=["VirtualMachine"], opts=opts(vs))
watch("category", id=category.id, name=category.name, cardinality=category.cardinality)
tag = vsphere.Tag("tag", category_id=category.id, opts=opts(vs))
watch("tag", id=tag.id, name=tag.name, category_id=tag.category_id)
library = vsphere.ContentLibrary("library", name="kade", storage_backings=["datastore-1"], opts=opts(vs))
watch("library", id=library.id, name=library.name, publication=library.publication)
schematic = talos.imagefactory.Schematic("schematic", schematic="customization: {}",
                                         opts=opts(ta := talos.Provider("ta")))
watch("schematic", id=schematic.id, schematic=schematic.schematic)
urls = talos.imagefactory.get_urls_output(schematic_id=schematic.id, talos_version="v1.13.0", platform="vmware",
                                          opts=ask(ta))
watch("urls", disk=urls.urls.disk_image)
item = vsphere.ContentLibraryItem("item", name="talos", library_id=library.id, file_url=urls.urls.disk_image,
                                  opts=opts(vs))
watch("item", id=item.id, name=item.name, type=item.type, file_url=item.file_url)
vm = vsphere.VirtualMachine("vm", name="vm1", resource_pool_id=cluster.resource_pool_id, folder="kade", num_cpus=2,
                            memory=4096, tags=[tag.id], network_interfaces=[{"networkId": "network-1"}],
                            opts=opts(vs))
watch("vm", id=vm.id, name=vm.name, num_cpus=vm.num_cpus, memory=vm.memory, folder=vm.folder, tags=vm.tags,
      moid=vm.moid, uuid=vm.uuid, default_ip_address=vm.default_ip_address, guest_ip_addresses=vm.guest_ip_addresses,
      power_state=vm.power_state, resource_pool_id=vm.resource_pool_id, host_system_id=vm.host_system_id,
      datastore_id=vm.datastore_id, guest_id=vm.guest_id, vmx_path=vm.vmx_path)
group = vsphere.ComputeClusterVmGroup("group", compute_cluster_id=cluster.id, virtual_machine_ids=[vm.id],
                                      opts=opts(vs))
watch("group", id=group.id, name=group.name, compute_cluster_id=group.compute_cluster_id,
      virtual_machine_ids=group.virtual_machine_ids)
hosts = vsphere.ComputeClusterHostGroup("hosts", compute_cluster_id=cluster.id, host_system_ids=["host-1"],
                                        opts=opts(vs))
watch("hosts", id=hosts.id, name=hosts.name, host_system_ids=hosts.host_system_ids)
rule = vsphere.ComputeClusterVmHostRule("rule", compute_cluster_id=cluster.id, vm_group_name=group.name,
                                        affinity_host_group_name=hosts.name, mandatory=True, opts=opts(vs))
watch("rule", id=rule.id, mandatory=rule.mandatory, enabled=rule.enabled, vm_group_name=rule.vm_group_name)
apart = vsphere.ComputeClusterVmAntiAffinityRule("apart", compute_cluster_id=cluster.id,
                                                 virtual_machine_ids=[vm.id], opts=opts(vs))
watch("apart", id=apart.id, name=apart.name, enabled=apart.enabled)

secrets = talos.machine.Secrets("secrets", opts=opts(ta))
watch("secrets", id=secrets.id, talos_version=secrets.talos_version, machine_secrets=secrets.machine_secrets,
      client_configuration=secrets.client_configuration)
configuration = talos.machine.get_configuration_output(
    cluster_name="c", cluster_endpoint="https://10.0.0.1:6443", machine_type="controlplane",
    machine_secrets=secrets.machine_secrets, opts=ask(ta))
watch("configuration", machine_configuration=configuration.machine_configuration)
applied = talos.machine.ConfigurationApply(
    "apply", node="10.0.0.2", client_configuration=secrets.client_configuration,
    machine_configuration_input=configuration.machine_configuration,
    config_patches=["machine: {nodeLabels: {topology.kubernetes.io/zone: a}}"], opts=opts(ta))
watch("apply", id=applied.id, node=applied.node, endpoint=applied.endpoint, apply_mode=applied.apply_mode,
      config_patches=applied.config_patches, machine_configuration=applied.machine_configuration,
      machine_configuration_hash=applied.machine_configuration_hash, resolved_apply_mode=applied.resolved_apply_mode)
bootstrap = talos.machine.Bootstrap("bootstrap", node="10.0.0.2",
                                    client_configuration=secrets.client_configuration, opts=opts(ta))
watch("bootstrap", id=bootstrap.id, node=bootstrap.node, endpoint=bootstrap.endpoint)
kubeconfig = talos.cluster.Kubeconfig("kubeconfig", node="10.0.0.2",
                                      client_configuration=secrets.client_configuration, opts=opts(ta))
watch("kubeconfig", id=kubeconfig.id, endpoint=kubeconfig.endpoint, raw=kubeconfig.kubeconfig_raw,
      renewal=kubeconfig.certificate_renewal_duration, client=kubeconfig.kubernetes_client_configuration)

va = vault.Provider("va", address="https://vault.example", token="t")
mount = vault.Mount("mount", path="kv", type="kv-v2", opts=opts(va))
watch("mount", id=mount.id, path=mount.path, accessor=mount.accessor)
policy = vault.Policy("policy", policy="path {}", opts=opts(va))
watch("policy", id=policy.id, name=policy.name, policy=policy.policy)
jwt = vault.jwt.AuthBackend("jwt", path="jwt-shared", jwks_url="https://k.example", opts=opts(va))
watch("jwt", id=jwt.id, path=jwt.path, accessor=jwt.accessor)
role = vault.jwt.AuthBackendRole("role", backend=jwt.path, role_name="team", user_claim="sub", opts=opts(va))
watch("role", id=role.id, role_name=role.role_name, role_type=role.role_type)
team = vault.identity.Group("team", type="external", opts=opts(va))
watch("team", id=team.id, name=team.name, type=team.type)
kept = vault.kv.SecretV2("kept", mount=mount.path, name="app", data_json='{"a": "b"}', opts=opts(va))
watch("kept", id=kept.id, path=kept.path, mount=kept.mount)

late = k8s.Provider("late", kubeconfig=kubeconfig.kubeconfig_raw)
behind = k8s.core.v1.Namespace("behind", metadata={"name": "behind"}, opts=opts(late))
watch("behind", name=behind.metadata.name)
kc = k8s.Provider("kc", kubeconfig="{}")
service = k8s.core.v1.Service("service", metadata={"name": "web"}, spec={"type": "LoadBalancer"}, opts=opts(kc))
watch("service", id=service.id, name=service.metadata.name, type=service.spec.type, uid=service.metadata.uid,
      address=service.status.load_balancer.ingress[0].ip)
named = k8s.core.v1.ConfigMap("named", data={"a": "b"}, opts=opts(kc))
watch("named", name=named.metadata.name, data=named.data, version=named.metadata.resource_version)
release = k8s.helm.v3.Release("release", chart="cilium", version="1.20.2", name="cilium", namespace="kube-system",
                              opts=opts(kc))
watch("release", name=release.name, chart=release.chart, status=release.status)
"""

KNOWN = {
    "folder.path", "category.name", "category.cardinality", "tag.name", "library.name", "schematic.schematic",
    "item.name", "item.type", "vm.name", "vm.num_cpus", "vm.memory", "vm.folder", "vm.resource_pool_id", "group.name",
    "group.compute_cluster_id", "hosts.name", "hosts.host_system_ids", "rule.mandatory", "rule.enabled",
    "rule.vm_group_name", "apart.name", "apart.enabled", "secrets.talos_version", "apply.node", "apply.endpoint",
    "apply.apply_mode", "apply.config_patches", "bootstrap.node", "bootstrap.endpoint", "kubeconfig.endpoint",
    "kubeconfig.renewal", "mount.path", "policy.name", "policy.policy", "jwt.path", "role.role_name", "team.name",
    "team.type", "kept.mount", "service.name", "service.type", "named.name", "named.data", "release.name",
    "release.chart", "service.uid", "named.version",
}  # fmt: skip
"""Everything else that the program asks for is unknown at the first preview.

What a server adds to `metadata` is absent at preview, not unknown, so the SDK reads it as known nothing. Of `behind`
the engine knows nothing: while a provider's own configuration is unknown it does not ask the provider.
"""


def _seen(rehearsal: Rehearsal) -> tuple[set[str], set[str]]:
    lines = [json.loads(line) for line in (rehearsal.workspace.out / "seen.jsonl").read_text().splitlines()]
    asked = {line.removeprefix("asked ") for line in lines if line.startswith("asked ")}
    return asked, {line for line in lines if not line.startswith("asked ")}


def test_what_the_official_providers_know_at_preview_is_known_and_nothing_else(rehearsal: Rehearsal) -> None:
    rehearsal.program(PROGRAM)
    done = rehearsal.preview()
    assert done.code == 0, done.output
    asked, known = _seen(rehearsal)
    assert len(asked) == 99
    assert known == KNOWN


def test_every_output_that_a_program_reads_has_a_value_after_up_and_again_changes_nothing(rehearsal: Rehearsal) -> None:
    rehearsal.program(PROGRAM)
    first = rehearsal.up()
    assert first.code == 0, first.output
    asked, known = _seen(rehearsal)
    assert known == asked
    again = rehearsal.up()
    assert (again.code, again.changed, again.resources) == (0, 0, first.resources), again.output
    # Nothing has changed, so the preview of the second run knows what the first has made.
    assert rehearsal.preview().code == 0
    assert _seen(rehearsal) == (asked, asked)
