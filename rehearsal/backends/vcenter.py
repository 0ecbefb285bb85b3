"""The simulated vCenter: vcsim of the govmomi project, filled with what the organisation has before Kade comes.

vcsim answers as a vCenter does and remembers what it is told, in memory: after a restart it is empty but for the seed.
It runs no machine, moves none, and enforces no placement rule (see `docs/rehearsal.md`).
"""

from __future__ import annotations

import os
import secrets
import ssl
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rehearsal.backends.endpoints import VCenter as Endpoint
from rehearsal.backends.layout import Layout, write_secret
from rehearsal.backends.pki import Pki
from rehearsal.backends.ports import ADDRESS
from rehearsal.backends.process import Server, ServerError
from rehearsal.backends.site import Host, Site
from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.vsphere_session import Access, VCenter, vim

NAME = "vcenter"
USER = "rehearsal-account"
"""No domain in it: vcsim refuses every name of its own single sign-on. Nor a common word: the engine hides the value of
a secret wherever it shows, and this one is a secret of the program."""
SWITCH = "kade"
"""Name of the distributed switch that carries the port groups."""


def endpoint(layout: Layout, pki: Pki, port: int) -> Endpoint:
    """Return where it will listen and who may enter; makes the password where there is none."""
    password = layout.secret(NAME)
    if not password.is_file():
        write_secret(password, secrets.token_urlsafe(24))
    return Endpoint(
        server=f"{ADDRESS}:{port}", user=USER, password=str(password), ca=str(pki.authority.certificate)
    )  # fmt: skip


def server(layout: Layout, site: Site, pki: Pki, port: int) -> Server:
    """Return how to start it and fill it."""
    where = endpoint(layout, pki, port)
    pair = pki.pair("server")

    def ready() -> bool:
        with session(where, site.vcenter_server) as asked:
            return asked.service is not None

    def fill() -> None:
        seed(where, site, layout.data(NAME), layout.tools / "govc")

    return Server(
        name=NAME,
        command=(
            str(layout.tools / "vcsim"), "-l", where.server, "-dc", "0", "-username", USER,
            "-password-file", where.password, "-tlscert", str(pair.certificate), "-tlskey", str(pair.key),
        ),
        address=f"https://{where.server}",
        ready=ready,
        after=fill,
    )  # fmt: skip


def session(where: Endpoint, name: str) -> VCenter:
    """Return a session that trusts the rehearsal's authority only."""
    host, port = where.server.rsplit(":", 1)
    return VCenter(
        Access(
            name=name, host=host, port=int(port), user=where.user,
            password=Path(where.password).read_text(encoding="utf-8").strip(),
            context=ssl.create_default_context(cafile=where.ca),
        )
    )  # fmt: skip


def seed(where: Endpoint, site: Site, folder: Path, govc: Path) -> None:
    """Make what is missing of the organisation's inventory; the files of its datastores lie in a folder.

    Raises:
        ServerError: it does not take it.

    """
    try:
        with session(where, site.vcenter_server) as vcenter, vcenter.asked("take the organisation's inventory"):
            root = vcenter.content.rootFolder
            datacenter = vcenter.find(root, "Datacenter", site.datacenter) or root.CreateDatacenter(site.datacenter)
            hosts = _hosts(vcenter, datacenter, site)
            _datastores(vcenter, datacenter, site.hosts, hosts, folder)
            _networks(vcenter, datacenter, site.networks, hosts.values())
            for path in site.folders:
                _folder(datacenter.vmFolder, path)
    except StandInError as error:
        raise ServerError(str(error)) from None
    _policies(where, govc, site.storage_policies)


