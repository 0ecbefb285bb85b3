"""The files of an app: its shape, and what differs per environment.

`teams/<team>/<app>/platform.yaml` says what the app is made of and what it needs; `<environment>.yaml` beside it says
how much of it, and which version, one environment has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from components.apps.placeholders import OF_BINDING, OF_ENVIRONMENT, PLACEHOLDER, found, known
from inputs.faults import nearest
from inputs.validate import FileModel, RuleOfFile, RulesOfFile
from stacks.models.base import Name, NamedFile
from stacks.models.team import Capacity, Quantity, Repository

HOSTNAME = re.compile(r"([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")]
Extension = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


class AppChart(FileModel):
    """The Helm chart of the app."""

    name: Name
    """Name of the chart."""
    repository: Repository
    """Address of its repository."""
    version: str = Field(pattern=r"^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")
    """Exact version. An environment's file may name another one: that is how a new version is tried and promoted."""


class Route(FileModel):
    """How the shared gateway reaches the app."""

    service: Name
    """Service that the chart makes."""
    port: int = Field(ge=1, le=65535)
    """Port of that Service."""


class Database(FileModel):
    """A PostgreSQL database of the app's own."""

    image: str = "ghcr.io/cloudnative-pg/postgis:17-3.5"
    """Image of the server, an operand image of CloudNativePG. Default: PostgreSQL 17 with PostGIS 3.5, the newest pair
    that Open Zaak is tested with; an app that needs no maps may take a smaller one."""
    extensions: list[Extension] = Field(default_factory=list[str])
    """Extensions that are made in the database. Default: none."""
    instances: int = Field(default=3, ge=1, le=5)
    """Servers: one that writes, the others follow it. Default: 3, which outlives the loss of a zone."""
    storage: Quantity = "10Gi"
    """Size of each server's volume. Default: `10Gi`."""
    memory: Quantity = "1Gi"
    """Memory of each server. Default: `1Gi`."""
    cpu: Quantity = "500m"
    """Processor that each server asks for. Default: `500m`."""


class Cache(FileModel):
    """A Valkey (Redis) of the app's own."""

    memory: Quantity = "256Mi"
    """Memory. Default: `256Mi`."""
    storage: Quantity = "1Gi"
    """Size of its volume: queued work outlives a restart. Default: `1Gi`."""


class Volume(FileModel):
    """A volume that all pods of the app may write (ReadWriteMany)."""

    size: Quantity
    """Its size. No default: documents of a municipality are counted."""
    storage_class: Name = "rwx"
    """Storage class. Default: `rwx`, that of the service `rwx-storage`."""


class SecretKey(FileModel):
    """Where one key of a Secret comes from."""

    generate: int | None = Field(default=None, ge=16, le=128)
    """Length of a value that is made up in the cluster once, and that nobody has to know. Give this or `property`."""
    property: Key | None = None
    """Property in Vault, at `<app>/<name of the secret>` in the team's engine. Give this or `generate`."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.generate is None) == (self.property is None):
            what = "a key of a secret has one origin"
            raise RuleOfFile(what, "Give either `generate: 50` or `property: <name in Vault>`.")
        return self


class AppFile(NamedFile):
    """The shape of an app: what it is made of, and what it needs."""

    display_name: str = Field(min_length=1)
    """The app's name as people write it."""
    chart: AppChart
    """Its chart."""
    hostname: str | None = None
    """Its host name; `${environment.domain}` and `${environment.name}` may stand in it.
    Default: `<app>.${environment.domain}`."""
    route: Route | None = None
    """How the gateway reaches it. Default: it cannot be reached from outside."""
    database: Database | None = None
    """Its database. Default: none."""
    cache: Cache | None = None
    """Its Valkey. Default: none."""
    volume: Volume | None = None
    """Its shared volume. Default: none."""
    secrets: dict[Name, dict[Key, SecretKey]] = Field(default_factory=dict[str, dict[str, SecretKey]])
    """Secrets by name, with their keys. Values never stand in a file. Default: none."""
    values: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Values of the chart. `${database.host}` and the like stand for what the platform binds."""

    @property
    def bindings(self) -> list[str]:
        """The bindings that the app has, by their key."""
        return [name for name in OF_BINDING if getattr(self, name) is not None]

    @property
    def placeholders(self) -> list[str]:
        """The placeholders that its values may hold."""
        return known(self.bindings, list(self.secrets))

    @model_validator(mode="after")
    def _placeholders_known(self) -> Self:
        rules = [*unknown_placeholders(self.values, self.placeholders), *hostname_rules(self.hostname)]
        for name, keys in self.secrets.items():
            if len({key.generate is None for key in keys.values()}) > 1:
                what = "a secret comes from Vault or is made up, not half of each"
                rules.append(RuleOfFile(what, "Make two secrets of it.", ("secrets", name)))
        if rules:
            raise RulesOfFile(rules)
        return self


class DatabaseDiffers(FileModel):
    """What an environment has of the database; what is left out is as in the shape."""

    instances: int | None = Field(default=None, ge=1, le=5)
    """Servers."""
    storage: Quantity | None = None
    """Size of each server's volume."""
    memory: Quantity | None = None
    """Memory of each server."""
    cpu: Quantity | None = None
    """Processor that each server asks for."""


