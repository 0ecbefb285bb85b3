"""The Kubernetes provider: a stand-in that makes files, or on a rehearsal's real API server where there is one.

The stand-in asks no server. What one would refuse for its schema is not found by it; names, namespaces and doubles are.
"""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from pathlib import Path
from typing import Any

from rehearsal.plugins import manifests
from rehearsal.plugins.changes import Difference, compare
from rehearsal.plugins.immutable import cluster_scoped, replaces
from rehearsal.plugins.standin import Checked, Provider, Resource, StandIn, StandInError
from rehearsal.plugins.store import Record
from rehearsal.plugins.values import Path as PropertyPath
from rehearsal.plugins.values import Props, Secret, Unknown, at, mark, plain, rewrap, unwrap

RELEASE = "kubernetes:helm.sh/v3:Release"
AUTONAMED = "pulumi.com/autonamed"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_RBAC = re.compile(r"[^/%\s]{1,253}\Z")
_RULE = "lower-case letters, digits, `-` and `.`, at most 253, beginning and ending with a letter or digit"
_SECRET_FIELDS = ("data", "stringData")
_SERVER_MADE = ("uid", "resourceVersion", "generation", "creationTimestamp")


class Kubernetes(StandIn):
    """Writes each object to a file; a digest stands for every secret value."""

    name = "kubernetes"
    package = "pulumi_kubernetes"

    def configured(self, config: Props) -> Provider:
        """Take the configuration, and step aside where the rehearsal has an API server; who renders makes files."""
        found = self.place.back_ends()
        if found is None or found.kubernetes is None or plain(config.get("renderYamlToDirectory")):
            return super().configured(config)
        # Only here: the stand-in starts faster without HTTP, and the server's module needs this one.
        from rehearsal.plugins.server.provider import KubernetesServer

        return KubernetesServer(self.place, found.kubernetes, config)

    def scoped(self, api_version: str, kind: str) -> bool:
        """Say whether objects of a kind have no namespace."""
        del api_version
        return cluster_scoped(kind)

    def scope(self) -> str:
        """Keep apart what goes to a cluster and what is rendered into a folder."""
        folder = plain(self.config.get("renderYamlToDirectory"))
        return f"kubernetes-rendered-{folder}" if folder else "kubernetes"

    def check(self, resource: Resource, olds: Props, news: Props) -> Checked:
        """Give the object its name and namespace; report what an API server would refuse at once."""
        if resource.type == RELEASE:
            return self._check_release(resource, olds, news)
        if resource.type.endswith("Patch"):
            msg = f"The rehearsal's stand-in for kubernetes cannot patch what it did not make ({resource.type})."
            raise StandInError(msg)
        inputs = {key: value for key, value in news.items() if value is not None and not key.startswith("__")}
        failures: list[tuple[str, str]] = []
        for key in ("apiVersion", "kind"):
            if not plain(inputs.get(key)):
                failures.append((key, f"{key} is missing. Give it."))
        given: Any = inputs.get("metadata") or {}
        if isinstance(unwrap(given), Unknown):
            return Checked(inputs, failures)
        metadata: Props = dict(unwrap(given))
        self._name(resource, olds, metadata)
        namespace = plain(self.config.get("namespace"))
        if namespace and metadata.get("namespace") is None and not self._scoped(inputs):
            metadata["namespace"] = namespace
        inputs["metadata"] = rewrap(metadata, given)
        if plain(inputs.get("kind")) == "Secret" and plain(inputs.get("apiVersion")) == "v1":
            for field in _SECRET_FIELDS:
                inputs = mark(inputs, (field,))
        pattern = _RBAC if "rbac.authorization" in str(plain(inputs.get("apiVersion"))) else _NAME
        for field in ("name", "namespace"):
            value = plain(metadata.get(field))
            if isinstance(value, str) and not pattern.match(value):
                shown = "[secret]" if isinstance(given, Secret) else repr(value)
                failures.append((f"metadata.{field}", f"{shown} is not a name that Kubernetes takes: {_RULE}."))
        return Checked(inputs, failures)

    def _scoped(self, inputs: Props) -> bool:
        return self.scoped(str(plain(inputs.get("apiVersion"))), str(plain(inputs.get("kind"))))

    def _name(self, resource: Resource, olds: Props, metadata: Props) -> None:
        """Fix a name that the program leaves open: the one it had, or a new one."""
        if metadata.get("name") is not None:
            return
        had = plain(at(olds or self.names_left_behind(resource), ("metadata", "name")))
        if metadata.get("generateName") is not None:
            metadata["name"] = had or f"{plain(metadata['generateName'])}{secrets.token_hex(3)[:5]}"
            return
        metadata["name"] = had or f"{resource.name.lower()}-{secrets.token_hex(4)}"
        annotations: Any = metadata.get("annotations") or {}
        metadata["annotations"] = rewrap({**unwrap(annotations), AUTONAMED: "true"}, annotations)

    def _check_release(self, resource: Resource, olds: Props, news: Props) -> Checked:
        inputs = {key: value for key, value in news.items() if value is not None and not key.startswith("__")}
        failures = [] if plain(inputs.get("chart")) else [("chart", "the required input chart is missing. Give it.")]
        left = {} if olds else self.names_left_behind(resource)
        if "name" not in inputs:
            inputs["name"] = plain((olds or left).get("name")) or f"{resource.name.lower()}-{secrets.token_hex(4)}"
        if "namespace" not in inputs:
            inputs["namespace"] = plain(self.config.get("namespace")) or "default"
        return Checked(inputs, failures)

    def difference(self, resource: Resource, olds: Props, news: Props) -> Difference:
        """Compare; name, namespace, kind and immutable fields make a new object."""
        if resource.type == RELEASE:

            def release(path: PropertyPath) -> bool:
                return path[0] in ("name", "namespace")

            changes = compare(olds, news, release)
            return Difference(changes)
        api, kind = str(plain(news.get("apiVersion"))), str(plain(news.get("kind")))
        immutable = plain(olds.get("immutable")) is True

        def new_object(path: PropertyPath) -> bool:
            return replaces(api, kind, path, immutable)

        changes = compare(olds, news, new_object)
        same = all(
            plain(at(olds, ("metadata", key))) == plain(at(news, ("metadata", key))) for key in ("name", "namespace")
        )
        # A name that was made up is made up anew for the new object, so the old one can stay until then.
        made_up = plain(at(news, ("metadata", "annotations", AUTONAMED))) == "true"
        return Difference(changes, delete_first=same and not made_up and any(change.replaces for change in changes))

    def identity(self, resource: Resource, inputs: Props) -> tuple[str, str] | None:
        """Return type, namespace and name."""
        metadata = inputs if resource.type == RELEASE else plain(inputs.get("metadata")) or {}
        name, namespace = plain(metadata.get("name")), plain(metadata.get("namespace"))
        if namespace is None and not self._scoped(inputs):
            namespace = "default"  # as an API server does
        id_ = f"{namespace}/{name}" if namespace else str(name)
        return f"{resource.type}|{id_}", id_

    def new_id(self, resource: Resource, inputs: Props, record: Record) -> str:
        """Never asked: every object has a name."""
        raise NotImplementedError

    def planned(self, resource: Resource, inputs: Props, olds: Props | None) -> Props:
        """Return the inputs, and what the server made before.

        At first the server's part is missing, not marked unknown: so does the official provider when the cluster is
        not there yet, and the SDK takes what is missing as unknown.
        """
        if olds is None:
            return dict(inputs)
        kept = {key: olds[key] for key in ("status",) if key in olds}
        server = {key: at(olds, ("metadata", key)) for key in _SERVER_MADE if at(olds, ("metadata", key)) is not None}
        merged = {**kept, **inputs}
        metadata = merged.get("metadata")
        if isinstance(unwrap(metadata), dict):
            merged["metadata"] = rewrap({**server, **unwrap(metadata)}, metadata)
        return merged

    def outputs(self, resource: Resource, inputs: Props, record: Record, olds: Props | None) -> Props:
        """Return inputs, and what a server adds: uid, version, times and the status that programs read."""
        del olds
        if resource.type == RELEASE:
            status = {
                "name": plain(inputs["name"]), "namespace": plain(inputs["namespace"]), "status": "deployed",
                "chart": plain(inputs.get("chart")), "version": plain(inputs.get("version")) or "",
                "revision": record.revision, "appVersion": "",
            }  # fmt: skip
            return {"resourceNames": {}, **inputs, "status": status}
        made_up = self.store(resource).made_up
        server = {
            "uid": str(uuid.UUID(bytes=made_up(record, "uid")[:16], version=4)),
            "resourceVersion": str(record.revision),
            "generation": record.revision,
            "creationTimestamp": record.made,
        }
        metadata = inputs["metadata"]
        outputs: Props = {**inputs, "metadata": rewrap({**server, **unwrap(metadata)}, metadata)}
        outputs.update(_status(inputs, made_up(record, "address")))
        return outputs

    def applied(self, resource: Resource, inputs: Props) -> None:
        """Write the object's file."""
        manifests.save(self._file(resource, inputs), _as_object(resource, inputs), self.store(resource))

    def heal(self, resource: Resource, inputs: Props) -> None:
        """Write the object's file again where it is gone."""
        if not self._file(resource, inputs).exists():
            self.applied(resource, inputs)

    def removed(self, resource: Resource, inputs: Props) -> None:
        """Delete the object's file."""
        self._file(resource, inputs).unlink(missing_ok=True)

    def _file(self, resource: Resource, inputs: Props) -> Path:
        rendered = plain(self.config.get("renderYamlToDirectory"))
        folder = Path(str(rendered)) if rendered else self.place.out / resource.stack / "manifests"
        return manifests.path(folder, _as_object(resource, inputs), resource.type == RELEASE)

    def invoke(self, token: str, arguments: Props) -> Props:
        """Refuse what would need Helm, Kustomize or a cluster."""
        del arguments
        msg = (
            f"The rehearsal's stand-in for kubernetes does not answer {token}: charts, kustomizations and YAML files "
            "are not expanded here. Use typed resources, CustomResource or helm.v3.Release, or let the GitOps engine "
            "expand them."
        )
        raise StandInError(msg)


