"""What is installed by charts: Helm releases of Pulumi, Applications of Argo CD, HelmReleases of Flux."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from inputs.faults import FaultsError
from inputs.yaml import documents
from policies.kernel.finding import Subject
from policies.model.known import by_chart
from policies.model.resource import Inventory, KubernetesObject, Resource
from policies.model.values import Unknown, dig, items, mapping, text

HELM_RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One installation of a chart."""

    subject: Subject
    via: Literal["helm", "argocd", "flux"]
    chart: str | Unknown
    repository: str | Unknown | None = None
    version: str | Unknown | None = None
    namespace: str | Unknown | None = None
    known: str | None = None
    """What it installs, where rules know the chart."""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The values that rules may read, by dotted path. Missing: the chart's own default holds."""
    settings_path: str = ""
    """Where the values stand in the object."""


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """Something that delivers objects which are not seen here: a folder in a git repository."""

    subject: Subject
    repository: str | Unknown | None
    path: str | Unknown | None
    confined: bool
    """Whether its project keeps it from making anything outside a team's namespaces."""


def releases(inventory: Inventory) -> tuple[Release, ...]:
    """Return every installation of a chart."""
    found = [_helm(resource) for resource in inventory.of_type(HELM_RELEASE)]
    for item in inventory.objects("Application", "argoproj.io"):
        found.extend(_argocd(item))
    found.extend(_flux(item) for item in inventory.objects("HelmRelease", "helm.toolkit.fluxcd.io"))
    return tuple(release for release in found if release is not None)


def _release(
    subject: Subject, via: Literal["helm", "argocd", "flux"], chart: str | Unknown, values: Any, path: str, **rest: Any
) -> Release:
    known = by_chart(chart) if isinstance(chart, str) else None
    settings = dict(_settings(values, known.values if known else (), path, subject))
    return Release(
        subject=subject,
        via=via,
        chart=chart,
        known=known.name if known else None,
        settings=settings,
        settings_path=path,
        **rest,
    )


def _settings(values: Any, wanted: tuple[str, ...], path: str, subject: Subject) -> Iterator[tuple[str, Any]]:
    for dotted in wanted:
        value = dig(values, *dotted.split("."))
        if isinstance(value, Unknown):
            value = value.of(subject)
        if value is not None:
            yield dotted, value


def _helm(resource: Resource) -> Release | None:
    chart = text(resource.get("chart"))
    name = text(resource.get("name"))
    namespace = text(resource.get("namespace"))
    subject = Subject(
        "Release",
        name if isinstance(name, str) else resource.name,
        namespace if isinstance(namespace, str) else "",
        resource.urn,
    )
    values = resource.get("values")
    if resource.get("valueYamlFiles"):
        values = Unknown("valueYamlFiles", "the files are not read here", subject)
    return _release(
        subject,
        "helm",
        chart if chart is not None else Unknown("chart", "it is missing", subject),
        values,
        "values",
        repository=text(resource.get("repositoryOpts", "repo")),
        version=text(resource.get("version")),
        namespace=namespace,
    )


def _argocd(item: KubernetesObject) -> Iterator[Release]:
    single = item.get("spec", "source")
    several = item.get("spec", "sources")
    if isinstance(several, Unknown) or isinstance(single, Unknown):
        return
    sources = [("spec.source", single)] if single else []
    sources += [(f"spec.sources[{index}]", source) for index, source in enumerate(items(several))]
    for path, source in sources:
        chart = text(dig(source, "chart"))
        if chart is None:
            continue
        yield _release(
            item.subject,
            "argocd",
            chart,
            _argocd_values(source, item.subject, path),
            f"{path}.helm.valuesObject" if dig(source, "helm", "valuesObject") is not None else f"{path}.helm.values",
            repository=text(dig(source, "repoURL")),
            version=text(dig(source, "targetRevision")),
            namespace=text(item.get("spec", "destination", "namespace")),
        )


