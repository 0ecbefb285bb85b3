"""An app of a team: what it needs around it, and its release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.apps import cache, database
from components.apps.placeholders import resolve
from components.apps.secrets import from_vault, generated
from components.base import Component, kept
from components.cluster.handle import ClusterDeclared
from components.gitops.delivery import engine
from components.gitops.engine import Release, Source
from components.gitops.manifest import Manifest, logical, resource
from components.services.networking.gateway_api import GATEWAY
from components.services.networking.gateway_api import NAMESPACE as GATEWAY_NAMESPACE

HSTS = "max-age=31536000"
"""One year, the least that Internet.nl counts; without subdomains, which may be others' hosts."""


@dataclass(frozen=True, kw_only=True)
class SecretOrigin:
    """Where one key of a Secret comes from: one of the two is given."""

    property: str | None
    """Property in Vault."""
    generate: int | None
    """Length of a value made up in the cluster."""


@dataclass(frozen=True, kw_only=True)
class VolumeArgs:
    """A volume that all pods of the app may write."""

    size: str
    """Its size."""
    storage_class: str
    """Its storage class."""


@dataclass(frozen=True, kw_only=True)
class RouteArgs:
    """The Service that the gateway sends requests to."""

    service: str
    """Its name."""
    port: int
    """Its port."""


@dataclass(frozen=True, kw_only=True)
class AppArgs:
    """Everything about an app in one environment, known before anything exists."""

    name: str
    """The app's name; its chart is installed under it."""
    namespace: str
    """Its namespace; also the name of its release on the cluster."""
    project: str
    """Project whose bounds hold for it."""
    cluster: ClusterDeclared
    """The cluster it runs on."""
    environment: Mapping[str, str]
    """Name, stage and domain of the environment."""
    hostname: str
    """Its host name."""
    chart: str
    """Name of its chart."""
    repository: str
    """Repository of its chart."""
    version: str
    """Version of its chart."""
    values: Mapping[str, Any]
    """Values of its chart, with placeholders."""
    keep_data: bool
    """Whether database, volume and cache outlive their resource: true in production."""
    route: RouteArgs | None = None
    """How the gateway reaches it. Default: not at all."""
    database: database.DatabaseArgs | None = None
    """Its database. Default: none."""
    cache: cache.CacheArgs | None = None
    """Its Valkey. Default: none."""
    volume: VolumeArgs | None = None
    """Its shared volume. Default: none."""
    secrets: Mapping[str, Mapping[str, SecretOrigin]] = field(default_factory=dict[str, dict[str, SecretOrigin]])
    """Its Secrets. Default: none."""


class App(Component):
    """One app: secrets, data, release and route, in this order."""

    layer = "apps"

    def __init__(self, name: str, args: AppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Make everything around the app, then its release, then its route."""
        super().__init__(name, args, opts)
        gitops = engine(args.cluster)

        def objects(
            manifests: Sequence[Manifest], position: int, after: Sequence[pulumi.Resource], *, keep: bool = False
        ) -> list[pulumi.Resource]:
            marks = dict(gitops.marks(position, keep=keep))
            options = pulumi.ResourceOptions.merge(kept(keep), pulumi.ResourceOptions(depends_on=list(after)))
            return [
                resource(
                    f"{name}-{logical(manifest)}",
                    {**manifest, "metadata": {**manifest["metadata"], "annotations": marks}},
                    self.child(options),
                )
                for manifest in manifests
            ]

        secrets = objects(secret_manifests(args), 1, [])
        data = objects(data_manifests(args), 2, secrets, keep=args.keep_data)
        release = gitops.release(
            f"{name}-release",
            release_of(args),
            # Protected too: it goes first on the way back, so without this it would be gone before the data says no.
            self.child(pulumi.ResourceOptions(depends_on=[*secrets, *data], protect=args.keep_data)),
        )
        objects(route_manifests(args), 4, [release])
        self.register_outputs({"hostname": args.hostname if args.route else None})


def bound(args: AppArgs) -> dict[str, str | int]:
    """Return what each placeholder stands for."""
    found: dict[str, str | int] = {"hostname": args.hostname, "namespace": args.namespace}
    found |= {f"environment.{key}": value for key, value in args.environment.items()}
    found |= {f"secrets.{name}": name for name in args.secrets}
    if args.database:
        found |= database.bindings(args.name)
    if args.cache:
        found |= cache.bindings(args.name)
    if args.volume:
        found["volume.claim"] = claim_name(args)
    return found


def claim_name(args: AppArgs) -> str:
    """Return the name of the claim of the shared volume."""
    return f"{args.name}-files"


def release_of(args: AppArgs) -> Release:
    """Return the release of the app's chart, its values resolved."""
    source = Source(
        repository=args.repository, version=args.version, chart=args.chart, values=resolve(args.values, bound(args))
    )
    return Release(
        name=args.namespace,
        installed_as=args.name,
        namespace=args.namespace,
        project=args.project,
        source=source,
        position=3,
    )


def secret_manifests(args: AppArgs) -> list[Manifest]:
    """Return the requests for the app's Secrets."""
    labels = {"kade/app": args.name}
    found: list[Manifest] = []
    for name, keys in args.secrets.items():
        made_up = {key: origin.generate for key, origin in keys.items() if origin.generate}
        stored = {key: origin.property for key, origin in keys.items() if origin.property}
        if made_up:
            found += generated(name, args.namespace, made_up, labels)
        if stored:
            found.append(from_vault(name, args.namespace, args.name, stored, labels))
    return found


def data_manifests(args: AppArgs) -> list[Manifest]:
    """Return what holds the app's data."""
    block = args.cluster.storage_classes[0]
    found: list[Manifest] = []
    if args.database:
        found += database.manifests(args.name, args.namespace, args.database, block)
    if args.cache:
        found += cache.manifests(args.name, args.namespace, args.cache, block)
    if args.volume:
        found.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": claim_name(args),
                    "namespace": args.namespace,
                    "labels": {"kade/app": args.name},
                },
                "spec": {
                    "accessModes": ["ReadWriteMany"],
                    "storageClassName": args.volume.storage_class,
                    "resources": {"requests": {"storage": args.volume.size}},
                },
            }
        )
    return found


def route_manifests(args: AppArgs) -> list[Manifest]:
    """Return the route from the shared gateway; it tells browsers to stay with https."""
    if args.route is None:
        return []
    header = {"name": "Strict-Transport-Security", "value": HSTS}
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": args.name, "namespace": args.namespace, "labels": {"kade/app": args.name}},
            "spec": {
                "parentRefs": [{"name": GATEWAY, "namespace": GATEWAY_NAMESPACE}],
                "hostnames": [args.hostname],
                "rules": [
                    {
                        "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [header]}}],
                        "backendRefs": [{"name": args.route.service, "port": args.route.port}],
                    }
                ],
            },
        }
    ]
