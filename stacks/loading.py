"""Read the organisation's files: lazily, so that a fault in one file fails only the stacks that need it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from inputs.faults import Fault, FaultsError, nearest, shown
from inputs.validate import FileModel, parse
from inputs.yaml import Document, load
from stacks.models.base import NAME_PATTERN
from stacks.models.cluster import ClusterFile
from stacks.models.environment import EnvironmentFile, Stage
from stacks.strays import refuse_strays

if TYPE_CHECKING:  # the models of teams and apps are read only by stacks that have teams
    from stacks.models.app import AppEnvironmentFile, AppFile
    from stacks.models.team import TeamFile

PROJECT = Path(__file__).resolve().parents[1]
"""The project's root; messages name files relative to it."""

HOME_VARIABLE = "KADE_HOME"
"""Names the organisation's folder where it is not the example in `stacks/organisation`."""

STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages in rising order of care."""

File = TypeVar("File", bound=FileModel)
Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")


@dataclass(frozen=True)
class App:
    """One app of a team in one environment: its shape, and what differs there."""

    name: str
    """Name of its folder."""
    shape: AppFile
    """`platform.yaml`."""
    differs: AppEnvironmentFile
    """`<environment>.yaml`."""


@dataclass
class Organisation:
    """The organisation's folder. Every file is read when it is first asked for."""

    root: Path
    """Folder with `clusters/`, `environments/` and `teams/`."""
    _read: dict[Path, tuple[Document, FileModel]] = field(default_factory=dict[Path, tuple[Document, FileModel]])

    # Names: from the folder alone, so that listing them never reads a broken file.

    def cluster_names(self) -> tuple[str, ...]:
        """Return the names of all clusters."""
        return self._stems("clusters")

    def environment_names(self) -> tuple[str, ...]:
        """Return the names of all environments."""
        return self._stems("environments")

    def all_team_names(self) -> tuple[str, ...]:
        """Return the names of all teams: folders with a `team.yaml`."""
        return tuple(sorted(path.parent.name for path in self.root.glob("teams/*/team.yaml")))

    def app_names(self, team: str) -> tuple[str, ...]:
        """Return the names of a team's apps: folders with a `platform.yaml`."""
        return tuple(sorted(path.parent.name for path in self.root.glob(f"teams/{team}/*/platform.yaml")))

    # Files.

    def cluster(self, name: str) -> ClusterFile:
        """Read a cluster's file.

        Raises:
            FaultsError: there is no such file, or every fault in it.

        """
        return self._file(ClusterFile, self.root / "clusters" / f"{name}.yaml")

    def environment(self, name: str) -> EnvironmentFile:
        """Read an environment's file.

        Raises:
            FaultsError: there is no such file, it has faults, its name would make stack names ambiguous, or its
                cluster does not exist.

        """
        path = self.root / "environments" / f"{name}.yaml"
        found = self._file(EnvironmentFile, path)
        document, _ = self._read[path]
        if "-team-" in name or name.endswith(("-machines", "-cluster", "-services")):
            what = f"an environment `{name}` makes the names of stacks ambiguous"
            remedy = "Choose a name without `-team-` that does not end in `-machines`, `-cluster` or `-services`."
            raise FaultsError([Fault(document.file, 0, "", what, remedy)])
        known = self.cluster_names()
        if found.cluster not in known:
            what = f"there is no cluster `{found.cluster}`"
            remedy = nearest(found.cluster, known) or f"Clusters: {', '.join(known) or 'none'}."
            raise FaultsError([Fault(document.file, document.line(("cluster",)), "cluster", what, remedy)])
        return found

    def team(self, name: str) -> TeamFile:
        """Read a team's file, and make sure that no other team takes the same names.

        Raises:
            FaultsError: there is no such file, it has faults, or another team or app takes its names.

        """
        from stacks.models.team import TeamFile

        path = self.root / "teams" / name / "team.yaml"
        found = self._file(TeamFile, path)
        if faults := [*self._doubles(name), *self._unknown_environments(path, found)]:
            raise FaultsError(faults)
        return found

    def team_in(self, name: str, environment: str) -> TeamFile:
        """Read the file of a team that deploys into an environment.

        Raises:
            FaultsError: as `team`, or the team does not deploy into this environment.

        """
        found = self.team(name)
        if environment not in found.environments:
            document, _ = self._read[self.root / "teams" / name / "team.yaml"]
            what = f"team `{name}` has no environment `{environment}`"
            remedy = f"Add `{environment}: {{cpu: …, memory: …, storage: …}}`, or choose a stack that fits."
            raise FaultsError([Fault(document.file, document.line(("environments",)), "environments", what, remedy)])
        return found

    def apps(self, team: str, environment: str) -> tuple[App, ...]:
        """Read the apps of a team that have a file for this environment.

        Raises:
            FaultsError: every fault in every app's files.

        """
        from stacks.models.app import AppEnvironmentFile, AppFile

        def read(folder: Path) -> App:
            shape, differs = both(
                lambda: self._file(AppFile, folder / "platform.yaml", folder.name),
                lambda: self._file(AppEnvironmentFile, folder / f"{environment}.yaml", folder.name),
            )
            return App(folder.name, shape, differs)

        folders = [self.root / "teams" / team / name for name in self.app_names(team)]
        here = [folder for folder in folders if (folder / f"{environment}.yaml").exists()]
        return tuple(collect([lambda folder=folder: read(folder) for folder in here]))

    def teams(self, environment: str) -> tuple[tuple[TeamFile, tuple[App, ...]], ...]:
        """Read the teams that deploy into an environment, with their apps there.

        Raises:
            FaultsError: every fault in every team's file, and every team that is there but would be overlooked.

        """
        refuse_strays(self)

        def read(name: str) -> tuple[TeamFile, tuple[App, ...]] | None:
            team = self.team(name)
            return (team, self.apps(name, environment)) if environment in team.environments else None

        found = collect([lambda name=name: read(name) for name in self.all_team_names()])
        return tuple(one for one in found if one is not None)

    def team_names(self, environment: str) -> tuple[str, ...]:
        """Return the names of the teams that deploy into an environment.

        Raises:
            FaultsError: as `teams`.

        """
        return tuple(team.name for team, _ in self.teams(environment))

    def stage(self, cluster: str) -> Stage:
        """Return the most careful stage of the environments on a cluster; `production` where there are none.

        An environment whose own file cannot be read does not fail the cluster's stacks, but counts as production.
        """
        try:
            stages = [environment.stage for environment in self._environments(cluster)]
        except FaultsError:
            return STAGES[-1]
        return STAGES[max((STAGES.index(stage) for stage in stages), default=len(STAGES) - 1)]

    def keeps_data(self, cluster: str) -> bool:
        """Return whether data on a cluster outlives its resource: where an environment on it is production."""
        return self.stage(cluster) == "production"

    def debugs(self, cluster: str) -> bool:
        """Return whether people may enter pods in an environment on a cluster; `False` where a file cannot be read."""
        try:
            return any(environment.debug for environment in self._environments(cluster))
        except FaultsError:
            return False

    def _environments(self, cluster: str) -> list[EnvironmentFile]:
        found = [self.environment(name) for name in self.environment_names()]
        return [environment for environment in found if environment.cluster == cluster]

    # Reading.

    def _stems(self, folder: str) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in (self.root / folder).glob("*.yaml")))

    def _file(self, model: type[File], path: Path, name: str | None = None) -> File:
        if path not in self._read:
            own = name or (path.parent.name if path.stem in ("team", "platform") else path.stem)
            if not NAME_PATTERN.match(own):
                what = f"`{own}` is not a name that Kubernetes, DNS and Vault take"
                remedy = "Rename it: lower-case letters, digits and hyphens, at most 40 characters."
                raise FaultsError([Fault(shown(path, PROJECT), 0, "", what, remedy)])
            document = load(path, PROJECT)
            self._read[path] = (document, parse(model, document, {"name": own}))
        found = self._read[path][1]
        assert isinstance(found, model)
        return found

    def _unknown_environments(self, path: Path, team: TeamFile) -> list[Fault]:
        document, known = self._read[path][0], self.environment_names()
        return [
            Fault(
                document.file,
                document.line(("environments", name)),
                f"environments.{name}",
                f"there is no environment `{name}`",
                nearest(name, known) or f"Environments: {', '.join(known)}.",
            )
            for name in team.environments
            if name not in known
        ]

    def _taken(self, team: str) -> set[str]:
        """Return the namespaces and Vault paths that a team may take, in whichever environment."""
        owners = [team, *(f"{team}-{app}" for app in self.app_names(team))]
        return {f"{owner}-{environment}" for owner in owners for environment in self.environment_names()}

    def _doubles(self, team: str) -> list[Fault]:
        """Return where another team or app takes the same names, judged by the names of folders alone.

        Another team's file is never read: its faults are its own.
        """
        file = shown(self.root / "teams" / team / "team.yaml", PROJECT)
        faults: list[Fault] = []
        names = self.all_team_names()
        for other in names:
            if other != team and other.casefold() == team.casefold():
                what = f"team `{other}` has the same name but for the case"
                faults.append(Fault(file, 0, "", what, "Give one of the two another name."))
        own = self._taken(team)
        for other in names:
            if other != team and (both_take := own & self._taken(other)):
                what = f"team `{other}` takes the namespace or Vault path `{min(both_take)}` too"
                faults.append(Fault(file, 0, "", what, "Rename the app or the team in one of the two."))
        return faults


