"""From an app's two files to the arguments of its component, and what is wrong in the files together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.apps.app import AppArgs, RouteArgs, SecretOrigin, VolumeArgs
from components.apps.cache import CacheArgs
from components.apps.database import DatabaseArgs
from components.apps.placeholders import merge, resolve
from components.cluster.handle import ClusterDeclared
from components.services.data.rwx_storage import STORAGE_CLASS
from components.services.networking.gateway_api import GatewayApiSettings
from inputs.faults import Fault, shown
from inputs.validate import RuleOfFile
from inputs.yaml import dotted, load
from stacks.loading import PROJECT, App, organisation
from stacks.models.app import AppEnvironmentFile, AppFile, differing_rules
from stacks.models.environment import EnvironmentFile
from stacks.models.team import Capacity, TeamFile, amount

NEEDS = {
    "route": "gateway-api",
    "database": "cloudnative-pg",
    "cache": "external-secrets",
    "volume": "rwx-storage",
    "secrets": "external-secrets",
}
"""What an app may ask for, and the service that answers it."""


def namespace_name(team: TeamFile, app: App, environment: EnvironmentFile) -> str:
    """Return the name of an app's namespace."""
    return f"{team.name}-{app.name}-{environment.name}"


def hostname(environment: EnvironmentFile, app: App) -> str:
    """Return the app's host name in an environment."""
    written = app.differs.hostname or app.shape.hostname or f"{app.name}.{environment.domain}"
    return resolve(written, {f"environment.{key}": getattr(environment, key) for key in ("name", "stage", "domain")})


def app_args(
    environment: EnvironmentFile,
    team: TeamFile,
    app: App,
    cluster: ClusterDeclared,
    *,
    project: str,
    keep_data: bool,
) -> AppArgs:
    """Return what the component of an app is made of: the shape, with what differs in this environment on top."""
    shape, differs = app.shape, app.differs
    names = {"name": environment.name, "stage": environment.stage, "domain": environment.domain}
    return AppArgs(
        name=app.name,
        namespace=namespace_name(team, app, environment),
        project=project,
        cluster=cluster,
        environment=names,
        hostname=hostname(environment, app),
        chart=shape.chart.name,
        repository=shape.chart.repository,
        version=differs.version or shape.chart.version,
        values=merge(shape.values, differs.values),
        keep_data=keep_data,
        route=RouteArgs(service=shape.route.service, port=shape.route.port) if shape.route else None,
        database=_database(shape, differs),
        cache=_cache(shape, differs),
        volume=_volume(shape, differs),
        secrets={
            name: {key: SecretOrigin(property=item.property, generate=item.generate) for key, item in keys.items()}
            for name, keys in shape.secrets.items()
        },
    )


def _database(shape: AppFile, differs: AppEnvironmentFile) -> DatabaseArgs | None:
    if shape.database is None:
        return None
    here = differs.database
    return DatabaseArgs(
        image=shape.database.image,
        extensions=tuple(shape.database.extensions),
        instances=(here and here.instances) or shape.database.instances,
        storage=(here and here.storage) or shape.database.storage,
        memory=(here and here.memory) or shape.database.memory,
        cpu=(here and here.cpu) or shape.database.cpu,
    )


def _cache(shape: AppFile, differs: AppEnvironmentFile) -> CacheArgs | None:
    if shape.cache is None:
        return None
    here = differs.cache
    return CacheArgs(
        memory=(here and here.memory) or shape.cache.memory,
        storage=(here and here.storage) or shape.cache.storage,
    )


def _volume(shape: AppFile, differs: AppEnvironmentFile) -> VolumeArgs | None:
    if shape.volume is None:
        return None
    size = (differs.volume and differs.volume.size) or shape.volume.size
    return VolumeArgs(size=size, storage_class=shape.volume.storage_class)


def team_faults(environment: EnvironmentFile, team: TeamFile, apps: Sequence[App]) -> list[Fault]:
    """Return what is wrong in a team's files together, each with its line."""
    faults = [fault for app in apps for fault in _app_faults(environment, team, app)]
    share = team.environments.get(environment.name)
    folder = organisation().root / "teams" / team.name
    if share is None:
        file = shown(folder / "team.yaml", PROJECT)
        what = f"the team has no share of environment `{environment.name}`"
        return [
            *faults,
            Fault(file, 0, "environments", what, f"Add `{environment.name}` with cpu, memory and storage."),
        ]
    for key in Capacity.model_fields:
        asked = sum(amount(getattr(app.differs.capacity, key)) for app in apps)
        if asked > amount(getattr(share, key)):
            document = load(folder / "team.yaml", PROJECT)
            path = ("environments", environment.name, key)
            names = ", ".join(app.name for app in apps)
            what = f"the team's share is {getattr(share, key)}, but its apps ({names}) ask for more together"
            remedy = f"Lower `capacity.{key}` in an app's {environment.name}.yaml, or raise the share."
            faults.append(Fault(document.file, document.line(path), dotted(path), what, remedy))
    return faults


def _app_faults(environment: EnvironmentFile, team: TeamFile, app: App) -> list[Fault]:
    cluster = organisation().cluster(environment.cluster)
    shape = needed_rules(app.shape, cluster.name, tuple(cluster.services))
    differs = differing_rules(app.shape, app.differs)
    settings = cluster.services.get("gateway-api")
    readable = not any(rule.path[:1] == ("hostname",) for rule in differs)
    if app.shape.route and readable and isinstance(settings, GatewayApiSettings):
        rule = _host_rule(hostname(environment, app), [cluster.domain, *settings.domains], cluster.name)
        own = differs if app.differs.hostname else shape
        own += rule
    folder = organisation().root / "teams" / team.name / app.name
    return [*_placed(folder / "platform.yaml", shape), *_placed(folder / f"{environment.name}.yaml", differs)]


def needed_rules(shape: AppFile, cluster: str, services: Sequence[str]) -> list[RuleOfFile]:
    """Return what an app asks for that no service of the cluster answers."""
    rules: list[RuleOfFile] = []
    for key, service in NEEDS.items():
        own_class = key == "volume" and shape.volume is not None and shape.volume.storage_class != STORAGE_CLASS
        if getattr(shape, key) and service not in services and not own_class:
            what = f"cluster `{cluster}` has no service `{service}`, which this needs"
            rules.append(RuleOfFile(what, f"Add `{service}` to the cluster file, or remove `{key}`.", (key,)))
    return rules


def _host_rule(host: str, domains: Sequence[str], cluster: str) -> list[RuleOfFile]:
    """Return a rule where no listener of the gateway, and so no certificate, covers the host name."""
    if any(host.partition(".")[2] == domain for domain in domains):
        return []
    what = f"the gateway of cluster `{cluster}` does not answer for {host}"
    remedy = f"Write `<name>.<domain>` with one of its domains ({', '.join(domains)}), or add a domain there."
    return [RuleOfFile(what, remedy, ("hostname",))]


def _placed(path: Path, rules: Sequence[RuleOfFile]) -> list[Fault]:
    """Return the rules as faults in a file."""
    if not rules:
        return []
    # Read again only to know the lines: models keep none.
    document = load(path, PROJECT)
    return [Fault(document.file, document.line(rule.path), dotted(rule.path), rule.what, rule.remedy) for rule in rules]
