"""supply_chain-unmaintained: nothing comes from where nobody repairs it any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters, weakens
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.pods import Pod, PodContainer
from policies.model.values import Unknown
from policies.rules.outcomes import fails, not_here, passes, undetermined
from policies.rules.supply_chain.shared import Image, below, images, supply_chain


class Unmaintained(Parameters):
    """What nobody repairs."""

    images: Annotated[tuple[str, ...], weakens("any")] = (
        "docker.io/bitnamilegacy",
        "docker.io/bitnami",
        "k8s.gcr.io",
    )
    """Registries and paths of images. Default: Bitnami's, frozen since 2025, and Kubernetes' old registry."""
    charts: Annotated[tuple[str, ...], weakens("any")] = ("charts.bitnami.com", "docker.io/bitnamicharts")
    """Host names and paths of chart repositories. Default: Bitnami's."""


@supply_chain(
    "unmaintained",
    title="Nothing comes from where nobody repairs it",
    bio2=("8.08.01", "8.19"),
    rationale="An image that nobody builds again keeps every hole that is found from now on.",
    looks_at="The image of each container, and the repository of each chart, against the parameters.",
    severity=Severity.HIGH,
    parameters=Unmaintained,
    fix="Take the image or chart of the project itself.",
)
def unmaintained(model: Model, parameters: Unmaintained) -> Iterator[Outcome]:
    """Look at images, then at charts."""
    known: dict[str, bool] = {}

    def look(pod: Pod, container: PodContainer, image: Image) -> Iterator[Outcome]:
        if image.full not in known:
            known[image.full] = any(below(image.full, one) for one in parameters.images)
        if known[image.full]:
            sentence = f"Container {container.name} runs an image that nobody repairs."
            path = f"{container.path}.image"
            yield fails(pod.subject, sentence, path=path, expected="a maintained image", actual=image.full)

    wrong = False
    for outcome in images(model, look, "{}"):
        if outcome.path:
            wrong = True
            yield outcome
    for release in model.releases:
        repository = release.repository if release.repository is not None else release.chart
        if isinstance(repository, Unknown):
            wrong = True
            sentence = "Where the chart comes from is not known yet."
            yield undetermined(release.subject, sentence, [repository.of(release.subject)], path=repository.path)
            continue
        address = repository.partition("://")[2] or repository
        address = address.replace("registry-1.docker.io", "docker.io")
        if any(below(address, one) for one in parameters.charts):
            wrong = True
            sentence = "The chart comes from where nobody repairs it."
            yield fails(release.subject, sentence, path="repository", expected="a maintained chart", actual=address)
    if wrong:
        return
    number = sum(len(pod.containers) for pod in model.pods) + len(model.releases)
    if number:
        yield passes(model.cluster, f"{number} images and charts come from where somebody repairs them.")
    else:
        yield not_here(model, "There are no images and no charts here.")