def _argocd_values(source: Any, subject: Subject, path: str) -> Any:
    """Return the values of a source; parameters win over values, as in Argo CD."""
    helm = dig(source, "helm")
    if isinstance(helm, Unknown):
        return helm
    if items(dig(helm, "valueFiles")):
        return Unknown(f"{path}.helm.valueFiles", "the files are in another repository", subject)
    values = dig(helm, "valuesObject")
    if values is None:
        values = _parsed(dig(helm, "values"), f"{path}.helm.values", subject)
    for parameter in items(dig(helm, "parameters")):
        name = dig(parameter, "name")
        if isinstance(name, str) and not isinstance(values, Unknown):
            values = _with(mapping(values), name.split("."), dig(parameter, "value"))
    return values


def _with(values: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    head, *rest = path
    return {**values, head: _with(mapping(values.get(head)), rest, value) if rest else value}


def _parsed(content: Any, path: str, subject: Subject) -> Any:
    if not isinstance(content, str):
        return content
    try:
        return next((document.data for document in documents(content, "values")), None)
    except FaultsError:
        return Unknown(path, "it is not YAML that can be read", subject)


def _flux(item: KubernetesObject) -> Release | None:
    chart = text(item.get("spec", "chart", "spec", "chart"))
    reference = text(item.get("spec", "chartRef", "name"))
    elsewhere = Unknown("spec.chartRef", "the version stands in the object that it names", item.subject)
    values = item.get("spec", "values")
    if items(item.get("spec", "valuesFrom")):
        gap = Unknown("spec.valuesFrom", "they stand in an object of the cluster", item.subject)
        values = _Overlaid(mapping(values), gap)
    return _release(
        item.subject,
        "flux",
        chart or reference or Unknown("spec.chart", "it is missing", item.subject),
        values,
        "spec.values",
        repository=text(item.get("spec", "chart", "spec", "sourceRef", "name")),
        version=elsewhere if chart is None and reference else text(item.get("spec", "chart", "spec", "version")),
        namespace=text(item.get("spec", "targetNamespace")) or item.namespace or None,
    )


class _Overlaid(dict[str, Any]):
    """Values written over others that are not known: what is written here wins, every missing key is unknown."""

    def __init__(self, data: Mapping[str, Any], gap: Unknown) -> None:
        super().__init__(data)
        self._gap = gap

    def get(self, key: str, default: Any = None, /) -> Any:
        found = super().get(key, self._gap)
        return _Overlaid(mapping(found), self._gap) if isinstance(found, dict) else found


def delegations(inventory: Inventory) -> tuple[Delegation, ...]:
    """Return what delivers objects from a git repository."""
    found = [
        Delegation(
            subject=item.subject,
            repository=text(dig(source, "repoURL")),
            path=text(dig(source, "path")),
            confined=_confined(item, inventory),
        )
        for item in inventory.objects("Application", "argoproj.io")
        for source in [item.get("spec", "source"), *items(item.get("spec", "sources"))]
        if dig(source, "chart") is None and dig(source, "path") is not None
    ]
    for kind, group in (("ApplicationSet", "argoproj.io"), ("Kustomization", "kustomize.toolkit.fluxcd.io")):
        for item in inventory.objects(kind, group):
            source = text(item.get("spec", "sourceRef", "name"))
            path = text(item.get("spec", "path"))
            confined = bool(text(item.get("spec", "serviceAccountName")))
            found.append(Delegation(subject=item.subject, repository=source, path=path, confined=confined))
    return tuple(found)


def _confined(item: KubernetesObject, inventory: Inventory) -> bool:
    """Whether the Application's project is seen here and allows nothing outside namespaces."""
    project = text(item.get("spec", "project"))
    for found in inventory.objects("AppProject", "argoproj.io"):
        if found.name == project:
            return not items(found.get("spec", "clusterResourceWhitelist"))
    return False
