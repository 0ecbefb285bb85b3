"""No output ever holds a secret, marked or not."""

from __future__ import annotations

from typing import Any

from policies.fixtures import Example
from policies.pack.run import FILES
from policies.sources.wire import SECRET_SIGNATURE, SIGNATURE

PLANTED = "pl4nted-s3cr3t"


def test_no_output_ever_holds_a_secret(engine: Any) -> None:
    secret = {SIGNATURE: SECRET_SIGNATURE, "value": PLANTED}
    planted = [
        Example("kubernetes:core/v1:Secret", "s", {"metadata": {"name": "s"}, "stringData": {"k": PLANTED}}, {}),
        Example(
            "kubernetes:core/v1:Secret", "vsphere-cloud-config", {"metadata": {"name": "vsphere"}, "data": secret}, {}
        ),
        Example("kubernetes:core/v1:Namespace", "n", {"metadata": secret}, {}),
        Example("kubernetes:core/v1:ConfigMap", "c", {"metadata": {"name": "c"}, "data": {"vsphere.conf": secret}}, {}),
        Example(
            "kubernetes:helm.sh/v3:Release",
            "r",
            {
                "name": secret,
                "chart": "metrics-server",
                "version": secret,
                "values": {"args": [secret], "password": PLANTED},
            },
            {},
        ),
        Example(
            "kubernetes:apps/v1:DaemonSet",
            "d",
            {
                "metadata": {"name": "d"},
                "spec": {
                    "template": {
                        "spec": {"containers": [{"image": "fluent-bit", "env": [{"name": "P", "value": PLANTED}]}]}
                    }
                },
            },
            {},
        ),
        Example(
            "kubernetes:storage.k8s.io/v1:StorageClass", "sc", {"metadata": {"name": "sc"}, "provisioner": secret}, {}
        ),
        Example(
            "kubernetes:cert-manager.io/v1:ClusterIssuer",
            "i",
            {"metadata": {"name": "i"}, "spec": {"acme": {"server": secret, "solvers": [secret]}}},
            {},
        ),
        Example(
            "talos:machine/configurationApply:ConfigurationApply",
            "t",
            {
                "node": secret,
                "configPatches": [secret, "machine: {type: controlplane}"],
                "machineConfigurationInput": PLANTED,
            },
            {},
        ),
        Example(
            "vsphere:index/virtualMachine:VirtualMachine",
            "v",
            {"name": secret, "tags": [secret], "extraConfig": {"guestinfo.metadata": secret, "other": PLANTED}},
            {},
        ),
        Example(
            "kubernetes:cluster.x-k8s.io/v1beta1:MachineDeployment",
            "m",
            {"metadata": {"name": "m"}, "spec": secret},
            {},
        ),
    ]
    for stack in ("demo", "foreign", "big-cluster", "big-services"):
        answer = engine.run(planted, stack, asked=planted)
        assert PLANTED not in str(answer.response)
        for name in FILES:
            assert PLANTED not in (answer.folder / name).read_text(), name
