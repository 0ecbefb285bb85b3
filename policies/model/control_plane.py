"""What the control plane is told: version, authorisation, Pod Security admission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from policies.kernel.finding import Subject
from policies.model.cluster_api import CONTROL_PLANES
from policies.model.resource import Inventory, KubernetesObject, Resource
from policies.model.talos import APPLY, MachineConfiguration
from policies.model.values import Unknown, dig, items, text

SERVER = "live:Server"
"""Type of what a live cluster's API server says of itself: `gitVersion`, `distribution`, `authorization`."""


@dataclass(frozen=True, kw_only=True)
class PodSecurity:
    """Defaults of the Pod Security admission."""

    enforce: str | Unknown | None
    """Level that a namespace without a label enforces; `None`: the distribution's own."""
    exempt: tuple[str | Unknown, ...]
    """Namespaces that it leaves alone."""
    users: tuple[str | Unknown, ...] = ()
    """Users whose pods it leaves alone."""


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """One declaration of a control plane: of one machine, or of a whole cluster."""

    subject: Subject
    distribution: str
    """`Talos`, `kubeadm`, …"""
    version: str | Unknown | None
    """Version, or the image that carries it."""
    version_path: str
    authorization: tuple[str, ...] | Unknown | None
    """Authorisation modes; `None`: the distribution's own."""
    authorization_path: str
    pod_security: PodSecurity | Unknown | None


def control_planes(inventory: Inventory) -> tuple[ControlPlane, ...]:
    """Return the control planes that are declared."""
    found: list[ControlPlane] = []
    for resource in inventory.of_type(APPLY):
        configuration = MachineConfiguration(resource)
        if configuration.find("machine", "type").value in ("controlplane", "init"):
            found.append(_talos(configuration))
    for kind in CONTROL_PLANES:
        found.extend(_cluster_api(item) for item in inventory.objects(kind))
    found.extend(_observed(resource) for resource in inventory.of_type(SERVER))
    return tuple(found)


def _observed(resource: Resource) -> ControlPlane:
    """Return the control plane that a live cluster shows: what its API server answered."""
    modes = resource.get("authorization")
    distribution = text(resource.get("distribution"))
    return ControlPlane(
        subject=resource.subject,
        distribution=distribution if isinstance(distribution, str) else "",
        version=text(resource.get("gitVersion")),
        version_path="/version",
        authorization=modes if isinstance(modes, Unknown) else tuple(str(mode) for mode in items(modes)),
        authorization_path="SubjectAccessReview",
        pod_security=Unknown("defaults", "the API server does not tell its admission's defaults", resource.subject),
    )


def _talos(configuration: MachineConfiguration) -> ControlPlane:
    image = configuration.find("cluster", "apiServer", "image")
    modes = configuration.find("cluster", "apiServer", "extraArgs", "authorization-mode")
    listed = configuration.find("cluster", "apiServer", "authorizationConfig")
    name = text(configuration.find("machine", "network", "hostname").value)
    hostname = name if isinstance(name, str) else configuration.resource.name
    authorization = _modes(modes.value)
    if authorization is None and listed.value is not None:
        # Talos adds these to its own Node and RBAC.
        authorization = listed.value if isinstance(listed.value, Unknown) else ("Node", "RBAC", *_types(listed.value))
    return ControlPlane(
        subject=Subject("Node", hostname, urn=configuration.resource.urn),
        distribution="Talos",
        version=text(image.value),
        version_path=image.path,
        authorization=authorization,
        authorization_path=modes.path,
        pod_security=_pod_security(configuration),
    )


def _types(config: Any) -> tuple[str, ...]:
    return tuple(str(dig(entry, "type")) for entry in items(config))


def _modes(value: Any) -> tuple[str, ...] | Unknown | None:
    if value is None or isinstance(value, Unknown):
        return value
    if isinstance(value, list):
        return tuple(str(item) for item in items(value))
    return tuple(part.strip() for part in str(value).split(","))


def _pod_security(configuration: MachineConfiguration) -> PodSecurity | Unknown | None:
    found: PodSecurity | Unknown | None = None
    for value in configuration.every("cluster", "apiServer", "admissionControl"):
        if isinstance(value, Unknown):
            found = found or value
            continue
        for plugin in items(value):
            if dig(plugin, "name") == "PodSecurity":
                found = PodSecurity(
                    enforce=text(dig(plugin, "configuration", "defaults", "enforce")),
                    exempt=_texts(dig(plugin, "configuration", "exemptions", "namespaces")),
                    users=_texts(dig(plugin, "configuration", "exemptions", "usernames")),
                )
    return found


def _texts(value: Any) -> tuple[str | Unknown, ...]:
    return tuple(found for item in items(value) if (found := text(item)) is not None)


def _cluster_api(item: KubernetesObject) -> ControlPlane:
    arguments = ("spec", "kubeadmConfigSpec", "clusterConfiguration", "apiServer", "extraArgs")
    given = item.get(*arguments)
    mode: Any = dig(given, "authorization-mode")
    for entry in items(given):  # from v1beta2 on a list of names and values
        if dig(entry, "name") == "authorization-mode":
            mode = dig(entry, "value")
    return ControlPlane(
        subject=item.subject,
        distribution=item.kind.removesuffix("ControlPlane").lower(),
        version=text(item.get("spec", "version")),
        version_path="spec.version",
        authorization=_modes(mode),
        authorization_path=".".join((*arguments, "authorization-mode")),
        pod_security=None,
    )
