"""supply_chain-image-versions: an image's name always means the same build."""

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
    "image-versions",
    title="Images have an exact version or a digest",
    bio2=("8.19", "8.32.01"),
    rationale="A tag such as `1.27` moves: the same file then starts another program on the next node.",
    looks_at="The tag and digest of each image: a digest, a version of three numbers, a revision, a day or a commit."
    " `latest` and no tag at all have a rule of their own.",
    severity=Severity.MEDIUM,
    fix="Write the exact version, and the digest where the image is not your own.",
)
def image_versions(model: Model, _parameters: NoParameters) -> Iterator[Outcome]:
    """Look at each image's tag."""

    def look(pod: Pod, container: PodContainer, image: Image) -> Iterator[Outcome]:
        if not image.exact:
            sentence = f"Container {container.name} runs {image.tag}, which moves."
            path = f"{container.path}.image"
            yield fails(pod.subject, sentence, path=path, expected="an exact version or a digest", actual=image.tag)

    whose = "Images that are `latest` or have no tag are judged by supply_chain-no-latest."
    return images(model, look, "{} images have an exact version or a digest.", left=_is_latest, whose=whose)


def _is_latest(image: Image) -> bool:
    return not image.digest and image.tag in ("", "latest")
