"""haven-autocerts: certificates come and renew by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Layer, Severity
from policies.model.certificates import Issuer
from policies.model.model import Model, Service
from policies.model.values import Unknown, items
from policies.rules.haven.shared import DECLARED, haven
from policies.rules.outcomes import absent, fails, passes, undetermined

_SERVICE = Fix(text="Add cert-manager with an issuer.", path="services.cert-manager")
_LIVE = "That the issuer answers is seen on the running cluster."


@haven(
    "autocerts",
    severity=Severity.HIGH,
    decidable=DECLARED,
    bio2=("5.14.01", "8.24.01"),
    looks_at="cert-manager by chart or image, its custom resource definitions, and an Issuer or ClusterIssuer that"
    " can issue: ACME with a server, an account key and a solver; a CA with its Secret; Vault with its "
    "path. A self-signed issuer alone does not count, because no client trusts it. A solver over Gateway "
    "API needs cert-manager's support for it.",
    fix="Install cert-manager with its custom resource definitions and an issuer that can issue.",
)
def autocerts(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look for cert-manager, then for an issuer, then for what both need."""
    installed = model.service("cert-manager")
    if not installed:
        what = "cert-manager is not declared"
        yield absent(model, Layer.SERVICES, what, path="Release.chart", fix=_SERVICE)
        return
    service = installed[0]
    problem = _definitions(model, service)
    if problem is not None:
        yield problem
        return
    yield _issuer(model, service)


def _definitions(model: Model, service: Service) -> Outcome | None:
    """Return what is wrong with the custom resource definitions; `None` where they are there."""
    if service.release is None or "certificates.cert-manager.io" in model.definitions:
        return None
    settings = service.release.settings
    values = [settings.get("crds.enabled"), settings.get("installCRDs")]
    if any(value is True for value in values):
        return None
    path = f"{service.release.settings_path}.crds.enabled"
    unknown = [value for value in values if isinstance(value, Unknown)]
    unread = model.unreadable("CustomResourceDefinition")
    if unread is not None:
        unknown.append(unread)
    if unknown:
        return undetermined(
            service.subject, "Whether its custom resource definitions come along is not known.", unknown
        )
    fix = Fix(text="Let the chart install them.", path=path, value=True)
    sentence = "cert-manager comes without its custom resource definitions, which the chart leaves out by default."
    return fails(service.subject, sentence, path=path, expected=True, actual=False, fix=fix)


def _issuer(model: Model, service: Service) -> Outcome:
    objects = (service.subject, *sorted(issuer.subject for issuer in model.issuers))
    able: list[Issuer] = []
    open_end: list[Unknown] = []
    wrong: list[tuple[Issuer, str, str]] = []
    for issuer in sorted(model.issuers, key=lambda found: found.subject):
        if isinstance(issuer.type, Unknown):
            open_end.append(issuer.type)
        elif issuer.type == "external":
            open_end.append(Unknown("spec", "the issuer belongs to another controller", issuer.subject))
        elif issuer.type == "selfSigned":
            wrong.append((issuer, "spec.selfSigned", "it is self-signed, and no client trusts that"))
        elif issuer.missing:
            wrong.append((issuer, issuer.missing[0], f"`{issuer.missing[0]}` is missing"))
        else:
            gap = _gateway(issuer, service)
            if gap is None:
                able.append(issuer)
            else:
                open_end.append(gap)
    if able:
        names = ", ".join(f"{issuer.subject} ({issuer.type})" for issuer in able)
        return passes(
            able[0].subject,
            f"cert-manager is declared with {names}.",
            path=f"spec.{able[0].type}",
            expected="an issuer that can issue",
            actual=str(able[0].type),
            objects=objects,
            notes=(_LIVE,),
        )
    if open_end:
        return undetermined(model.cluster, "Whether an issuer can issue is not known.", open_end, objects=objects)
    if wrong:
        issuer, path, what = wrong[0]
        sentence = f"No issuer can issue: of {issuer.subject}, {what}."
        return fails(
            issuer.subject,
            sentence,
            path=path,
            expected="an issuer that can issue",
            actual=str(issuer.type),
            objects=objects,
        )
    if model.holds(Layer.SERVICES) is None:
        sentence = "cert-manager is declared without an issuer here."
        delegate = "" if model.gaps else "the cluster's other stacks"
        return undetermined(model.cluster, sentence, model.gaps, delegate=delegate, objects=objects)
    fix = Fix(text="Add an issuer.", path="services.cert-manager.issuer")
    return fails(
        model.cluster,
        "cert-manager is declared without an issuer.",
        path="ClusterIssuer",
        expected="present",
        actual="absent",
        fix=fix,
        objects=objects,
    )


def _gateway(issuer: Issuer, service: Service) -> Unknown | None:
    """Return what keeps a solver over Gateway API from being certain; `None` where another solver does it."""
    if issuer.type != "acme" or not set(issuer.solvers) <= {"http01-gateway"} or service.release is None:
        return None
    settings = service.release.settings
    arguments = [str(item) for item in items(settings.get("extraArgs"))]
    on = settings.get("config.enableGatewayAPI") is True or settings.get("config.gatewayAPI.enabled") is True
    if on or any("enable-gateway-api" in argument for argument in arguments):
        return None
    path = f"{service.release.settings_path}.config.enableGatewayAPI"
    return Unknown(path, "cert-manager's support for Gateway API is not switched on there", service.subject)
