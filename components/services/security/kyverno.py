"""Kyverno: refuses what the organisation does not allow, at the door of the cluster."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

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


class KyvernoSettings(FileModel):
    """Settings of admission policies."""

    action: Literal["Enforce", "Audit"] = "Enforce"
    """What happens to a pod that breaks Pod Security `restricted`: refused, or only reported. Default: `Enforce`."""
    registries: list[str] = Field(default=["docker.io/", "ghcr.io/", "quay.io/", "registry.k8s.io/"], min_length=1)
    """Prefixes of images that teams may run; each ends in `/`. Images without a registry's name are refused.

    Default: the four that the catalogue's and Open Zaak's images come from; narrow it to a mirror of your own.
    """
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


def _objects(settings: KyvernoSettings, _place: Place) -> list[Manifest]:
    allowed = ", ".join(f"'{registry}'" for registry in settings.registries)
    containers = ("containers", "initContainers", "ephemeralContainers")
    validations = [
        {
            "expression": f"!has(object.spec.{kind}) || object.spec.{kind}.all(c, "
            "variables.registries.exists(r, c.image.startsWith(r)))",
            "message": f"An image comes from a registry that is not allowed. Allowed: {', '.join(settings.registries)}",
        }
        for kind in containers
    ]
    return [
        {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "ValidatingPolicy",
            "metadata": {"name": "allowed-registries"},
            "spec": {
                "validationActions": ["Deny"],
                "evaluation": {"background": {"enabled": True}},
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": ["pods", "pods/ephemeralcontainers"],
                        }
                    ],
                    # The teams' namespaces: what the platform runs is pinned in its catalogue.
                    "namespaceSelector": {"matchExpressions": [{"key": "kade/team", "operator": "Exists"}]},
                },
                "variables": [{"name": "registries", "expression": f"[{allowed}]"}],
                "validations": validations,
            },
        }
    ]


SERVICE = ServiceDefinition(
    name="kyverno",
    title="Kyverno",
    summary="Refuses pods that break Pod Security `restricted`, and images from elsewhere than the allowed registries.",
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
