from __future__ import annotations

from collections.abc import Callable

import pulumi
import pulumiverse_talos as talos
import pytest
import yaml

from components.cluster import patches
from components.cluster.patches import ClusterNetwork
from components.cluster.talos import TalosCluster, TalosClusterArgs
from components.machines.handle import MachinesDeclared, MachinesHandle, MachinesObserved
from tests.conftest import UNKNOWN, Build, Built

APPLY = "talos:machine/configurationApply:ConfigurationApply"
Made = Callable[..., Built]


def schematic(name: str) -> talos.imagefactory.Schematic:
    """Make some resource of the same program, to wait for."""
    opts = pulumi.ResourceOptions(provider=talos.Provider(f"{name}-provider"))
    return talos.imagefactory.Schematic(name, schematic="{}", opts=opts)


@pytest.fixture
def made(build: Build, declared: MachinesDeclared, network: ClusterNetwork) -> Made:
    def run(*, preview: bool = False, keep_data: bool = False, together: bool = False) -> Built:
        def program() -> TalosCluster:
            installer: pulumi.Output[str] = schematic("image").id
            return TalosCluster(
                "talos",
                TalosClusterArgs(
                    name="c",
                    endpoint="https://10.20.0.10:6443",
                    machines=MachinesHandle(
                        declared=declared,
                        observed=MachinesObserved(
                            machines={n.name: pulumi.Output.from_input(f"{n.name}-uuid") for n in declared.nodes},
                            installer=installer,
                        ),
                        resources=(schematic("a-machine"),) if together else (),
                    ),
                    network=network,
                    region="nl",
                    talos_version="v1.13.0",
                    kubernetes_version="1.36.3",
                    identity=None,
                    keep_data=keep_data,
                ),
                pulumi.ResourceOptions(providers=[talos.Provider("t")]),
            )

        return build(program, preview=preview)

    return run


def after(built: Built, name: str) -> set[str]:
    """Return the names of what a resource waits for."""
    return {urn.rsplit("::", 1)[-1] for urn in built.resources[name].depends_on}


def test_every_machine_gets_the_configuration_of_its_role(made: Made) -> None:
    applied = made().of_type(APPLY)
    assert len(applied) == 6
    for one in applied:
        role = yaml.safe_load(one.inputs["configPatches"][0])["machine"]["type"]
        assert one.inputs["machineConfigurationInput"] == f"generated {role}"
        assert one.inputs["applyMode"] == "staged_if_needing_reboot"


def test_a_machine_that_was_made_anew_gets_its_configuration_again(made: Made) -> None:
    applied = made().of_type(APPLY)
    assert {one.replacement_trigger for one in applied} == {
        f"c-{role}-{number}-uuid" for role in ("control-plane", "worker") for number in (1, 2, 3)
    }


def test_control_planes_change_one_after_another(made: Made) -> None:
    built = made()
    assert "talos-control-plane-1" in after(built, "talos-control-plane-2")
    assert "talos-control-plane-2" in after(built, "talos-control-plane-3")
    assert "talos-control-plane-3" in after(built, "talos-bootstrap")
    for number in (1, 2, 3):
        assert "talos-bootstrap" in after(built, f"talos-worker-{number}")
    assert "talos-bootstrap" in after(built, "talos-kubeconfig")


def test_in_one_program_the_first_control_plane_waits_for_the_machines(made: Made) -> None:
    assert "a-machine" in after(made(together=True), "talos-control-plane-1")


def test_plain_patches_are_known_at_the_first_preview(made: Made) -> None:
    for one in made(preview=True).of_type(APPLY):
        texts = one.inputs["configPatches"]
        assert len(texts) >= 4
        assert UNKNOWN not in texts
        assert one.inputs["machineConfigurationInput"] == UNKNOWN


def test_a_deployment_changes_no_versions(made: Made) -> None:
    for one in made().of_type(APPLY):
        assert one.ignore_changes == (f"configPatches[{patches.VERSIONS_INDEX}]",)


def test_another_talos_version_makes_no_other_secrets(made: Made) -> None:
    assert made().resources["talos-secrets"].ignore_changes == ("talosVersion",)


def test_everything_secret_is_marked(made: Made) -> None:
    built = made()
    assert set(built.resources["talos-secrets"].secret_outputs) >= {"machineSecrets", "clientConfiguration"}
    assert set(built.resources["talos-kubeconfig"].secret_outputs) >= {"kubeconfigRaw", "kubernetesClientConfiguration"}
    for one in built.of_type(APPLY):
        assert {"machineConfigurationInput", "clientConfiguration"} <= one.secrets
        assert "configPatches" not in one.secrets, "rules could not read them"
    for name in ("talos-bootstrap", "talos-kubeconfig"):
        assert "clientConfiguration" in built.resources[name].secrets


def test_functions_get_the_secrets_under_the_names_that_the_provider_knows(made: Made) -> None:
    calls = [args for token, args in made().calls if token.endswith(":getConfiguration")]
    assert len(calls) == 6
    assert set(calls[0]["machineSecrets"]["certs"]) == {"etcd", "k8s", "k8sAggregator", "k8sServiceaccount", "os"}
    assert set(calls[0]["machineSecrets"]["secrets"]) >= {"bootstrapToken", "secretboxEncryptionSecret"}
    for call in calls:  # what a function is asked is invisible to rules: nothing but the installer
        (patch,) = call["configPatches"]
        assert yaml.safe_load(patch)["machine"].keys() == {"install"}


@pytest.mark.parametrize("keep", [True, False])
def test_the_secrets_of_a_production_cluster_are_protected(made: Made, keep: bool) -> None:
    secrets = made(keep_data=keep).resources["talos-secrets"]
    assert (secrets.protect, secrets.retain_on_delete) == (keep, keep)


def test_the_identity_of_a_cluster_is_known_without_its_api(made: Made) -> None:
    built = made()
    seen: list[str] = []
    built.result.uid.apply(seen.append)
    assert set(built.resources) >= {"talos", "talos-secrets"}
