"""supply_chain-no-latest: no image is simply the latest."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import NoParameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.pods import Pod, PodContainer
from policies.rules.outcomes import fails
from policies.rules.supply_chain.shared import Image, images, supply_chain


@supply_chain(
    "no-latest",
    title="No image is simply the latest",
    bio2=("8.19", "8.32.01"),
    rationale="Nobody can say which program `latest` was yesterday, nor go back to it.",
    looks_at="The tag of each image without a digest: it must be there, and not be `latest`.",
    severity=Severity.MEDIUM,
    fix="Write the exact version.",
)
def no_latest(model: Model, _parameters: NoParameters) -> Iterator[Outcome]:
    """Look at each image's tag."""

    def look(pod: Pod, container: PodContainer, image: Image) -> Iterator[Outcome]:
        if not image.digest and image.tag in ("", "latest"):
            sentence = f"Container {container.name} runs {'`latest`' if image.tag else 'an image without a tag'}."
            path = f"{container.path}.image"
            yield fails(pod.subject, sentence, path=path, expected="an exact version", actual=image.tag or "no tag")

    return images(model, look, "{} images have a digest, or a tag that is not `latest`.")
