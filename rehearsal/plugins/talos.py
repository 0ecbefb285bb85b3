"""The Talos provider: a stand-in for machines that do not exist, or on a rehearsal's back ends where there are some."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from rehearsal.plugins import talos_config
from rehearsal.plugins.bridged import Bridged, secret
from rehearsal.plugins.sdk import Property
from rehearsal.plugins.standin import Provider, Resource, StandInError
from rehearsal.plugins.store import Record
from rehearsal.plugins.values import Props, at, has_unknown, plain

SECRETS = "talos:machine/secrets:Secrets"
APPLY = "talos:machine/configurationApply:ConfigurationApply"
BOOTSTRAP = "talos:machine/bootstrap:Bootstrap"
KUBECONFIG = "talos:cluster/kubeconfig:Kubeconfig"
SCHEMATIC = "talos:imageFactory/schematic:Schematic"

Maker = Callable[[str], bytes]


class Talos(Bridged):
    """Makes up secrets at random, once for each object, and builds documents from what it is given."""

    name = "talos"
    package = "pulumiverse_talos"

    def configured(self, config: Props) -> Provider:
        """Take the configuration, and step aside where the rehearsal has an API server or a vCenter.

        Raises:
            StandInError: the rehearsal's back ends are those of another version of Kade.

        """
        found = self.place.back_ends()
        if found is None or (found.kubernetes is None and found.vcenter is None):
            return super().configured(config)
        from rehearsal.plugins.talos_server import TalosServer  # only here: the stand-in starts faster without it

        return TalosServer(self.place, found, config)

    def new_id(self, resource: Resource, inputs: Props, record: Record) -> str:
        """Return the id; a schematic's is the one that the real factory would give."""
        if resource.type == SCHEMATIC:
            return talos_config.schematic_id(plain(inputs.get("schematic")) or "")
        return super().new_id(resource, inputs, record)

    def planned(self, resource: Resource, inputs: Props, olds: Props | None) -> Props:
        """Know the endpoint, which is planned as the node."""
        return super().planned(resource, inputs, olds) | self._endpoint(resource, inputs)

    def outputs(self, resource: Resource, inputs: Props, record: Record, olds: Props | None) -> Props:
        """Follow a change of the configuration, and know the endpoint."""
        if resource.type == APPLY and olds is not None:
            olds = {k: v for k, v in olds.items() if k not in ("machineConfiguration", "machineConfigurationHash")}
        return super().outputs(resource, inputs, record, olds) | self._endpoint(resource, inputs)

    def _endpoint(self, resource: Resource, inputs: Props) -> Props:
        fixed = resource.type in (APPLY, BOOTSTRAP, KUBECONFIG) and "endpoint" not in inputs
        return {"endpoint": inputs["node"]} if fixed and "node" in inputs else {}

    def value(self, resource: Resource, output: Property, inputs: Props, record: Record) -> Any:
        """Make up what the official provider makes or fetches."""
        maker: Maker = self._maker(resource, record)
        if resource.type == SECRETS:
            return machine_secrets(maker) if output.name == "machineSecrets" else client(maker, "client")
        if resource.type == APPLY:
            given = plain(inputs.get("machineConfigurationInput", inputs.get("machineConfigurationInputWo"))) or ""
            text = talos_config.patched(given, plain(inputs.get("configPatches")) or [])
            if output.name == "machineConfigurationHash":
                return hashlib.sha256(text.encode()).hexdigest()
            if output.name == "resolvedApplyMode":
                mode = plain(inputs.get("applyMode"))
                return "auto" if mode == "staged_if_needing_reboot" else mode
            return text
        if resource.type == KUBECONFIG:
            host = f"https://{plain(inputs.get('node'))}:6443"
            return (
                kubeconfig(maker, host) if output.name == "kubeconfigRaw" else {"host": host, **client(maker, "kube")}
            )
        return super().value(resource, output, inputs, record)

    def answer(self, token: str, arguments: Props, seed: bytes) -> Props:
        """Answer the provider's functions; documents with keys in them are secret."""
        asked = plain(arguments)
        function = token.split(":", 1)[1].split(":")[0]
        if has_unknown(arguments):
            msg = f"{token} was asked with an unknown argument. Use the function's `_output` form."
            raise StandInError(msg)
        if function == "machine/getConfiguration":
            text = talos_config.machine_configuration(
                asked.get("machineType", ""), asked.get("clusterName", ""), asked.get("clusterEndpoint", ""),
                asked.get("machineSecrets") or {}, asked.get("configPatches") or [], asked.get("kubernetesVersion"),
            )  # fmt: skip
            secrets = {"machineSecrets": secret(asked.get("machineSecrets") or {})}
            return {"id": asked.get("clusterName", ""), "machineConfiguration": secret(text), **secrets}
        if function == "client/getConfiguration":
            given: Props = asked.get("clientConfiguration") or {}
            name = asked.get("clusterName", "")
            context: Props = {
                "ca": given.get("caCertificate"),
                "crt": given.get("clientCertificate"),
                "key": given.get("clientKey"),
            }
            for key in ("endpoints", "nodes"):
                context |= {key: asked[key]} if key in asked else {}
            text = talos_config.dump({"context": name, "contexts": {name: context}})
            return {"id": name, "talosConfig": secret(text), "clientConfiguration": secret(given)}
        if function == "cluster/getKubeconfig":

            def maker(what: str) -> bytes:
                return hashlib.blake2b(what.encode() + seed, key=self.place.key, digest_size=32).digest()

            host = f"https://{asked.get('node')}:6443"
            details = {"host": host, **client(maker, "kube")}
            details["clientKey"] = secret(details["clientKey"])
            raw = secret(kubeconfig(maker, host))
            used = secret(asked.get("clientConfiguration") or {})
            answer = {"kubeconfigRaw": raw, "kubernetesClientConfiguration": details, "clientConfiguration": used}
            return {"id": "rehearsal", **answer}
        if function == "imageFactory/getUrls":
            return {"architecture": asked.get("architecture", "amd64"), "urls": self._urls(asked)}
        if function == "imageFactory/getExtensionsVersions":
            names: list[str] = at(asked, ("filters", "names")) or at(asked, ("exactFilters", "names")) or []
            empty = {"author": "", "description": "", "digest": "", "ref": ""}
            return {
                "extensionsInfos": [{"name": f"siderolabs/{n.removeprefix('siderolabs/')}", **empty} for n in names]
            }
        if function == "cluster/getHealth":
            return {"id": "cluster_health", "clientConfiguration": secret(asked.get("clientConfiguration") or {})}
        return {}

    def _urls(self, asked: Props) -> Props:
        """Return addresses as the image factory writes them."""
        base = str(plain(self.config.get("imageFactoryUrl")) or "https://factory.talos.dev")
        platform = asked.get("platform") or "metal"
        arch = asked.get("architecture", "amd64")
        version = "v" + str(asked.get("talosVersion", "")).removeprefix("v")
        image = f"{base}/image/{asked.get('schematicId')}/{version}"
        disk = "ova" if platform == "vmware" else "raw.xz"
        names = (
            "installerSecureboot", "isoSecureboot", "diskImageSecureboot", "kernel", "kernelCommandLine", "initramfs",
            "pxe", "uki", "iso",
        )  # fmt: skip
        urls: Props = dict.fromkeys(names, "")
        urls["installer"] = f"{base.split('://')[-1]}/{platform}-installer/{asked.get('schematicId')}:{version}"
        urls["diskImage"] = f"{image}/{platform}-{arch}.{disk}"
        if platform in ("metal", "vmware", "nocloud"):
            urls["iso"] = f"{image}/{platform}-{arch}.iso"
        return urls


