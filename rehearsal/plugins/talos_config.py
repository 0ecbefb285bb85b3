"""Documents of Talos: machine configurations from secrets and patches, client configurations, schematic ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast

import yaml

from inputs.faults import FaultsError
from inputs.yaml import documents
from rehearsal.plugins.standin import StandInError

_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):
    """Writes YAML without anchors, so that every place can be read by itself."""

    def ignore_aliases(self, data: Any) -> bool:
        """Repeat equal values."""
        del data
        return True


class _GoDumper(yaml.SafeDumper):
    """Writes YAML as the factory's library does: four spaces, lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists too."""
        del indentless
        super().increase_indent(flow, False)


def dump(*data: Any) -> str:
    """Write documents as YAML, keys sorted."""
    return yaml.dump_all(data, Dumper=_Dumper, sort_keys=True, default_flow_style=False, width=4096)


def schematic_id(text: str) -> str:
    """Return the id that the image factory gives a schematic: the digest of its normal form.

    Raises:
        StandInError: the text is not YAML or not a schematic.

    """
    loaded = [document.data for document in _load(text or "customization: {}", "schematic")]
    if len(loaded) != 1 or not isinstance(loaded[0], dict):
        msg = "schematic: must be one YAML mapping with the key `customization`."
        raise StandInError(msg)
    given = cast("dict[str, Any]", loaded[0])
    unknown = sorted(given.keys() - {"customization", "overlay", "owner"})
    if unknown:
        msg = f"schematic: there is no key {', '.join(unknown)}. Keys here: customization, overlay."
        raise StandInError(msg)
    ordered = {key: given[key] for key in ("overlay", "owner") if key in given}
    custom = cast("dict[str, Any]", given.get("customization") or {})
    known = ("extraKernelArgs", "meta", "systemExtensions", "secureboot", "bootloader")
    ordered["customization"] = {
        key: custom[key] for key in (*known, *sorted(custom.keys() - set(known))) if key in custom
    }
    normal = yaml.dump(ordered, Dumper=_GoDumper, sort_keys=False, indent=4, width=4096, default_flow_style=False)
    return hashlib.sha256(normal.encode()).hexdigest()


def machine_configuration(
    kind: str, cluster: str, endpoint: str, secrets: dict[str, Any], patches: Sequence[str], kubernetes: str | None
) -> str:
    """Return a machine configuration made from what was asked. Holds secrets.

    It has the parts that the patches and the rules touch, not everything that Talos' own generator writes.
    """
    if kind not in ("controlplane", "worker"):
        msg = "machineType must be controlplane or worker."
        raise StandInError(msg)
    certs = secrets.get("certs", {})
    version = f":v{kubernetes.removeprefix('v')}" if kubernetes else ""
    control = kind == "controlplane"
    base: dict[str, Any] = {
        "version": "v1alpha1",
        "debug": False,
        "persist": True,
        "machine": {
            "type": kind,
            "token": secrets.get("trustdinfo", {}).get("token"),
            "ca": {"crt": certs.get("os", {}).get("cert"), "key": certs.get("os", {}).get("key") if control else ""},
            "kubelet": {"image": f"ghcr.io/siderolabs/kubelet{version}"},
            "network": {},
            "install": {"disk": "/dev/sda", "wipe": False},
        },
        "cluster": {
            "id": secrets.get("cluster", {}).get("id"),
            "secret": secrets.get("cluster", {}).get("secret"),
            "controlPlane": {"endpoint": endpoint},
            "clusterName": cluster,
            "network": {"dnsDomain": "cluster.local"},
            "token": secrets.get("secrets", {}).get("bootstrapToken"),
            "ca": {"crt": certs.get("k8s", {}).get("cert"), "key": certs.get("k8s", {}).get("key") if control else ""},
        },
    }
    if control:
        base["cluster"]["etcd"] = {
            "ca": {"crt": certs.get("etcd", {}).get("cert"), "key": certs.get("etcd", {}).get("key")}
        }
        base["cluster"]["apiServer"] = {"image": f"registry.k8s.io/kube-apiserver{version}"}
        base["cluster"]["secretboxEncryptionSecret"] = secrets.get("secrets", {}).get("secretboxEncryptionSecret")
    return patched(dump(base), patches)


def patched(text: str, patches: Sequence[str]) -> str:
    """Apply configuration patches: strategic merges, further documents, and JSON patches.

    Raises:
        StandInError: a patch is not YAML or does not fit; names the patch by its place in the list.

    """
    main, *others = [document.data for document in _load(text, "machineConfigurationInput")] or [{}]
    for number, patch in enumerate(patches):
        for document in _load(patch, f"configPatches[{number}]"):
            content: Any = document.data
            if isinstance(content, list):
                for step in cast("list[dict[str, Any]]", content):
                    _json_patch(main, step, number)
            elif isinstance(content, dict):
                data = cast("dict[str, Any]", content)
                if "kind" in data and "apiVersion" in data:
                    others.append(data)
                else:
                    _merge(main, data)
            elif content is not None:
                msg = f"configPatches[{number}] must be a YAML mapping or a list of JSON patch operations."
                raise StandInError(msg)
    return dump(main, *others)


def _load(text: str, what: str) -> list[Any]:
    try:
        return list(documents(text, what))
    except FaultsError as error:
        raise StandInError(str(error)) from None


def _merge(base: dict[str, Any], patch: dict[str, Any]) -> None:
    """Merge as Talos does: mappings are merged, lists are joined, anything else is replaced."""
    for key, value in patch.items():
        old = base.get(key)
        if isinstance(value, dict) and cast("dict[str, Any]", value).get("$patch") == "delete":
            base.pop(key, None)
        elif isinstance(old, dict) and isinstance(value, dict):
            _merge(cast("dict[str, Any]", old), cast("dict[str, Any]", value))
        elif isinstance(old, list) and isinstance(value, list):
            base[key] = [*cast("list[Any]", old), *cast("list[Any]", value)]
        else:
            base[key] = value


def _json_patch(document: Any, step: dict[str, Any], number: int) -> None:
    *parents, last = [p.replace("~1", "/").replace("~0", "~") for p in str(step.get("path", "")).split("/")[1:]] or [""]
    here: Any = document
    try:
        for part in parents:
            here = here[int(part)] if isinstance(here, list) else here[part]  # pyright: ignore[reportUnknownVariableType]  # YAML
        if isinstance(here, list):
            items = cast("list[Any]", here)
            place = len(items) if last == "-" else int(last)
            if step["op"] == "add":
                items.insert(place, step["value"])
            elif step["op"] == "replace":
                items[place] = step["value"]
            else:
                del items[place]
        elif step["op"] in ("add", "replace"):
            here[last] = step["value"]
        elif step["op"] == "remove":
            del here[last]
        else:
            raise KeyError
    except (KeyError, IndexError, TypeError, ValueError):
        msg = f"configPatches[{number}]: the JSON patch operation on {step.get('path', '(no path)')} does not fit."
        raise StandInError(msg) from None
