"""Secrets that stacks are given: declared here, kept encrypted in `stacks/config`, read through `secret()` alone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from inputs.faults import Fault, FaultsError
from stacks.names import Layer

NAMESPACE = "kade"
"""Namespace of the configuration keys."""


@dataclass(frozen=True)
class Secret:
    """One secret."""

    name: str
    """Its key, without the namespace."""
    purpose: str
    """What it is used for, and what it must be able to do."""


_MACHINES = (
    Secret("vcenterUser", "Account that makes virtual machines, tags and the content library in vCenter."),
    Secret("vcenterPassword", "Password of the account `vcenterUser`."),
)
_CLUSTER = (
    Secret("vcenterClusterUser", "Account of the cluster itself in vCenter: reads machines, makes and attaches disks."),
    Secret(
        "vcenterClusterPassword",
        "Password of `vcenterClusterUser`. It stands in Kubernetes Secrets, so it may do no more than that.",
    ),
)
_SERVICES: tuple[Secret, ...] = ()
_TEAM: tuple[Secret, ...] = ()

SECRETS: dict[Layer, tuple[Secret, ...]] = {
    "machines": _MACHINES,
    "cluster": _CLUSTER,
    "services": _SERVICES,
    "team": _TEAM,
    "all": (*_MACHINES, *_CLUSTER, *_SERVICES, *_TEAM),
}
"""The secrets of each layer: what one runner must be given, and no more."""


def require(layer: Layer) -> None:
    """Make sure that every secret of a layer is there.

    Raises:
        FaultsError: every missing one, each with the command that sets it.

    """
    config = pulumi.Config(NAMESPACE)
    faults = [
        missing(secret, pulumi.get_stack()) for secret in SECRETS[layer] if config.get_secret(secret.name) is None
    ]
    if faults:
        raise FaultsError(faults)


def secret(name: str) -> pulumi.Output[str]:
    """Return a declared secret of this stack.

    Raises:
        KeyError: it is not declared in `SECRETS`.
        FaultsError: the stack does not have it.

    """
    declared = {secret.name: secret for secret in SECRETS["all"]}[name]
    found = pulumi.Config(NAMESPACE).get_secret(name)
    if found is None:
        raise FaultsError([missing(declared, pulumi.get_stack())])
    return found


def missing(secret: Secret, stack: str) -> Fault:
    """Return the fault of a stack that lacks a secret, with the command that sets it."""
    remedy = f"`pulumi config set --stack {stack} --secret {NAMESPACE}:{secret.name}` (purpose: {secret.purpose})"
    return Fault(f"stacks/config/Pulumi.{stack}.yaml", 0, f"{NAMESPACE}:{secret.name}", "the secret is missing", remedy)
