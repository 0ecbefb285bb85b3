"""supply_chain-registries: images come from registries that the organisation trusts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters, weakens
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.pods import Pod, PodContainer
from policies.rules.outcomes import fails
from policies.rules.supply_chain.shared import Image, below, images, supply_chain


class Registries(Parameters):
    """Which registries are trusted."""

    registries: Annotated[tuple[str, ...], weakens("any")] = (
        "ghcr.io",
        "quay.io",
        "registry.k8s.io",
        "docker.io/library",
    )
    """Registries, or paths in them. Default: where the projects themselves publish, and Docker's official images.

    Replace them by a registry of your own that mirrors what was checked.
    """


@supply_chain(
    "registries",
    title="Images come from trusted registries",
    rationale="Who may push to a registry decides what runs: on an open one that is anybody.",
    looks_at="The image of each container of each workload, against the parameter. An image without a host name is"
    " docker.io's.",
    severity=Severity.MEDIUM,
    parameters=Registries,
    fix="Take the image from a registry of the list, or mirror it there.",
)
def registries(model: Model, parameters: Registries) -> Iterator[Outcome]:
    """Look at each image's registry."""
    allowed = ", ".join(parameters.registries)
    trusted: dict[str, bool] = {}

    def look(pod: Pod, container: PodContainer, image: Image) -> Iterator[Outcome]:
        if image.full not in trusted:
            trusted[image.full] = any(below(image.full, one) for one in parameters.registries)
        if not trusted[image.full]:
            sentence = f"Container {container.name} runs an image of {image.registry}."
            yield fails(pod.subject, sentence, path=f"{container.path}.image", expected=allowed, actual=image.full)

    return images(model, look, "{} images come from trusted registries.")
