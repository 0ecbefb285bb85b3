"""A Talos cluster: secrets, the configuration of every machine, bootstrap, and the administrator's kubeconfig."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumiverse_talos as talos

from components.base import Component, kept
from components.cluster import patches
from components.machines.handle import MachinesHandle, Node
from inputs.yaml import dump

APPLY_MODE = "staged_if_needing_reboot"
"""A change that needs a reboot waits for one that an operator makes. The provider can only know where it reaches the
machine at preview; a machine that still waits for its first configuration takes it at once."""

IGNORED = [f"configPatches[{patches.VERSIONS_INDEX}]"]
"""What the upgrade operation changes, machine by machine; a deployment would change all machines in one go."""


@dataclass(frozen=True, kw_only=True)
class TalosClusterArgs:
    """One cluster of machines that wait for their configuration."""

    name: str
    """Name of the cluster."""
    endpoint: str
    """Address of its API server."""
    machines: MachinesHandle
    """Its machines."""
    network: patches.ClusterNetwork
    """Its addresses."""
    region: str
    """Value of the label `topology.kubernetes.io/region`."""
    talos_version: str
    """Talos version, for example `v1.13.0`."""
    kubernetes_version: str
    """Kubernetes version without `v`."""
    identity: patches.Identity | None
    """Who its users are; `None` for nobody but the administrator."""
    keep_data: bool
    """Whether the cluster's secrets are protected: without them nobody can reach or restore the cluster."""


class TalosCluster(Component):
    """The cluster, from machines in maintenance mode to an API server that answers."""

    layer = "cluster"

    kubeconfig: pulumi.Output[str]
    """Administrator's kubeconfig. Secret."""
    ca: pulumi.Output[str]
    """Certificate authority of the API server, PEM in base64."""
    uid: pulumi.Output[str]
    """Talos' id of the cluster, made with its secrets: two clusters never share it."""

    def __init__(self, name: str, args: TalosClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self._name, self._args = name, args
        self._secrets = talos.machine.Secrets(
            f"{name}-secrets",
            talos_version=args.talos_version,
            opts=self.child(
                pulumi.ResourceOptions.merge(
                    kept(args.keep_data),
                    # Another version must not make other secrets: that would be another cluster.
                    pulumi.ResourceOptions(
                        ignore_changes=["talosVersion"],
                        additional_secret_outputs=["machineSecrets", "clientConfiguration"],
                    ),
                )
            ),
        )
        client = self._secrets.client_configuration
        self._client = talos.machine.ClientConfigurationArgs(
            ca_certificate=client.ca_certificate,
            client_certificate=client.client_certificate,
            client_key=pulumi.Output.secret(client.client_key),
        )
        nodes = args.machines.declared.nodes
        control_planes = [node for node in nodes if node.role == "controlplane"]
        waits: list[pulumi.Resource] = list(args.machines.resources)
        for node in control_planes:  # one after another, so that etcd keeps its majority
            waits = [self._apply(node, waits)]
        bootstrap = talos.machine.Bootstrap(
            f"{name}-bootstrap",
            node=control_planes[0].address,
            endpoint=control_planes[0].address,
            client_configuration=self._client,
            opts=self.child(pulumi.ResourceOptions(depends_on=waits)),
        )
        for node in nodes:
            if node.role == "worker":
                self._apply(node, [bootstrap])
        kubeconfig = talos.cluster.Kubeconfig(
            f"{name}-kubeconfig",
            node=control_planes[0].address,
            endpoint=control_planes[0].address,
            client_configuration=talos.cluster.KubeconfigClientConfigurationArgs(
                ca_certificate=client.ca_certificate,
                client_certificate=client.client_certificate,
                client_key=pulumi.Output.secret(client.client_key),
            ),
            opts=self.child(
                pulumi.ResourceOptions(
                    depends_on=[bootstrap],
                    additional_secret_outputs=["clientConfiguration", "kubernetesClientConfiguration", "kubeconfigRaw"],
                )
            ),
        )
        self.kubeconfig = pulumi.Output.secret(kubeconfig.kubeconfig_raw)
        # Neither is secret: the one is public by nature, the other a name. They only come from secret resources.
        self.ca = pulumi.Output.unsecret(self._secrets.machine_secrets.apply(lambda made: made.certs.k8s.cert))
        self.uid = pulumi.Output.unsecret(self._secrets.machine_secrets.apply(lambda made: made.cluster.id))
        self.register_outputs({"endpoint": args.endpoint, "uid": self.uid})

    def _apply(self, node: Node, waits: list[pulumi.Resource]) -> talos.machine.ConfigurationApply:
        """Send a machine its configuration: the generated one with secrets, and the plain patches over it."""
        args = self._args
        generated = talos.machine.get_configuration_output(
            cluster_name=args.name,
            cluster_endpoint=args.endpoint,
            machine_type=node.role,
            machine_secrets=_as_input(self._secrets),
            kubernetes_version=args.kubernetes_version,
            talos_version=args.talos_version,
            config_patches=args.machines.observed.installer.apply(lambda image: [dump(patches.install_patch(image))]),
            docs=False,
            examples=False,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        plain = patches.patches(
            node, args.network, region=args.region, kubernetes_version=args.kubernetes_version, identity=args.identity
        )
        return talos.machine.ConfigurationApply(
            f"{self._name}-{node.name.removeprefix(f'{args.name}-')}",
            node=node.address,
            endpoint=node.address,
            client_configuration=self._client,
            machine_configuration_input=pulumi.Output.secret(generated.machine_configuration),
            config_patches=plain,
            apply_mode=APPLY_MODE,
            opts=self.child(
                pulumi.ResourceOptions(
                    depends_on=waits,
                    ignore_changes=IGNORED,
                    # A machine that was made anew waits for its configuration again, and nothing else would tell.
                    replacement_trigger=args.machines.observed.machines[node.name],
                    additional_secret_outputs=["clientConfiguration"],
                )
            ),
        )


def _as_input(secrets: talos.machine.Secrets) -> pulumi.Output[talos.machine.MachineSecretsArgs]:
    """Hand the secrets to a function.

    Written out, because the SDK passes its output types on with Python's names for the keys, which the provider does
    not know (pulumi-talos issue 103).
    """

    def certificate(made: talos.machine.outputs.CertificateResult) -> talos.machine.CertificateArgs:
        return talos.machine.CertificateArgs(cert=made.cert, key=made.key)

    def convert(made: talos.machine.outputs.MachineSecretsResult) -> talos.machine.MachineSecretsArgs:
        return talos.machine.MachineSecretsArgs(
            certs=talos.machine.CertificatesArgs(
                etcd=certificate(made.certs.etcd),
                k8s=certificate(made.certs.k8s),
                k8s_aggregator=certificate(made.certs.k8s_aggregator),
                k8s_serviceaccount=talos.machine.KeyArgs(key=made.certs.k8s_serviceaccount.key),
                os=certificate(made.certs.os),
            ),
            cluster=talos.machine.ClusterArgs(id=made.cluster.id, secret=made.cluster.secret),
            secrets=talos.machine.KubernetesSecretsArgs(
                bootstrap_token=made.secrets.bootstrap_token,
                secretbox_encryption_secret=made.secrets.secretbox_encryption_secret,
                aescbc_encryption_secret=made.secrets.aescbc_encryption_secret,
            ),
            trustdinfo=talos.machine.TrustdInfoArgs(token=made.trustdinfo.token),
        )

    return secrets.machine_secrets.apply(convert)
