"""Argo CD behind the engine-neutral interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.gitops.engine import Installation, Project, Release, Root, Source
from components.services.definition import Chart

CHART = Chart(
    name="argo-cd",
    repository="https://argoproj.github.io/argo-helm",
    # renovate: datasource=helm depName=argo-cd registryUrl=https://argoproj.github.io/argo-helm
    version="9.6.0",
)

API = "argoproj.io/v1alpha1"
SERVER = "https://kubernetes.default.svc"
"""The cluster that Argo CD runs in; it never reaches into another one."""

CASCADE = "resources-finalizer.argocd.argoproj.io"
"""Deletes what an Application made before the Application itself goes. It hangs where the engine is gone already."""

APPLICATION_HEALTH = """\
hs = {status = "Progressing", message = ""}
if obj.status ~= nil and obj.status.health ~= nil then
  hs.status = obj.status.health.status
  hs.message = obj.status.health.message or ""
end
return hs
"""
"""Without it Argo CD calls every Application healthy, and waves of Applications do not wait for each other."""

READY = {
    "healthy": "jsonpath={.status.health.status}=Healthy",
    # Not `Healthy`: it asks for people first (a Vault is sealed until its keys are brought).
    "synced": "jsonpath={.status.sync.status}=Synced",
}


def _values(installation: Installation) -> dict[str, Any]:
    def part(cpu: str, memory: str, **more: Any) -> dict[str, Any]:
        return {
            "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}},
            "pdb": {"enabled": True, "minAvailable": 1},
            **more,
        }

    host = f"argocd.{installation.domain}"
    several = {"replicas": installation.replicas}
    settings: dict[str, Any] = {
        "url": f"https://{host}",
        # People enter with their own account, or not at all.
        "admin.enabled": "false",
        "users.anonymous.enabled": "false",
        "exec.enabled": "false",
        "application.resourceTrackingMethod": "annotation",
        "resource.customizations.health.argoproj.io_Application": APPLICATION_HEALTH,
    }
    if installation.identity_issuer:
        settings["oidc.config"] = (
            f"name: organisation\nissuer: {installation.identity_issuer}\nclientID: argocd\n"
            "enablePKCEAuthentication: true\nrequestedScopes: [openid, profile, email, groups]\n"
        )
    return {
        # CRDs stay when the release goes: with them, every Application would go, and all that it made.
        "crds": {"install": True, "keep": True},
        "global": {"domain": host, "networkPolicy": {"create": True, "defaultDenyIngress": True}},
        "configs": {
            "cm": settings,
            # Whoever signs in sees nothing until a policy says otherwise.
            "rbac": {"policy.default": "", "scopes": "[groups]"},
            "params": {"server.disable.auth": "false", "controller.diff.server.side": "true"},
        },
        "controller": part("250m", "1Gi", replicas=1),
        "server": part("50m", "256Mi", **several),
        "repoServer": part("100m", "512Mi", **several),
        "applicationSet": part("50m", "128Mi", **several),
        "redis-ha": {"enabled": installation.replicas >= 3},
        # Sign-on goes to the organisation's provider itself.
        "dex": {"enabled": False},
        "notifications": {"enabled": False},
    }


class ArgoCd:
    """Argo CD: Releases are Applications, Projects are AppProjects."""

    engine = "argocd"
    namespace = "argocd"
    waits = True

    def install(self, name: str, installation: Installation, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Install the chart."""
        return k8s.helm.v3.Release(
            name,
            name="argocd",
            chart=CHART.name,
            version=CHART.version,
            repository_opts={"repo": CHART.repository},
            namespace=self.namespace,
            values=_values(installation),
            opts=opts,
        )

    def project(self, name: str, project: Project, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Make an AppProject."""
        spec = {
            "description": project.description,
            "sourceRepos": list(project.repositories),
            "destinations": [{"server": SERVER, "namespace": namespace} for namespace in project.namespaces],
            "clusterResourceWhitelist": [{"group": group, "kind": kind} for group, kind in project.cluster_wide],
            "namespaceResourceBlacklist": [{"group": group, "kind": kind} for group, kind in project.forbidden],
            # What runs in the project's namespaces without being declared is shown.
            "orphanedResources": {"warn": True},
        }
        return self._object(name, "AppProject", {"name": project.name}, spec, opts)

    def release(self, name: str, release: Release, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Make an Application."""
        spec = _application(release.project, release.source, release.namespace, release.installed_as or release.name)
        annotations = {**self.marks(release.position, keep=release.keep), "pulumi.com/waitFor": READY[release.ready]}
        metadata: dict[str, Any] = {"name": release.name, "annotations": annotations}
        if not release.keep:
            metadata["finalizers"] = [CASCADE]
        return self._object(name, "Application", metadata, spec, opts)

    def root(self, name: str, root: Root, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Make the Application of Applications."""
        spec = _application(root.project, root.source, self.namespace, root.name)
        return self._object(name, "Application", {"name": root.name, "finalizers": [CASCADE]}, spec, opts)

    def marks(self, position: int, *, keep: bool = False) -> Mapping[str, str]:
        """Return the wave; a custom resource may come before its CRD is known, so the dry run is left out then."""
        options = ["SkipDryRunOnMissingResource=true", *(["Prune=false", "Delete=false"] if keep else [])]
        return {
            "argocd.argoproj.io/sync-wave": str(position),
            "argocd.argoproj.io/sync-options": ",".join(options),
        }

    def _object(
        self, name: str, kind: str, metadata: dict[str, Any], spec: dict[str, Any], opts: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            name, api_version=API, kind=kind, metadata={"namespace": self.namespace, **metadata}, spec=spec, opts=opts
        )


def _application(project: str, source: Source, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"repoURL": source.repository, "targetRevision": source.version}
    if source.chart:
        found |= {"chart": source.chart, "helm": {"releaseName": name, "valuesObject": dict(source.values)}}
    else:
        found |= {"path": source.path, "directory": {"recurse": True}}
    return {
        "project": project,
        "source": found,
        "destination": {"server": SERVER, "namespace": namespace},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": [
                # Large CRDs do not fit into the annotation of a client-side apply.
                "ServerSideApply=true",
                # Namespaces carry labels and quota: whoever makes them is not the release.
                "CreateNamespace=false",
                # What is dropped goes last, after its successor is healthy.
                "PruneLast=true",
            ],
            "retry": {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}},
        },
    }
