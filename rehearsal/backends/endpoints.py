"""Where the back ends of a rehearsal listen, and who may enter: the overlay by which plugins find them.

The program keeps the addresses of the organisation's files, so its state and its URNs are those of a real run. A plugin
that finds this file in its rehearsal's folder talks to the back end here instead. Passwords and keys stand in files of
their own, readable by their owner alone; this file holds no secret.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

SCHEMA = "kade.endpoints/1"
"""Version of the file's layout; a folder of another version is refused, never guessed at."""
FILE = Path("backends") / "endpoints.json"
"""Where the file lies, from the rehearsal's folder."""


def _read(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: Path(value[1:]).read_text(encoding="utf-8").strip() if value.startswith("@") else value
        for name, value in environment.items()
    }


@dataclass(frozen=True, kw_only=True)
class Kubernetes:
    """A real API server with its own certificate authority."""

    server: str
    """Its address, for example `https://127.0.0.1:40123`."""
    ca: str
    """Path of the certificate authority, PEM. It signs the server and every client."""
    ca_key: str
    """Path of the authority's key, PEM: the Talos stand-in signs administrators and nodes with it, as Talos does."""
    kubeconfig: str
    """Path of an administrator's kubeconfig, for the people who look at a rehearsal and for its own tools."""
    version: str
    """Version that the server reports, without `v`."""


@dataclass(frozen=True, kw_only=True)
class Vault:
    """A real OpenBao, unsealed."""

    address: str
    """Its address, for example `https://127.0.0.1:40124`."""
    ca: str = ""
    """Path of the certificate authority of its certificate, PEM."""
    token: str
    """Path of the file with the root token."""
    unseal_key: str
    """Path of the file with the unseal key."""
    transit: str
    """Key in the transit engine that encrypts the secrets of Pulumi's state."""


@dataclass(frozen=True, kw_only=True)
class VCenter:
    """A simulated vCenter: vcsim."""

    server: str
    """Host and port, for example `127.0.0.1:40125`; HTTPS with a certificate of the rehearsal's authority."""
    user: str
    password: str
    """Path of the file with the password."""
    ca: str
    """Path of the certificate authority that signed its certificate, PEM."""


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A real LDAP directory with the people and groups of the rehearsal."""

    url: str
    """Its address, for example `ldap://127.0.0.1:40126`."""
    base: str
    """Distinguished name that everything lies under."""
    manager: str
    """Distinguished name of the manager."""
    password: str
    """Path of the file with the manager's password."""
    people: str = ""
    """Path of the folder with a file for each person: its password."""


@dataclass(frozen=True, kw_only=True)
class State:
    """A place for Pulumi's state."""

    url: str
    """Value of `PULUMI_BACKEND_URL`, without a password."""
    environment: dict[str, str]
    """Variables that the engine needs besides; a value `@path` is read from that file."""

    def variables(self) -> dict[str, str]:
        """Return the variables with what stands in files."""
        return _read(self.environment)


@dataclass(frozen=True, kw_only=True)
class SecretsProvider:
    """What encrypts the secrets in Pulumi's state."""

    url: str
    """Value of `--secrets-provider`, for example `hashivault://pulumi`."""
    environment: dict[str, str]
    """Variables that the engine needs besides; a value `@path` is read from that file."""

    def variables(self) -> dict[str, str]:
        """Return the variables with what stands in files."""
        return _read(self.environment)


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Every back end that runs; `None` where a rehearsal has none of a kind."""

    kubernetes: Kubernetes | None = None
    vault: Vault | None = None
    vcenter: VCenter | None = None
    directory: Directory | None = None
    postgres: State | None = None
    object_store: State | None = None
    secrets: SecretsProvider | None = None
    proxy: str = ""
    """Address of the switchboard: a proxy by which real clients reach all of these under the organisation's names."""
    tools: str = ""
    """Folder of the built tools: `kubectl`, `helm`, `bao`, `govc`, `ldapsearch`, `talos-machinery` and the servers."""

    def save(self, folder: Path) -> None:
        """Write the file into a rehearsal's folder, whole or not at all."""
        path = folder / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1), encoding="utf-8")
        temporary.replace(path)


class EndpointsError(Exception):
    """The file is there, but nobody can work with it; the text says what to do."""


def load(folder: Path) -> Endpoints | None:
    """Return the back ends of a rehearsal; `None` where it runs on stand-ins alone.

    Raises:
        EndpointsError: the file is damaged, or of another version of Kade.

    """
    path = folder / FILE
    remedy = f"Run `kade rehearse down {folder.resolve().name}`, then start again."
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read ({error}). {remedy}"
        raise EndpointsError(msg) from None
    if not isinstance(found, dict):
        msg = f"{path} is damaged: it holds no endpoints. {remedy}"
        raise EndpointsError(msg)
    data = cast("dict[str, Any]", found)
    other = f"{path} was written by another version of Kade. {remedy}"
    if data.pop("schema", None) != SCHEMA:
        raise EndpointsError(other)
    kinds: dict[str, type[Any]] = {
        "kubernetes": Kubernetes, "vault": Vault, "vcenter": VCenter, "directory": Directory,
        "postgres": State, "object_store": State, "secrets": SecretsProvider,
    }  # fmt: skip
    try:
        known = {key: kinds[key](**data[key]) for key in kinds if data.get(key) is not None}
        return Endpoints(**known, proxy=str(data.get("proxy", "")), tools=str(data.get("tools", "")))
    except TypeError:
        raise EndpointsError(other) from None
