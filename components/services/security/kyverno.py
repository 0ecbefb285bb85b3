"""Kyverno: refuses what the organisation does not allow, at the door of the cluster."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from components.services.definition import Chart, Manifest, Place, ServiceDefinition, Values
from components.services.shared import resources
from inputs.validate import FileModel

NAMESPACE = "kyverno"

ENGINE = Chart(
    name="kyverno",
    repository="https://kyverno.github.io/kyverno/",
    # renovate: datasource=helm depName=kyverno registryUrl=https://kyverno.github.io/kyverno/
    version="3.9.1",
)
POLICIES = Chart(
    name="kyverno-policies",
    repository="https://kyverno.github.io/kyverno/",
    # renovate: datasource=helm depName=kyverno-policies registryUrl=https://kyverno.github.io/kyverno/
    version="3.9.1",
)


def _public_key(text: str) -> str:
    """Return the key; it must be one that others may read."""
    # Only an organisation that sets a key waits for this import.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        msg = "this is no public key. Write what `cosign public-key` prints, from `-----BEGIN PUBLIC KEY-----` on"
        raise ValueError(msg) from None
    return text.strip() + "\n"


class Signature(FileModel):
    """Who signs some images."""

    images: list[str] = Field(min_length=1)
    """Patterns of the images, for example `registry.voorbeeld.example/*`; `*` stands for anything. No default."""
    key: Annotated[str, AfterValidator(_public_key)]
    """Public key of Cosign that their signatures are checked with. No default: only the organisation knows it."""
    transparency_log: str | None = None
    """Address of the log (Rekor) that each signature must stand in as well. Default: none is asked."""


class KyvernoSettings(FileModel):
    """Settings of admission policies."""

    action: Literal["Enforce", "Audit"] = "Enforce"
    """What happens to a pod that breaks Pod Security `restricted`: refused, or only reported. Default: `Enforce`."""
    registries: list[str] = Field(default=["docker.io/", "ghcr.io/", "quay.io/", "registry.k8s.io/"], min_length=1)
    """Prefixes of images that teams may run; each ends in `/`. Images without a registry's name are refused.

    Default: the four that the catalogue's and Open Zaak's images come from; narrow it to a mirror of your own.
    """
    signatures: list[Signature] = Field(default_factory=list[Signature])
    """Images that run in the namespaces of teams only with a signature. Default: none, because a key is needed."""
    excluded_namespaces: tuple[str, ...] = ("kube-system", "vmware-system-csi")
    """Namespaces outside Pod Security `restricted`, beside those of services that need more.

    Default: the cluster layer's own. The Haven checker starts a pod on a control plane to look at the node: name its
    namespace here when it is refused.
    """


def _values(settings: KyvernoSettings, place: Place) -> dict[str, Values]:
    from components.services.catalogue import CATALOGUE  # the catalogue imports this file

    special = [CATALOGUE[name].namespace for name in place.services if CATALOGUE[name].pod_security != "restricted"]
    return {
        ENGINE.name: {
            "crds": {"install": True},
            "admissionController": {
                # Every change of a pod waits for its answer: three, so that losing a zone stops nothing.
                "replicas": place.replicas(3),
                "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
                "container": {"resources": resources("200m", "512Mi")},
            },
            "backgroundController": {"replicas": place.replicas(2)},
            "cleanupController": {"replicas": place.replicas(2)},
            "reportsController": {"replicas": place.replicas(2)},
        },
        POLICIES.name: {
            # The kinds of `kyverno.io` are deprecated in 1.19; these are written in CEL.
            "policyType": "ValidatingPolicy",
            "podSecurityStandard": "restricted",
            "validationFailureAction": settings.action,
            "failurePolicy": "Fail" if settings.action == "Enforce" else "Ignore",
            # `policyExclude` works on the deprecated kinds only, silently.
            "vpolExclude": {"excludeNamespaces": sorted({*settings.excluded_namespaces, *special})},
        },
    }


TEAMS = {"matchExpressions": [{"key": "kade/team", "operator": "Exists"}]}
"""The teams' namespaces: what the platform runs is pinned in its catalogue."""
LISTS = ("containers", "initContainers", "ephemeralContainers")


def _pods() -> Manifest:
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["pods", "pods/ephemeralcontainers"],
    }
    return {"resourceRules": [rule], "namespaceSelector": TEAMS}


def _objects(settings: KyvernoSettings, _place: Place) -> list[Manifest]:
    signed = [_signed(number, one, settings) for number, one in enumerate(settings.signatures, 1)]
    return [_registries(settings), *signed]


def _registries(settings: KyvernoSettings) -> Manifest:
    allowed = ", ".join(f"'{registry}'" for registry in settings.registries)
    validations = [
        {
            "expression": f"!has(object.spec.{kind}) || object.spec.{kind}.all(c, "
            "variables.registries.exists(r, c.image.startsWith(r)))",
            "message": f"An image comes from a registry that is not allowed. Allowed: {', '.join(settings.registries)}",
        }
        for kind in LISTS
    ]
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": {"name": "allowed-registries"},
        "spec": {
            "validationActions": ["Deny"],
            "evaluation": {"background": {"enabled": True}},
            "matchConstraints": _pods(),
            "variables": [{"name": "registries", "expression": f"[{allowed}]"}],
            "validations": validations,
        },
    }


def _signed(number: int, signature: Signature, settings: KyvernoSettings) -> Manifest:
    """Return the policy that checks the signatures of some images."""
    log = {"url": signature.transparency_log} if signature.transparency_log else {"insecureIgnoreTlog": True}
    cosign: dict[str, Any] = {"key": {"data": signature.key}, "ctlog": log}
    enforced = settings.action == "Enforce"
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ImageValidatingPolicy",
        "metadata": {"name": f"signed-images-{number}"},
        "spec": {
            "validationActions": ["Deny" if enforced else "Audit"],
            "failurePolicy": "Fail" if enforced else "Ignore",
            "matchConstraints": _pods(),
            "matchImageReferences": [{"glob": pattern} for pattern in signature.images],
            "attestors": [{"name": "organisation", "cosign": cosign}],
            "validations": [
                {
                    "expression": f"images.{kind}.map(i, verifyImageSignatures(i, [attestors.organisation]))"
                    ".all(found, found > 0)",
                    "message": f"An image without the organisation's signature: {', '.join(signature.images)}",
                }
                for kind in LISTS
            ],
        },
    }


SERVICE = ServiceDefinition(
    name="kyverno",
    title="Kyverno",
    summary="Refuses pods that break Pod Security `restricted`, images from elsewhere than the allowed registries, and"
    " images without the organisation's signature where it says which it signs.",
    category="security",
    charts=(ENGINE, POLICIES),
    namespace=NAMESPACE,
    pod_security="restricted",
    settings=KyvernoSettings,
    values=_values,
    objects=_objects,
    bio2=("8.03.01", "8.09", "8.19"),
    notes=(
        "Namespaces carry Pod Security labels as well: Kyverno reports on what runs already, and notices a label that "
        "was taken away.",
    ),
)
