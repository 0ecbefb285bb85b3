"""supply_chain-pull-policy: what may change under its name is fetched anew at every start."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome
from policies.kernel.rule import NoParameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.pods import Pod, PodContainer
from policies.model.values import Unknown
from policies.rules.outcomes import fails, undetermined
from policies.rules.supply_chain.shared import Image, images, supply_chain


@supply_chain(
    "pull-policy",
    title="An image that may change is fetched at every start",
    rationale="A node keeps what it has: after an image was repaired it starts the old one, and another team's pod may"
    " use a private image without having access to it.",
    looks_at="`imagePullPolicy` of each container whose image has no exact version and no digest: `Always`. Where"
    " nothing is said, Kubernetes takes `Always` for `latest` only.",
    severity=Severity.LOW,
    fix="Set `imagePullPolicy: Always`, or write an exact version.",
)
def pull_policy(model: Model, _parameters: NoParameters) -> Iterator[Outcome]:
    """Look at images whose tag moves."""

    def look(pod: Pod, container: PodContainer, image: Image) -> Iterator[Outcome]:
        if image.exact:
            return
        path = f"{container.path}.imagePullPolicy"
        if isinstance(container.pull, Unknown):
            gap = container.pull.of(pod.subject)
            yield undetermined(pod.subject, "When the image is fetched is not known yet.", [gap], path=path)
        elif container.pull != "Always" and not (container.pull is None and image.tag in ("", "latest")):
            fix = Fix(text="Write Always.", path=path, value="Always")
            sentence = f"Container {container.name} keeps an image that may change."
            yield fails(pod.subject, sentence, path=path, expected="Always", actual=container.pull, fix=fix)

    return images(model, look, "{} images are exact, or fetched at every start.")
