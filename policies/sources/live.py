"""The live source: what a running cluster shows. It reads, and changes nothing unless a probe is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inputs.faults import Fault, shown
from policies.kernel.words import Source
from policies.model.control_plane import SERVER
from policies.model.resource import Inventory, Resource
from policies.model.values import Data, Unknown, dig, items, mapping
from policies.sources.api import Answer, Client, ClientError, connect
from policies.sources.gathered import Gathered
from policies.sources.objects import from_object
from policies.sources.probe import claims

WANTED: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("Node", "nodes"),
        ("Namespace", "namespaces"),
        ("Pod", "pods"),
        ("ReplicationController", "replicationcontrollers"),
        ("PodTemplate", "podtemplates"),
        ("Service", "services"),
        ("ServiceAccount", "serviceaccounts"),
        ("ResourceQuota", "resourcequotas"),
        ("LimitRange", "limitranges"),
        ("PersistentVolumeClaim", "persistentvolumeclaims"),
    ),
    "apps": (
        ("Deployment", "deployments"),
        ("StatefulSet", "statefulsets"),
        ("DaemonSet", "daemonsets"),
        ("ReplicaSet", "replicasets"),
    ),
    "batch": (("Job", "jobs"), ("CronJob", "cronjobs")),
    "networking.k8s.io": (("NetworkPolicy", "networkpolicies"),),
    "rbac.authorization.k8s.io": (
        ("Role", "roles"),
        ("RoleBinding", "rolebindings"),
        ("ClusterRole", "clusterroles"),
        ("ClusterRoleBinding", "clusterrolebindings"),
    ),
    "storage.k8s.io": (("StorageClass", "storageclasses"),),
    "apiregistration.k8s.io": (("APIService", "apiservices"),),
    "apiextensions.k8s.io": (("CustomResourceDefinition", "customresourcedefinitions"),),
    "cilium.io": (
        ("CiliumNetworkPolicy", "ciliumnetworkpolicies"),
        ("CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies"),
    ),
    "kyverno.io": (("ClusterPolicy", "clusterpolicies"), ("Policy", "policies")),
    "policies.kyverno.io": (
        ("ImageValidatingPolicy", "imagevalidatingpolicies"),
        ("NamespacedImageValidatingPolicy", "namespacedimagevalidatingpolicies"),
    ),
    "policy.sigstore.dev": (("ClusterImagePolicy", "clusterimagepolicies"),),
    "cert-manager.io": (("ClusterIssuer", "clusterissuers"), ("Issuer", "issuers")),
    "gateway.networking.k8s.io": (("Gateway", "gateways"),),
    "argoproj.io": (
        ("Application", "applications"),
        ("ApplicationSet", "applicationsets"),
        ("AppProject", "appprojects"),
    ),
    "helm.toolkit.fluxcd.io": (("HelmRelease", "helmreleases"),),
    "kustomize.toolkit.fluxcd.io": (("Kustomization", "kustomizations"),),
}
"""Kinds that are read, with their plural, by group. A group that the cluster does not have has no objects."""
NOT_READ = {
    "Secret": "rules ask only whether one holds the cloud provider's settings, and nodes show what came of these",
    "ConfigMap": "it is asked for the cloud provider's settings only, and nodes show what came of these",
    "Cluster": "Cluster API objects on a cluster describe other clusters",
}
"""What rules look at in other sources and is left alone here, each with the reason."""
_NAMES_ONLY = frozenset({"CustomResourceDefinition"})
"""Kinds of which rules look at the name alone: nothing else is asked for, and they are large."""

_OWNED = frozenset({"Pod", "ReplicaSet", "Job"})
"""Kinds that others make: one that has an owner is judged as its owner."""
_REASONS = {403: "reading it is forbidden", 404: "the API server does not know it"}
_UNSEEN = (
    "Secrets and ConfigMaps were not read.",
    "Whether the nodes' hosts and zones are apart was not looked at: a cluster does not know it.",
)


def read(kubeconfig: Path | None, context: str | None, probe: bool = False) -> Gathered:
    """Return what a cluster shows; `None` stands for the usual kubeconfig and its current context.

    `probe` makes claims for volumes and removes them again. Default: not, because it changes the cluster for a moment.

    Raises nothing for what cannot be reached or may not be read: that becomes one fault, or gaps.
    """
    name = shown(kubeconfig) if kubeconfig else "kubeconfig"
    try:
        client = connect(kubeconfig, context)
        version = client.get("/version")
        if version.status == 401:
            msg = "the API server does not accept who asks"
            raise ClientError(msg, "Renew the credentials in the kubeconfig.")
        groups = client.get("/apis")
        if {version.status, groups.status}.isdisjoint({200, 403}):
            msg = f"what answers there is no Kubernetes API server (it answered {groups.status})"
            raise ClientError(msg, "Check the address in the kubeconfig.")
    except ClientError as error:
        fault = Fault(name, 0, error.key, error.what, error.remedy)
        nothing = Inventory((), (Unknown("the cluster", error.what),))  # what is not seen is not absent
        return Gathered(inventory=nothing, source=Source.LIVE, faults=(fault,))
    found: list[Resource] = []
    gaps: list[Unknown] = []
    for group, versions in _versions(groups).items():
        plurals = {version: _plurals(client, group, version) for version in versions}
        for kind, plural in WANTED[group]:
            having = [version for version, served in plurals.items() if served is None or plural in served]
            _collect(client, group, having, kind, plural, found, gaps)
    found.append(_server(client, version, found))
    if probe:
        found.extend(claims(client, [item for item in found if item.type.endswith(":StorageClass")]))
    unseen = [*_UNSEEN, *(f"{gap.path} could not be read: {gap.why}." for gap in gaps)]
    return Gathered(inventory=Inventory(tuple(found), tuple(gaps)), source=Source.LIVE, unseen=tuple(unseen))


def _versions(groups: Answer) -> dict[str, tuple[str, ...]]:
    """Return the versions of each wanted group that the cluster has, the preferred one first.

    Where the list of groups may not be read, any may be there.
    """
    if groups.status != 200:
        return dict.fromkeys(WANTED, ("v1",))
    found: dict[str, tuple[str, ...]] = {"": ("v1",)}
    for group in items(dig(groups.data, "groups")):
        name = str(dig(group, "name"))
        versions = [dig(group, "preferredVersion", "version")]
        versions += [dig(version, "version") for version in items(dig(group, "versions"))]
        if name in WANTED:
            found[name] = tuple(dict.fromkeys(str(version) for version in versions if version))
    return {group: found[group] for group in WANTED if group in found}


def _plurals(client: Client, group: str, version: str) -> frozenset[str] | None:
    """Return what a version of a group serves; `None` where that cannot be read, so that each kind is tried.

    Kinds of one group need not be there together, nor in the same version; and who asks for one that is not there is
    answered that it is forbidden.
    """
    try:
        answer = client.get(f"/apis/{group}/{version}" if group else f"/api/{version}")
    except ClientError:
        return None
    served = dig(answer.data, "resources")
    if answer.status != 200 or served is None:
        return None
    return frozenset(str(dig(item, "name")) for item in items(served))


def _collect(
    client: Client,
    group: str,
    versions: list[str],
    kind: str,
    plural: str,
    found: list[Resource],
    gaps: list[Unknown],
) -> None:
    """Add the objects of a kind, from the first version that serves it."""
    for version in versions:
        api = f"{group}/{version}" if group else version
        answer = _listed(client, f"/apis/{api}/{plural}" if group else f"/api/{api}/{plural}", kind)
        if answer.status == 404:
            continue  # the group is there without this kind
        if answer.status != 200:
            why = answer.why or _REASONS.get(answer.status) or f"the API server answered {answer.status}"
            gaps.append(Unknown(f"{api} {kind}", why))
            if kind != "Node":
                found.append(_hidden(api, kind, why))
        else:
            found.extend(_objects(api, kind, items(answer.data)))
        return


def _listed(client: Client, path: str, kind: str) -> Answer:
    try:
        return client.list(path, names_only=kind in _NAMES_ONLY)
    except ClientError as error:
        return Answer(0, None, error.what)


def _objects(api: str, kind: str, bodies: list[Any]) -> Iterator[Resource]:
    for item in bodies:
        if kind in _OWNED and items(dig(item, "metadata", "ownerReferences")):
            continue
        body: Data = {**mapping(item), "apiVersion": api, "kind": kind}
        body["metadata"] = {key: part for key, part in mapping(body.get("metadata")).items() if key != "managedFields"}
        yield from_object(body, api=api, kind=kind, name=str(dig(body, "metadata", "name")))


def _hidden(api: str, kind: str, why: str) -> Resource:
    """Return an object of which nothing is known, for a kind that could not be read: any may be there, anywhere.

    Rules treat it as they treat an object that is computed while applying. Nodes are counted, and have no such object.
    """
    parts = ("metadata", "spec", "rules", "roleRef", "subjects", "provisioner", "parameters", "status")
    body: Data = {part: Unknown(part, why) for part in parts}
    return from_object(body, api=api, kind=kind, name="(could not be read)")


def _server(client: Client, version: Answer, found: list[Resource]) -> Resource:
    """Return what the API server says of itself."""
    given: Any = dig(version.data, "gitVersion")
    images = (
        str(dig(item.properties, "status", "nodeInfo", "osImage")) for item in found if item.type.endswith(":Node")
    )
    data: Data = {
        "gitVersion": given if isinstance(given, str) else Unknown("gitVersion", "the API server does not tell it"),
        "distribution": "Talos" if any(image.startswith("Talos") for image in images) else "",
        "authorization": _authorization(client),
    }
    return Resource(type=SERVER, name="kube-apiserver", load=lambda: data)


def _authorization(client: Client) -> list[str] | Unknown:
    """Return the authorisation modes, as far as two questions show them. A question changes nothing.

    Whoever is nobody may not read Secrets, unless everything is allowed; and that everyone may read the version is the
    doing of RBAC, which says so in its answer.
    """
    gap = Unknown("authorization", "asking what others may do is forbidden")
    try:
        nobody = client.may("kade:nobody", (), {"verb": "get", "resource": "secrets", "namespace": "kube-system"}, None)
        known = client.may("kade:nobody", ("system:authenticated",), None, {"verb": "get", "path": "/version"})
    except ClientError:
        return gap
    if nobody.status not in (200, 201) or known.status not in (200, 201):
        return gap
    if dig(nobody.data, "status", "allowed") is True:
        return ["AlwaysAllow"]
    if "RBAC" in str(dig(known.data, "status", "reason")):
        return ["RBAC"]
    return Unknown("authorization", "who may read the version is not decided by RBAC's own roles")