def _as_object(resource: Resource, inputs: Props) -> Props:
    """Return what is written: the object, or a Helm release in the form of one."""
    if resource.type != RELEASE:
        return inputs
    head = {"apiVersion": "helm.sh/v3", "kind": "Release"}
    names = {"name": plain(inputs["name"]), "namespace": plain(inputs["namespace"])}
    rest = {key: value for key, value in inputs.items() if key not in ("name", "namespace")}
    return {**head, "metadata": names, "spec": rest}


def _status(inputs: Props, seed: bytes) -> Props:
    """Return the parts of a status that programs read; marked nowhere as observed, since nothing was."""
    kind = plain(inputs.get("kind"))
    if kind == "Service":
        given: Any = inputs.get("spec") or {}
        spec: Props = unwrap(given)
        address = f"198.51.100.{1 + seed[0] % 254}"  # a range for documentation: no such host answers
        balanced = plain(spec.get("type")) == "LoadBalancer"
        cluster = spec.get("clusterIP") or f"192.0.2.{1 + seed[1] % 254}"
        return {
            "spec": rewrap({**spec, "clusterIP": cluster}, given),
            "status": {
                "loadBalancer": {"ingress": [{"ip": spec.get("loadBalancerIP") or address}]} if balanced else {}
            },
        }
    if kind == "Namespace":
        return {"status": {"phase": "Active"}}
    if kind == "Secret" and plain(inputs.get("stringData")):
        # An API server folds `stringData` into `data`.
        encoded = {k: base64.b64encode(str(v).encode()).decode() for k, v in plain(inputs["stringData"]).items()}
        # The whole map is secret, as in the inputs.
        return {"data": Secret({**(plain(inputs.get("data")) or {}), **encoded})}
    return {}