def _text(maker: Maker, what: str, length: int = 32) -> str:
    return base64.b64encode(maker(what)).decode()[:length]


def _pem(maker: Maker, what: str, label: str) -> str:
    """Return something with the form of a PEM block in base64; it is no certificate, and says so."""
    body = f"-----BEGIN {label}-----\n{_text(maker, what, 44)}\n-----END {label}-----\nmade up by a rehearsal\n"
    return base64.b64encode(body.encode()).decode()


def client(maker: Maker, what: str) -> Props:
    """Make up a client certificate with its key."""
    return {
        "caCertificate": _pem(maker, f"{what}-ca", "CERTIFICATE"),
        "clientCertificate": _pem(maker, f"{what}-cert", "CERTIFICATE"),
        "clientKey": _pem(maker, f"{what}-key", "ED25519 PRIVATE KEY"),
    }


def machine_secrets(maker: Maker) -> Props:
    """Make up the secrets of a Talos cluster."""

    def pair(what: str) -> Props:
        return {"cert": _pem(maker, f"{what}-cert", "CERTIFICATE"), "key": _pem(maker, f"{what}-key", "EC PRIVATE KEY")}

    return {
        "cluster": {"id": _text(maker, "id", 44), "secret": _text(maker, "secret", 44)},
        "secrets": {
            "bootstrapToken": f"{maker('bootstrap').hex()[:6]}.{maker('bootstrap').hex()[6:22]}",
            "secretboxEncryptionSecret": _text(maker, "secretbox", 44),
            "aescbcEncryptionSecret": _text(maker, "aescbc", 44),
        },
        "trustdinfo": {"token": f"{maker('trustd').hex()[:6]}.{maker('trustd').hex()[6:22]}"},
        "certs": {
            **{name: pair(name) for name in ("etcd", "k8s", "k8sAggregator", "os")},
            "k8sServiceaccount": {"key": _pem(maker, "serviceaccount", "RSA PRIVATE KEY")},
        },
    }


def kubeconfig(maker: Maker, host: str) -> str:
    """Make up an administrator's kubeconfig."""
    keys = client(maker, "kube")
    user = {"client-certificate-data": keys["clientCertificate"], "client-key-data": keys["clientKey"]}
    return talos_config.dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "admin@rehearsal",
            "clusters": [
                {"name": "rehearsal", "cluster": {"server": host, "certificate-authority-data": keys["caCertificate"]}}
            ],
            "contexts": [{"name": "admin@rehearsal", "context": {"cluster": "rehearsal", "user": "admin@rehearsal"}}],
            "users": [{"name": "admin@rehearsal", "user": user}],
        }
    )
