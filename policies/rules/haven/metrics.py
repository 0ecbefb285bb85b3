"""haven-metrics: metrics-server runs, and can reach the kubelets."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome, Subject
from policies.kernel.rule import Parameters
from policies.kernel.words import Layer, Severity
from policies.model.model import Model, Service
from policies.model.values import Unknown, items
from policies.rules.haven.shared import DECLARED, haven
from policies.rules.outcomes import absent, fails, passes, undetermined

_INSECURE = "--kubelet-insecure-tls"
_API = "v1beta1.metrics.k8s.io"
_LIVE = "That the API `metrics.k8s.io` answers is seen on the running cluster."


@haven(
    "metrics",
    severity=Severity.HIGH,
    decidable=DECLARED,
    bio2=("8.06", "8.16.04"),
    looks_at="metrics-server by chart or image; Prometheus is not what the checker asks for. Then its "
    "precondition: kubelets serve with certificates that the cluster signed (`rotate-server-certificates`"
    " on every node, and an approver), or metrics-server is told not to verify them. Without either it "
    "runs and reports nothing. On a running cluster the state of the API `metrics.k8s.io` decides.",
    fix="Install metrics-server, and let the cluster sign the kubelets' serving certificates.",
)
def metrics(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look for metrics-server, then for its precondition."""
    answers = model.answering.get(_API, model.unreadable("APIService"))
    if answers is not None:
        yield _answered(answers)
        return
    installed = model.service("metrics-server")
    if not installed:
        fix = Fix(text="Install metrics-server.", path="services.metrics-server", value="{}")
        yield absent(model, Layer.SERVICES, "metrics-server is not declared", path="Release.chart", fix=fix)
        return
    service = installed[0]
    arguments, unknown = _arguments(service)
    if _INSECURE in arguments or f"{_INSECURE}=true" in arguments:
        note = f"It runs with `{_INSECURE}`: it reports, but anyone in the network can pose as a kubelet."
        yield passes(
            service.subject,
            "metrics-server is declared; it does not verify the kubelets.",
            path="args",
            expected="metrics-server",
            actual=_INSECURE,
            objects=(service.subject,),
            notes=(note, _LIVE),
        )
    elif unknown is not None:
        sentence = "metrics-server is declared; whether it can reach the kubelets is not known."
        yield undetermined(service.subject, sentence, [unknown], objects=(service.subject,))
    else:
        yield _certificates(model, service)


def _answered(answers: bool | Unknown) -> Outcome:
    """Decide by what the running cluster says of the API."""
    subject = Subject("APIService", _API)
    path = "status.conditions[Available]"
    if isinstance(answers, Unknown):
        return undetermined(subject, "Whether the API of metrics answers is not known.", [answers])
    if answers:
        return passes(subject, f"{_API} answers.", path=path, expected="True", actual="True", objects=(subject,))
    fix = Fix(text="Look at metrics-server's log: mostly it cannot verify the kubelets' serving certificates.")
    return fails(subject, f"{_API} does not answer.", path=path, expected="True", actual="False", fix=fix)


def _arguments(service: Service) -> tuple[list[str], Unknown | None]:
    """Return metrics-server's arguments, or what keeps them from being known."""
    if service.workload is not None:
        containers = service.workload.containers
        if isinstance(containers, Unknown):
            return [], containers
        arguments = [argument for container in containers for argument in container.arguments]
    else:
        values = [service.settings.get("args"), service.settings.get("defaultArgs")]
        for value in values:
            if isinstance(value, Unknown):
                return [], value
        arguments = [item for value in values for item in items(value)]
    unknown = next((argument for argument in arguments if isinstance(argument, Unknown)), None)
    return [str(argument) for argument in arguments], unknown


def _certificates(model: Model, service: Service) -> Outcome:
    """Decide whether the cluster signs the kubelets' serving certificates."""
    if not model.nodes.pools or model.holds(Layer.CLUSTER) is False:
        sentence = "metrics-server is declared; the kubelets' serving certificates are set up in another stack."
        return undetermined(service.subject, sentence, delegate="the cluster layer's stack", objects=(service.subject,))
    nodes = model.nodes.all
    bare = [node for node in nodes if node.serving_certificates in (None, False)]
    unknown = [node.serving_certificates for node in nodes if isinstance(node.serving_certificates, Unknown)]
    approvers = model.service("kubelet-certificate-approver")
    objects = (service.subject, *sorted({approver.subject for approver in approvers}))
    if bare:
        node = min(bare, key=lambda found: found.subject)
        path = node.serving_certificates_path or "kubelet.extraArgs.rotate-server-certificates"
        if node.serving_certificates is None and model.nodes.seen_as != "Talos machine configurations":
            gap = Unknown(path, "the kubelets' arguments are not declared here", node.subject)
            return undetermined(
                service.subject, "metrics-server is declared; the kubelets are not.", [gap], objects=objects
            )
        fix = Fix(text="Let every kubelet ask for its serving certificate.", path=path, value=True)
        sentence = f"{len(bare)} kubelets serve with certificates that nobody signed: metrics-server refuses them."
        return fails(
            node.subject,
            sentence,
            path=path,
            expected=True,
            actual=node.serving_certificates is True,
            fix=fix,
            objects=objects,
        )
    if unknown:
        return undetermined(
            service.subject, "Whether the kubelets ask for certificates is not known.", unknown, objects=objects
        )
    if not approvers:
        fix = Fix(text="Install an approver, such as the chart kubelet-csr-approver.", path="Release.chart")
        sentence = "The kubelets ask for serving certificates, but nothing approves them: metrics-server refuses them."
        return fails(
            model.cluster,
            sentence,
            path="Release.chart",
            expected="an approver",
            actual="absent",
            fix=fix,
            objects=objects,
        )
    sentence = "metrics-server is declared; the cluster signs the kubelets' certificates."
    return passes(
        service.subject,
        sentence,
        path="chart",
        expected="metrics-server",
        actual="metrics-server",
        objects=objects,
        notes=(_LIVE,),
    )
