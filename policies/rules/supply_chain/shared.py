"""What the rules on images and charts share: how an image is named, and how a rule looks at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from policies.kernel.finding import Outcome
from policies.kernel.registry import RULES
from policies.kernel.rule import Check, Control, Rule
from policies.model.model import Model
from policies.model.pods import Pod, PodContainer
from policies.model.values import Unknown
from policies.rules.haven.shared import DECIDED, bio2_controls
from policies.rules.outcomes import not_here, passes, undetermined

_EXACT = re.compile(r"(?:^|[^0-9])\d+\.\d+\.\d+|^\D*\d+\.\d+-\w|^\D*\d{8}|^[0-9a-f]{12,40}$|\d{4}-\d{2}-\d{2}")
"""Tags that name one build: a version of three numbers, one with a revision, a day, a commit."""


def supply_chain(
    slug: str, *, bio2: tuple[str, ...] = ("8.19",), cis: tuple[str, ...] = ("5.5.1",), **fields: Any
) -> Callable[[Check], Rule]:
    """Register a rule on images or charts."""
    controls = (
        *(Control("CIS Kubernetes", "1.12", number) for number in cis),
        *bio2_controls(*bio2),
        Control("NIS2", "2022/2555", "21.2.d"),
    )
    return RULES.rule(
        id=f"supply_chain-{slug}", category="Supply chain", controls=controls, decidable=DECIDED, **fields
    )


@dataclass(frozen=True, slots=True)
class Image:
    """An image, taken apart."""

    registry: str
    """Host name of its registry; `docker.io` where none is written, as container runtimes do."""
    name: str
    """Its path in the registry."""
    tag: str
    digest: str

    @staticmethod
    def of(text: str) -> Image:
        """Take a reference apart."""
        rest, _, digest = text.partition("@")
        head, slash, tail = rest.partition("/")
        hosted = bool(slash) and ("." in head or ":" in head or head == "localhost")
        registry, path = (head, tail) if hosted else ("docker.io", rest)
        name, _, tag = path.partition(":")
        if registry == "docker.io" and "/" not in name:
            name = f"library/{name}"
        return Image(registry, name, tag, digest)

    @property
    def full(self) -> str:
        """Registry and path, without tag and digest."""
        return f"{self.registry}/{self.name}"

    @property
    def exact(self) -> bool:
        """Whether it always means the same build, as far as a name can promise."""
        return bool(self.digest) or _EXACT.search(self.tag) is not None


def below(full: str, prefix: str) -> bool:
    """Whether an image's full name stands below a prefix."""
    whole = prefix.rstrip("/")
    return full == whole or full.startswith(f"{whole}/")


Look = Callable[[Pod, PodContainer, Image], Iterator[Outcome]]


def images(
    model: Model, look: Look, right: str, *, left: Callable[[Image], bool] = lambda _: False, whose: str = ""
) -> Iterator[Outcome]:
    """Look at the image of each container; say once how many are right.

    `left` are images that another rule judges, and this one does not count; `whose` says in a sentence which.
    """
    number = others = 0
    wrong = False
    parsed: dict[str, Image] = {}
    for pod in model.pods:
        if pod.open:
            wrong = True
            gaps = [one.of(pod.subject) for one in pod.open]
            yield undetermined(pod.subject, "Which images run is not known yet.", gaps, path=gaps[0].path)
        for container in pod.containers:
            number += 1
            text = container.image
            if isinstance(text, Unknown):
                wrong = True
                gaps = [text.of(pod.subject)]
                yield undetermined(pod.subject, "Which image runs is not known yet.", gaps, path=text.path)
                continue
            if not text:
                continue  # the workload's owner fills it in; Kubernetes refuses it otherwise
            image = parsed.get(text) or parsed.setdefault(text, Image.of(text))
            if left(image):
                number, others = number - 1, others + 1
                continue
            for outcome in look(pod, container, image):
                wrong = True
                yield outcome
    if not number and not wrong:
        yield not_here(model, whose if others else "There are no workloads here.")
    elif not wrong:
        yield passes(model.cluster, right.format(number), notes=(whose,) if others else ())