def _hosts(vcenter: VCenter, datacenter: Any, site: Site) -> dict[str, Any]:
    """Make the compute cluster with its hosts, and return those by name."""
    types = vim()
    cluster = vcenter.find(datacenter.hostFolder, "ClusterComputeResource", site.compute_cluster)
    if cluster is None:
        drs = types.cluster.DrsConfigInfo(enabled=True)
        cluster = datacenter.hostFolder.CreateClusterEx(site.compute_cluster, types.cluster.ConfigSpecEx(drsConfig=drs))
    known = {found["name"]: host for host, found in vcenter.named(cluster, "HostSystem")}
    for host in site.hosts:
        if host.name not in known:
            spec = types.host.ConnectSpec(hostName=host.name, userName="root", force=True)
            known[host.name] = vcenter.wait(cluster.AddHost_Task(spec, True))
    return known


def _datastores(vcenter: VCenter, datacenter: Any, wanted: Iterable[Host], hosts: dict[str, Any], folder: Path) -> None:
    """Mount every datastore on the hosts that reach it. The first mount makes it."""
    for host in wanted:
        mounted = {store.name for store in hosts[host.name].datastore}
        for name in host.datastores:
            if name not in mounted:
                place = folder / name
                place.mkdir(parents=True, exist_ok=True)
                # vcsim answers a second mount with an empty reference, which pyVmomi cannot read; the mount is there.
                with suppress(KeyError):
                    hosts[host.name].configManager.datastoreSystem.CreateLocalDatastore(name, str(place))


def _networks(vcenter: VCenter, datacenter: Any, names: Iterable[str], hosts: Iterable[Any]) -> None:
    """Make the port groups, on one distributed switch that every host is a member of."""
    types = vim()
    dvs = types.dvs
    switch = vcenter.find(datacenter.networkFolder, "DistributedVirtualSwitch", SWITCH)
    if switch is None:
        config = types.DistributedVirtualSwitch.ConfigSpec(name=SWITCH)
        made = types.DistributedVirtualSwitch.CreateSpec(configSpec=config)
        switch = vcenter.wait(datacenter.networkFolder.CreateDVS_Task(made))
    members = {member._moId for member in switch.summary.hostMember}
    added = [dvs.HostMember.ConfigSpec(operation="add", host=host) for host in hosts if host._moId not in members]
    if added:
        version = switch.config.configVersion
        spec = types.DistributedVirtualSwitch.ConfigSpec(configVersion=version, host=added)
        vcenter.wait(switch.ReconfigureDvs_Task(spec))
    known = {group.name for group in switch.portgroup}
    missing = [
        dvs.DistributedVirtualPortgroup.ConfigSpec(name=name, type="earlyBinding", numPorts=64)
        for name in names if name not in known
    ]  # fmt: skip
    if missing:
        vcenter.wait(switch.AddDVPortgroup_Task(missing))


def _folder(folder: Any, path: str) -> None:
    """Make a folder with those above it."""
    for part in path.strip("/").split("/"):
        found = next((child for child in folder.childEntity if child.name == part), None)
        folder = found or folder.CreateFolder(part)


def _policies(where: Endpoint, govc: Path, names: tuple[str, ...]) -> None:
    """Make storage policies, each asking for a tag of its own name; vcsim keeps them and judges nothing by them.

    With govc: pyVmomi cannot read what vcsim answers about policies.
    """
    if not names:
        return
    known = [line.split(maxsplit=1)[-1] for line in _govc(where, govc, "storage.policy.ls").splitlines()]
    for name in names:
        if name not in known:
            _govc(where, govc, "storage.policy.create", "-category", "kade", "-tag", name, name)


def _govc(where: Endpoint, govc: Path, *arguments: str) -> str:
    password = Path(where.password).read_text(encoding="utf-8").strip()
    access = {"GOVC_URL": f"https://{where.server}", "GOVC_USERNAME": where.user, "GOVC_PASSWORD": password}
    done = subprocess.run(
        [str(govc), *arguments],
        env={**os.environ, **access, "GOVC_TLS_CA_CERTS": where.ca, "GOVC_PERSIST_SESSION": "false"},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    if done.returncode:
        msg = f"`govc {arguments[0]}` failed at the rehearsal's vCenter: {done.stderr.strip()}"
        raise ServerError(msg)
    return done.stdout
