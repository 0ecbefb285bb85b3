"""An app's Secrets: from the team's engine in Vault, or made up in the cluster. No value passes git or Pulumi."""

from __future__ import annotations

from collections.abc import Mapping

from components.gitops.manifest import Manifest

API = "external-secrets.io/v1"
GENERATORS = "generators.external-secrets.io/v1alpha1"
STORE = "team"
"""Name of the SecretStore in each of a team's namespaces."""


def from_vault(name: str, namespace: str, app: str, keys: Mapping[str, str], labels: Mapping[str, str]) -> Manifest:
    """Return the request for a Secret; `keys` are its keys, and their properties at `<app>/<name>` in Vault."""
    return {
        "apiVersion": API,
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "SecretStore", "name": STORE},
            "target": {"name": name, "creationPolicy": "Owner"},
            "data": [
                {"secretKey": key, "remoteRef": {"key": f"{app}/{name}", "property": prop}}
                for key, prop in keys.items()
            ],
        },
    }


def generated(
    name: str,
    namespace: str,
    keys: Mapping[str, int],
    labels: Mapping[str, str],
    *,
    template: Mapping[str, str] | None = None,
) -> list[Manifest]:
    """Return the request for a Secret whose values are made up once; `keys` are its keys and their lengths."""
    found: list[Manifest] = []
    sources: list[Manifest] = []
    for key, length in keys.items():
        generator = f"{name}-{key.lower().replace('_', '-').replace('.', '-')}"
        found.append(
            {
                "apiVersion": GENERATORS,
                "kind": "Password",
                "metadata": {"name": generator, "namespace": namespace, "labels": dict(labels)},
                # No symbols: values end up in addresses and files, where some of them mean something.
                "spec": {
                    "length": length,
                    "digits": length // 4,
                    "symbols": 0,
                    "noUpper": False,
                    "allowRepeat": True,
                },
            }
        )
        reference = {"apiVersion": GENERATORS, "kind": "Password", "name": generator}
        source: Manifest = {"sourceRef": {"generatorRef": reference}}
        if key != "password":
            source["rewrite"] = [{"regexp": {"source": "^password$", "target": key}}]
        sources.append(source)
    target: Manifest = {"name": name, "creationPolicy": "Orphan"}
    if template:
        target["template"] = {"engineVersion": "v2", "data": dict(template)}
    found.append(
        {
            "apiVersion": API,
            "kind": "ExternalSecret",
            "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
            "spec": {
                # Once: a key that changed under a running app would lock it out of its own data. `Orphan` keeps the
                # Secret when the request goes, for the same reason.
                "refreshPolicy": "CreatedOnce",
                "target": target,
                "dataFrom": sources,
            },
        }
    )
    return found
