"""Which servers make up a rehearsal, and how they find each other."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from rehearsal.backends import pki, ports, vcenter
from rehearsal.backends.database import settle
from rehearsal.backends.directory import Directory
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.ground import Ground, hosts
from rehearsal.backends.kubernetes import Kubernetes, service_address
from rehearsal.backends.layout import Layout
from rehearsal.backends.objectstore import ObjectStore
from rehearsal.backends.openbao import OpenBao
from rehearsal.backends.process import Server, last_words
from rehearsal.backends.site import Site
from rehearsal.backends.tools import Tools

PARTS = {
    "kubernetes": ("etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"),
    "openbao": ("openbao",),
    "directory": ("slapd",),
    "vcenter": (vcenter.NAME,),
    "database": ("postgres",),
    "object-store": ("object-store",),
    "player": (),
}
"""What can be left out as a whole, and the ports that each part needs."""


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """A rehearsal's servers, before any of them runs."""

    ground: Ground
    servers: tuple[Server, ...]
    endpoints: Endpoints
    openbao: OpenBao | None
    directory: Directory | None


def assemble(layout: Layout, site: Site, tools: Tools, parts: Collection[str] = tuple(PARTS)) -> Assembly:
    """Choose ports, make what is missing of the certificates, and return what to start.

    Raises:
        NoPortError: there are no free ports.
        ServerError: a part cannot run on this machine.

    """
    names = ["switchboard", *(port for part in PARTS if part in parts for port in PARTS[part])]
    made = pki.make(layout.pki, hosts(site), service_address(site.service_network))
    ground = Ground(layout=layout, site=site, pki=made, ports=dict(zip(names, ports.free(len(names)), strict=True)))
    servers: list[Server] = []
    ends = Endpoints(tools=str(layout.tools), proxy=f"http://{ground.address('switchboard')}")
    openbao = directory = None
    if "kubernetes" in parts:
        kubernetes = Kubernetes(ground, Path(tools.template) if tools.template else None)
        servers += kubernetes.servers()
        ends = replace(ends, kubernetes=kubernetes.endpoint())
    if "openbao" in parts:
        openbao = OpenBao(ground)
        servers.append(openbao.server())
        ends = replace(ends, vault=openbao.endpoint(), secrets=openbao.secrets_provider())
    if "directory" in parts:
        directory = Directory(ground, Path(tools.schema), Path(tools.modules))
        servers.append(directory.server())
        ends = replace(ends, directory=directory.endpoint())
    if "vcenter" in parts:
        port = ground.ports[vcenter.NAME]
        servers.append(vcenter.server(layout, site, made, port))
        ends = replace(ends, vcenter=vcenter.endpoint(layout, made, port))
    if "database" in parts:
        database = settle(ground, Path(tools.postgres))
        servers.append(database.server())
        ends = replace(ends, postgres=database.endpoint())
    if "object-store" in parts:
        store = ObjectStore(ground)
        servers.append(store.server())
        ends = replace(ends, object_store=store.endpoint())
    if "player" in parts and "kubernetes" in parts:
        servers.append(_player(layout, ends))
    return Assembly(ground=ground, servers=tuple(servers), endpoints=ends, openbao=openbao, directory=directory)


def _player(layout: Layout, ends: Endpoints) -> Server:
    """Return the process that plays the controllers that kwok cannot play."""
    needs = ("kube-apiserver", *(("openbao",) if ends.vault else ()))
    return Server(
        name="player",
        address="",
        command=(sys.executable, "-m", "rehearsal.backends.player", str(layout.rehearsal)),
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
        needs=needs,
        before=lambda: ends.save(layout.rehearsal),  # it reads them, and starts before the others are all ready
        ready=lambda: "playing" in last_words(layout.log("player")),
        patience=2.0,
    )