class CacheDiffers(FileModel):
    """What an environment has of the cache; what is left out is as in the shape."""

    memory: Quantity | None = None
    """Memory."""
    storage: Quantity | None = None
    """Size of its volume."""


class VolumeDiffers(FileModel):
    """What an environment has of the volume; what is left out is as in the shape."""

    size: Quantity | None = None
    """Its size."""


class AppEnvironmentFile(NamedFile):
    """What differs in one environment."""

    capacity: Capacity
    """What the app's namespace may request in total; all apps of a team together stay within the team's share."""
    version: str | None = Field(default=None, pattern=r"^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")
    """Version of the chart here. Default: that of the shape. Promotion copies it to the next environment's file."""
    hostname: str | None = None
    """Host name here. Default: that of the shape."""
    database: DatabaseDiffers | None = None
    """What differs in the database."""
    cache: CacheDiffers | None = None
    """What differs in the cache."""
    volume: VolumeDiffers | None = None
    """What differs in the volume."""
    values: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Values of the chart that differ here; a mapping is merged key by key, anything else is replaced."""


def hostname_rules(hostname: str | None) -> list[RuleOfFile]:
    """Return what is wrong with a host name."""
    rules = unknown_placeholders(hostname, OF_ENVIRONMENT, "hostname")
    if hostname and not rules and not HOSTNAME.match(PLACEHOLDER.sub("x", hostname)):
        what = "this is not a host name"
        rules.append(RuleOfFile(what, "Write for example `openzaak.${environment.domain}`.", ("hostname",)))
    return rules


def unknown_placeholders(value: Any, names: Sequence[str], key: str = "values") -> list[RuleOfFile]:
    """Return a rule for every placeholder below the value of `key` that is not one of `names`."""
    rules: list[RuleOfFile] = []
    for path, name in found(value):
        if name not in names:
            what = f"there is no placeholder `${{{name}}}`"
            remedy = nearest(name, names) or f"Known here: {', '.join(f'${{{known}}}' for known in names)}."
            rules.append(RuleOfFile(what, f"{remedy} Write `$${{…}}` for a literal one.", (key, *path)))
    return rules


def differing_rules(shape: AppFile, differs: AppEnvironmentFile) -> list[RuleOfFile]:
    """Return what is wrong in an environment's file together with the shape."""
    rules = [*unknown_placeholders(differs.values, shape.placeholders), *hostname_rules(differs.hostname)]
    for name in OF_BINDING:
        if getattr(differs, name) is not None and getattr(shape, name) is None:
            what = f"the app has no {name}"
            rules.append(RuleOfFile(what, f"Add `{name}` to platform.yaml, or remove it here.", (name,)))
    return rules