def collect(reads: Iterable[Callable[[], Result]]) -> list[Result]:
    """Do every read, and raise the faults of all of them together.

    Raises:
        FaultsError: the faults of every read that failed.

    """
    results: list[Result] = []
    faults: list[Fault] = []
    for read in reads:
        try:
            results.append(read())
        except FaultsError as error:
            faults.extend(error.faults)
    if faults:
        raise FaultsError(faults)
    return results


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Do two reads, and raise the faults of both together.

    Raises:
        FaultsError: the faults of each read that failed.

    """
    reads: list[Callable[[], Any]] = [first, second]
    one, two = collect(reads)
    return one, two


@cache
def organisation() -> Organisation:
    """Return the organisation: the folder that `KADE_HOME` names, else the example beside this file.

    Raises:
        FaultsError: the folder is no organisation's.

    """
    chosen = os.environ.get(HOME_VARIABLE)
    found = Organisation(Path(chosen).expanduser().resolve() if chosen else PROJECT / "stacks" / "organisation")
    if not found.cluster_names():
        what = "the folder has no `clusters/<cluster>.yaml`, so it is no organisation's"
        remedy = f"Let {HOME_VARIABLE} name yours, or make one with `kade init FOLDER`."
        raise FaultsError([Fault(shown(found.root, PROJECT), 0, "", what, remedy)])
    return found
