"""Model of `clusters/<cluster>.yaml`: one Kubernetes cluster and what it stands on."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from inputs.validate import FileModel, RuleOfFile, RulesOfFile
from stacks.models.addresses import AddressRange, address_rules
from stacks.models.base import Domain, HttpsAddress, Name, NamedFile
from stacks.models.joining import HandOverSettings, Runners
from stacks.models.services import ServicesModel, service_rules
from stacks.models.vault import VaultSettings

TalosVersion = Annotated[str, StringConstraints(pattern=r"^v\d+\.\d+\.\d+$")]
KubernetesVersion = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]

API_PORT = 6443
"""Port of the API server: Talos' default, and the one that the VIP answers on."""


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        msg = "the same value stands here twice"
        raise ValueError(msg)
    return values


class Versions(FileModel):
    """Versions that the cluster should run. An operation changes them; a deployment alone never does."""

    talos: TalosVersion
    """Talos Linux, for example `v1.13.0`."""
    kubernetes: KubernetesVersion
    """Kubernetes without `v`, for example `1.36.3`. Talos v1.13 supports 1.31 up to 1.36."""


class NodePool(FileModel):
    """Machines of one role, alike but for their zone and address."""

    count: Annotated[int, Field(ge=1, le=250)]
    """Number of machines. No default: capacity is a decision."""
    cpus: Annotated[int, Field(ge=2, le=128)]
    """Virtual processors per machine; Talos asks for two at least."""
    memory_gib: Annotated[int, Field(ge=2, le=1024, alias="memoryGiB")]
    """Memory per machine in GiB; Talos asks for two at least."""
    disk_gib: Annotated[int, Field(ge=10, le=4096, alias="diskGiB")]
    """System disk per machine in GiB; Talos asks for ten at least. Volumes of workloads do not live here."""
    first_address: IPv4Address
    """Address of the first machine; the others get the addresses that follow."""
    zones: Annotated[tuple[Name, ...], AfterValidator(_unique)] | None = Field(default=None, min_length=1)
    """Zones that the machines spread over, in this order. Default: all, because a pool in one zone ends with it."""

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        """The address of every machine, in order."""
        return tuple(self.first_address + offset for offset in range(self.count))


class ControlPlane(NodePool):
    """The machines that run the API server and etcd."""

    vip: IPv4Address
    """Address of the API server that moves between the control planes. They must share a subnet, which
    `network.machines` is."""

    @field_validator("count")
    @classmethod
    def _odd(cls, count: int) -> int:
        if count % 2 == 0:
            what = f"{count} control planes survive no more failures than {count - 1} do, and more of them can fail"
            remedy = f"Write {count - 1} or {count + 1}."
            raise RuleOfFile(what, remedy)
        return count


class Network(FileModel):
    """Addresses of the cluster. IPv4 only so far."""

    machines: IPv4Network
    """Network of the machines."""
    gateway: IPv4Address
    """Router of that network."""
    nameservers: Annotated[tuple[IPv4Address, ...], Field(min_length=1)]
    """Name servers of the machines."""
    time_servers: Annotated[tuple[HostName, ...], Field(min_length=1)]
    """Time servers of the machines. No default: Talos' own is outside the organisation, and logs need one clock."""
    pods: IPv4Network = IPv4Network("10.244.0.0/16")
    """Network of the pods. Default: Talos' own default."""
    services: IPv4Network = IPv4Network("10.96.0.0/12")
    """Network of the services. Default: Talos' own default."""
    load_balancer: AddressRange
    """First and last address, `10.20.0.200-10.20.0.219`, for services of type LoadBalancer. It lies in `machines`,
    because the nodes answer for these addresses in their own network."""


class Zone(FileModel):
    """A failure domain: what can fail without taking another zone with it."""

    name: Name
    """Value of the node label `topology.kubernetes.io/zone`."""
    hosts: Annotated[tuple[HostName, ...], Field(min_length=1), AfterValidator(_unique)]
    """vSphere hosts of this zone. A host stands in one zone only; machines may not leave their zone."""
    datastore: str
    """Datastore that holds the disks of this zone's machines."""


class VSphere(FileModel):
    """Where on vSphere the machines stand."""

    server: HostName
    """Host name of the vCenter."""
    datacenter: str
    """Data centre."""
    compute_cluster: str
    """Compute cluster; all hosts of all zones are in it."""
    port_group: str
    """Port group of the machines' network card."""
    content_library_datastore: str
    """Datastore of the content library that holds the Talos image."""
    folder: str
    """Folder of the machines. The machines layer makes it; of a path, only the last part."""
    region: Name = "vsphere"
    """Value of the node label `topology.kubernetes.io/region`. Default: `vsphere`, since few have more than one."""
    storage_policy: str | None = None
    """Storage policy of the volumes. Its datastores must be within reach of the hosts of every zone, because a volume
    follows its pod. Default: none, and then the driver chooses any datastore that all hosts reach."""


