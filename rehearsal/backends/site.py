"""What the organisation has before Kade builds anything, as far as a rehearsal must play it.

Read from the organisation's files by who starts a rehearsal; the back ends know nothing of those files.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Host:
    """One ESXi host."""

    name: str
    datastores: tuple[str, ...]
    """Datastores that it reaches."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One cluster's surroundings. Everything is plain data, so that it can be handed to another process as JSON."""

    environment: str
    """Environment that is rehearsed."""
    cluster: str
    """Name of the cluster."""
    api_endpoint: str
    """Address of the API server as the files have it, for example `https://10.20.0.10:6443`: it is the issuer of the
    service accounts' tokens, and the server's certificate is valid for its host."""
    pod_network: str
    service_network: str
    load_balancer: tuple[str, str]
    """First and last address for services of type LoadBalancer."""
    vault_address: str | None
    """Address of the Vault as the files have it; OpenBao answers for it through the switchboard."""
    vcenter_server: str
    """Host name of the vCenter as the files have it."""
    datacenter: str
    compute_cluster: str
    hosts: tuple[Host, ...]
    networks: tuple[str, ...]
    """Port groups."""
    folders: tuple[str, ...] = ()
    """Folders for machines that exist before."""
    storage_policies: tuple[str, ...] = ()
    outside: bool = False
    """Whether the switchboard leads to public addresses too: official plugins fetch charts."""
    people: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Made-up people by name, with their groups in the directory."""

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


def load(path: Path) -> Site:
    """Return what `dump` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it does not hold a site.

    """
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    try:
        data["hosts"] = tuple(Host(name=h["name"], datastores=tuple(h["datastores"])) for h in data["hosts"])
        for key in ("load_balancer", "networks", "folders", "storage_policies"):
            data[key] = tuple(data[key])
        data["people"] = {name: tuple(groups) for name, groups in data["people"].items()}
        return Site(**data)
    except (KeyError, TypeError) as error:
        msg = f"{path} holds no site: {error}"
        raise ValueError(msg) from None
