"""haven-kubernetesversion: Kubernetes is not too old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from inputs.validate import FileModel, parse
from inputs.yaml import load
from policies.kernel.finding import Fix, Outcome, Subject
from policies.kernel.rule import Parameters
from policies.kernel.words import Layer, Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.haven.counting import computed
from policies.rules.haven.shared import DECIDED, haven
from policies.rules.outcomes import fails, not_here, passes, undetermined

_VERSION = re.compile(r"(?:^|[:v])v?1\.(\d+)(?:\.\d+)?(?:[-+@].*)?\Z")
Minor = Annotated[str, Field(pattern=r"^1\.\d+$")]


class ReleaseTable(FileModel):
    """Model of `kubernetes_releases.yaml`."""

    checked: date
    """Day on which somebody last looked whether the table is complete."""
    releases: dict[Minor, date]
    """Day on which each stable minor version came out."""

    def latest(self, day: date) -> int | None:
        """Return the newest minor version of Kubernetes 1 that was out on a day."""
        out = [int(minor.partition(".")[2]) for minor, released in self.releases.items() if released <= day]
        return max(out, default=None)


@lru_cache(maxsize=1)
def release_table() -> ReleaseTable:
    """Return the table that ships with the rules."""
    return parse(ReleaseTable, load(Path(__file__).with_name("kubernetes_releases.yaml")))


class KubernetesVersionParameters(Parameters):
    """Parameters of haven-kubernetesversion."""

    behind: int = Field(default=3, ge=0, le=3)
    """How many minor versions the cluster may be behind. Default: 3, the checker's own number; lower is stricter."""
    table_days: int = Field(default=60, ge=1, le=60)
    """Age in days at which the table of versions decides nothing. Default: 60, as a minor version comes out every
    four months and the newest must not be missed."""


@haven(
    "kubernetesversion",
    severity=Severity.HIGH,
    decidable=DECIDED,
    bio2=("8.08.01",),
    parameters=KubernetesVersionParameters,
    looks_at="The version of every API server, and of every kubelet where no API server is declared, against a "
    "dated table of stable versions that ships with the rules. The oldest counts.",
    fix="Upgrade Kubernetes, one minor version at a time.",
)
def kubernetesversion(model: Model, parameters: KubernetesVersionParameters) -> Iterator[Outcome]:
    """Compare the oldest version with the newest stable one."""
    table = release_table()
    versions = [(plane.subject, plane.version, plane.version_path) for plane in model.control_planes]
    if not any(version is not None for _, version, _ in versions):
        versions = [(node.subject, node.version, node.version_path) for node in model.nodes.all]
    declared = [item for item in versions if item[1] is not None]
    if not declared:
        held = model.holds(Layer.CLUSTER)
        if held or (held is None and model.nodes.pools):
            yield undetermined(model.cluster, "No version of Kubernetes is declared: it follows from something else.")
        else:
            yield not_here(model, "The version is declared in another stack.")
        return
    yield _decide(model, parameters, table, declared)


def _decide(
    model: Model,
    parameters: KubernetesVersionParameters,
    table: ReleaseTable,
    declared: list[tuple[Subject, str | Unknown | None, str]],
) -> Outcome:
    objects = tuple(sorted({subject for subject, _, _ in declared}))
    unknown = [version for _, version, _ in declared if isinstance(version, Unknown)]
    known = [(_minor(version), path) for _, version, path in declared if isinstance(version, str)]
    if unknown:
        return undetermined(model.cluster, "The version is not known yet.", unknown, objects=objects)
    if any(minor is None for minor, _ in known):
        path = next(path for minor, path in known if minor is None)
        gap = Unknown(path, "it is no version number but a moving name", objects[0])
        return undetermined(model.cluster, "The version cannot be read.", [gap], objects=objects)
    oldest, path = min((minor, path) for minor, path in known if minor is not None)
    age = (model.day - table.checked).days
    latest = table.latest(model.day)
    if age > parameters.table_days or latest is None:
        sentence = (
            f"The table of versions was last checked {age} days ago ({table.checked}), so it decides nothing."
            " `kade releases` brings it up to date."
        )
        gap = Unknown(
            "checked", f"it is older than {parameters.table_days} days", Subject("File", "kubernetes_releases.yaml")
        )
        return undetermined(model.cluster, sentence, [gap], objects=objects)
    if oldest > latest:
        sentence = f"Kubernetes 1.{oldest} is newer than 1.{latest}, the newest stable version in the table."
        return undetermined(model.cluster, sentence, delegate="the list of stable versions", objects=objects)
    behind, lowest = latest - oldest, latest - parameters.behind
    expected, actual = f">= 1.{lowest}", f"1.{oldest}"
    source = f"Newest stable version on {model.day}: 1.{latest}; table checked on {table.checked}."
    if behind > parameters.behind:
        fix = Fix(
            text=f"Upgrade to 1.{latest}, one minor version at a time.", path="versions.kubernetes", value=f"1.{latest}"
        )
        sentence = (
            f"Kubernetes 1.{oldest} is {behind} minor versions behind 1.{latest}; {parameters.behind} is the limit."
        )
        return fails(
            model.cluster,
            sentence,
            path=path,
            expected=expected,
            actual=actual,
            fix=fix,
            objects=objects,
            notes=(source,),
        )
    forecast = f"This fails when 1.{oldest + parameters.behind + 1} is released."
    where = (
        "the newest stable version" if behind == 0 else f"{behind} minor version{'s' * (behind > 1)} behind 1.{latest}"
    )
    return passes(
        model.cluster,
        f"Kubernetes 1.{oldest} is {where}. {forecast}",
        path=path,
        expected=expected,
        actual=actual,
        objects=objects,
        notes=(source, forecast, *computed(model)),
    )


def _minor(version: str) -> int | None:
    """Return the minor version of Kubernetes 1 in a version or at the end of an image's name."""
    found = _VERSION.search(version)
    return int(found.group(1)) if found else None