class Identity(FileModel):
    """The OpenID Connect provider that tells the API server who somebody is."""

    issuer: HttpsAddress
    """Issuer, exactly as the tokens carry it."""
    client_id: str
    """Client that the tokens are meant for."""
    groups_claim: str = "groups"
    """Claim with the groups. Default: `groups`, as Keycloak and Entra ID are usually set up."""
    username_claim: str = "email"
    """Claim with the name. Default: `email`, because it reads well in audit logs."""


class GitOpsSettings(FileModel):
    """The engine that delivers services and apps."""

    engine: Literal["argocd"] = "argocd"
    """The engine. Default and only one now: Argo CD."""
    repository: HttpsAddress | None = None
    """The organisation's GitOps repository. Needed where `delivery` is `git`."""
    revision: str = "main"
    """Branch or tag that the engine follows. Default: `main`."""


class ClusterFile(NamedFile):
    """One Kubernetes cluster."""

    substrate: Literal["vsphere"]
    """What the cluster stands on."""
    versions: Versions
    """Versions that it should run."""
    control_plane: ControlPlane
    """Machines that run the API server and etcd."""
    workers: NodePool
    """Machines that run everything else."""
    network: Network
    """Its addresses."""
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)]
    """Failure domains; machines take turns over them."""
    vsphere: VSphere
    """Where on vSphere it stands."""
    image_factory: HttpsAddress = "https://factory.talos.dev"
    """Talos image factory, without a `/` at the end. Default: the public one; a network of its own has its own."""
    identity: Identity | None = None
    """Who its users are. Default: none, and then only the administrator's kubeconfig works."""
    delivery: Literal["git", "direct"] = "git"
    """`git`: the GitOps engine applies what stands in the repository. `direct`: Pulumi applies it, for a sandbox
    without a repository. Default: `git`."""
    gitops: GitOpsSettings = GitOpsSettings()
    """The GitOps engine. Default: Argo CD, branch `main`."""
    vault: VaultSettings | None = None
    """Where the teams' engines go. Default: nowhere, and then no team may ask for secrets."""
    handover: HandOverSettings | None = None
    """How layers in separate networks are joined: by signed files, and by these only. Default: not, and then each
    layer reads the outputs of the stack before it, the administrator's kubeconfig among them."""
    runners: Runners = Runners()
    """Groups of runners with credentials of their own. Default: none."""
    domain: Domain
    """Domain of the cluster's own hosts: `grafana.<domain>`."""
    service_settings: ServicesModel = Field(alias="services")
    """Services of the catalogue that the cluster has, each with its settings; `{}` where it has none."""

    @property
    def services(self) -> dict[str, FileModel]:
        """The chosen services by name, each with its settings, in the order of the catalogue."""
        return self.service_settings.chosen

    @property
    def endpoint(self) -> str:
        """Address of the API server."""
        return f"https://{self.control_plane.vip}:{API_PORT}"

    @model_validator(mode="after")
    def _together(self, _info: ValidationInfo) -> ClusterFile:
        rules = [
            *_zone_rules(self),
            *address_rules(self),
            *service_rules(self.services),
        ]
        if self.delivery == "git" and self.gitops.repository is None:
            what = "delivery `git` needs a repository"
            rules.append(RuleOfFile(what, "Write `repository: https://…`, or `delivery: direct`.", ("gitops",)))
        if rules:
            raise RulesOfFile(rules)
        return self


def _zone_rules(cluster: ClusterFile) -> list[RuleOfFile]:
    """Return what is wrong with the zones: names or hosts given twice, unknown ones, and zones without nodes."""
    rules: list[RuleOfFile] = []
    known: dict[str, int] = {}
    hosts: dict[str, str] = {}
    for index, zone in enumerate(cluster.zones):
        if zone.name in known:
            what = f"zone `{zone.name}` stands here twice"
            rules.append(RuleOfFile(what, "Give it another name.", ("zones", index, "name")))
        known.setdefault(zone.name, index)
        for position, host in enumerate(zone.hosts):
            if host in hosts and hosts[host] != zone.name:
                what = f"host `{host}` stands in zone `{hosts[host]}` already, so the two zones would fail together"
                rules.append(RuleOfFile(what, "Name it in one zone only.", ("zones", index, "hosts", position)))
            hosts.setdefault(host, zone.name)
    used: set[str] = set()
    for key, pool in pools(cluster).items():
        for position, name in enumerate(pool.zones or ()):
            if name not in known:
                what = f"there is no zone `{name}`"
                remedy = f"Zones of this cluster: {', '.join(known)}."
                rules.append(RuleOfFile(what, remedy, (key, "zones", position)))
        names = pool.zones or tuple(known)
        used.update(names[: pool.count])
    for name, index in known.items():
        if name not in used:
            what = f"zone `{name}` has no nodes"
            remedy = "Add nodes (they take turns over the zones), or remove the zone."
            rules.append(RuleOfFile(what, remedy, ("zones", index)))
    return rules


def pools(cluster: ClusterFile) -> dict[str, NodePool]:
    """Return the cluster's pools by their key in the file."""
    found: dict[str, Any] = {"controlPlane": cluster.control_plane, "workers": cluster.workers}
    return found
