"""Where the pack's files are, and what a stack's name means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from inputs.faults import Fault, FaultsError
from inputs.yaml import load
from policies.kernel.verdict import Scope
from policies.kernel.words import Layer, Moment, Source, Stage
from policies.model.values import dig

ROOT = Path(__file__).resolve().parents[2]
"""The project's root, found from this file: the engine starts the pack in different folders."""
_TEAM = "-team-"
_LAYERS = (Layer.MACHINES, Layer.CLUSTER, Layer.SERVICES)


@dataclass(frozen=True)
class Environment:
    """An environment's file, as far as the pack needs it."""

    name: str
    cluster: str
    stage: Stage | None


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the root of the organisation's files."""
    given = environment.get("KADE_HOME")
    return Path(given) if given else ROOT / "stacks" / "organisation"


def out(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that verdicts are written under."""
    given = environment.get("KADE_OUT")
    return Path(given) if given else ROOT / "out"


def today(environment: Mapping[str, str] = os.environ) -> date:
    """Return the day that is judged on: today, or what `KADE_AS_OF` says."""
    given = environment.get("KADE_AS_OF")
    try:
        return date.fromisoformat(given) if given else datetime.now(UTC).date()
    except ValueError:
        fault = Fault("KADE_AS_OF", 0, "", "it is no day", "Write it as 2026-11-21, or leave it out.")
        raise FaultsError([fault]) from None


def environments(organisation: Path) -> tuple[Environment, ...]:
    """Return the environments. A file that cannot be read is left out: the program itself reports its faults."""
    found: list[Environment] = []
    for path in sorted((organisation / "environments").glob("*.yaml")):
        try:
            data = load(path).data
        except FaultsError:
            continue
        cluster, stage = dig(data, "cluster"), dig(data, "stage")
        if isinstance(cluster, str):
            found.append(Environment(path.stem, cluster, Stage(stage) if stage in set(Stage) else None))
    return tuple(found)


def scope(stack: str, project: str, *, dry_run: bool, organisation: Path, stand_ins: bool = False) -> Scope:
    """Return what a stack holds, from its name and the organisation's files.

    A name that fits nothing is a program of somebody else: its layers and its stage are then not known.
    """
    known = environments(organisation)
    clusters = {path.stem for path in (organisation / "clusters").glob("*.yaml")}
    cluster, layers, mine = _meaning(stack, known, clusters)
    stages = [environment.stage for environment in mine if environment.stage]
    order = list(Stage)
    return Scope(
        stack=stack,
        project=project,
        cluster=cluster,
        environments=tuple(environment.name for environment in mine),
        stage=max(stages, key=order.index, default=None),
        layers=layers,
        source=Source.PREVIEW,
        moment=Moment.PREVIEW if dry_run else Moment.APPLIED,
        stand_ins=stand_ins,
    )


def _meaning(
    stack: str, known: tuple[Environment, ...], clusters: set[str]
) -> tuple[str, frozenset[Layer] | None, tuple[Environment, ...]]:
    """Return cluster, layers and environments of a stack."""
    for layer in _LAYERS:
        cluster = stack.removesuffix(f"-{layer}")
        if cluster != stack and cluster in clusters:
            return cluster, frozenset({layer}), tuple(e for e in known if e.cluster == cluster)
    name, infix, _ = stack.partition(_TEAM)
    for environment in known:
        if infix and environment.name == name:
            return environment.cluster, frozenset({Layer.TEAMS}), (environment,)
        if environment.name == stack and environment.stage is Stage.SANDBOX:
            return environment.cluster, frozenset(Layer), (environment,)
    return "", None, ()


def commit(root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the commit of the working copy, read from its files: starting git costs more than the rest."""
    given = environment.get("CI_COMMIT_SHA")
    if given:
        return given
    try:
        folder = root / ".git"
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        if (folder / reference).exists():
            return (folder / reference).read_text().strip()
        packed = (folder / "packed-refs").read_text().splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {reference}")), None)
    except (OSError, UnicodeDecodeError):
        return None
