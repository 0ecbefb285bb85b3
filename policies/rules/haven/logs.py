"""haven-logs: the logs of all containers are collected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from policies.kernel.finding import Fix, Outcome
from policies.kernel.rule import Parameters, weakens
from policies.kernel.words import Layer, Severity
from policies.model.known import LOG_COLLECTORS, LOG_STORES
from policies.model.model import Model, Service
from policies.rules.haven.shared import DECLARED, haven
from policies.rules.outcomes import absent, passes, undetermined

PROVEN = ("Loki", "Alloy")
"""The store and the collector with which a run of the official checker is reported to have said yes."""


class LogsParameters(Parameters):
    """Parameters of haven-logs."""

    recognised: Annotated[tuple[str, ...], weakens("any")] = ()
    """Collectors, beside Alloy with Loki, that an official run on a cluster of yours has recognised.

    Default: none, because the names that the checker knows are not published."""


@haven(
    "logs",
    severity=Severity.HIGH,
    decidable=DECLARED,
    bio2=("8.15.01", "8.15.04"),
    parameters=LogsParameters,
    looks_at="A collector of logs and a store, by chart or image. Alloy with Loki passes: an official run is "
    "reported to have recognised it. The names that the checker knows are not published, so another "
    "collector is undetermined until an official run has recognised it.",
    fix="Add a collector of logs with its store, such as the service `logs`.",
)
def logs(model: Model, parameters: LogsParameters) -> Iterator[Outcome]:
    """Look for a collector and a store."""
    collectors, stores = model.service(*LOG_COLLECTORS), model.service(*LOG_STORES)
    fix = Fix(text="Add a collector of logs with its store.", path="services.logs")
    objects = tuple(sorted({service.subject for service in (*collectors, *stores)}))
    if not collectors and not stores:
        yield absent(model, Layer.SERVICES, "Nothing that collects logs is declared", path="Release.chart", fix=fix)
    elif not collectors:
        what = f"{_names(stores)} keeps logs, but nothing collects them"
        yield absent(model, Layer.SERVICES, what, path="Release.chart", fix=fix, objects=objects)
    else:
        yield _decide(model, collectors, stores, parameters)


def _decide(
    model: Model, collectors: tuple[Service, ...], stores: tuple[Service, ...], parameters: LogsParameters
) -> Outcome:
    objects = tuple(sorted({service.subject for service in (*collectors, *stores)}))
    names = {service.name for service in (*collectors, *stores)}
    accepted = next((service for service in collectors if service.name in parameters.recognised), None)
    together = f"{_names(collectors)}{f' with {_names(stores)}' if stores else ''}"
    if names >= set(PROVEN) or accepted:
        ground = (
            "an official run is reported to have recognised it" if accepted is None else "recognised by an official run"
        )
        first = accepted or next(service for service in collectors if service.name in PROVEN)
        return passes(
            first.subject,
            f"Logs are collected by {together}; {ground}.",
            path="chart",
            expected="a collector that the checker recognises",
            actual=together,
            objects=objects,
            notes=("That logs arrive is seen on the running cluster.",),
        )
    if not stores and model.holds(Layer.SERVICES) and not parameters.recognised and names <= {"Alloy"}:
        sentence = "Alloy collects logs, but no store is declared for them."
        return undetermined(collectors[0].subject, sentence, delegate="the store outside the cluster", objects=objects)
    sentence = f"Logs are collected by {together}; that the official checker recognises this is not proven."
    note = "The names that the checker knows are not published. Known to be accepted: Alloy with Loki."
    return undetermined(
        collectors[0].subject, sentence, delegate="an official run of the checker", objects=objects, notes=(note,)
    )


def _names(services: tuple[Service, ...]) -> str:
    return " and ".join(sorted({service.name for service in services}))
