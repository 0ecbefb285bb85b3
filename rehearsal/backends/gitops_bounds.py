"""The bounds of a project, as Argo CD keeps them: where it may deliver, and what."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from rehearsal.backends.api import ApiError, Client, Kind, Object, dig, items

NAMESPACE = "argocd"
PROJECTS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/appprojects"


@dataclass(frozen=True)
class Bounds:
    """One AppProject, and the Application that it bounds."""

    name: str
    spec: Object
    server: str
    """Cluster that the Application delivers into."""
    fault_of_root: str | None
    """What of the Application itself lies outside, if anything."""

    @classmethod
    def read(cls, client: Client, root: Object) -> Bounds:
        """Return the bounds of a root; those of a project that is not there let nothing in. Raises ApiError."""
        name = str(dig(root, "spec", "project"))
        server = str(dig(root, "spec", "destination", "server"))
        try:
            project = client.get(f"{PROJECTS}/{name}")
        except ApiError as error:
            if error.status != 404:
                raise
            return cls(name, {}, server, f"its project {name} is not there")
        spec: Object = project.get("spec") or {}
        repository = str(dig(root, "spec", "source", "repoURL"))
        allowed = any(fnmatchcase(repository, str(pattern)) for pattern in items(spec, "sourceRepos"))
        return cls(name, spec, server, None if allowed else f"project {name} does not allow repository {repository}")

    def fault(self, manifest: Object, kind: Kind) -> str | None:
        """Say why an object may not be delivered; `None` where it may."""
        if self.fault_of_root:
            return self.fault_of_root
        if kind.namespaced:
            namespace = str(dig(manifest, "metadata", "namespace"))
            if not self._into(namespace):
                return f"project {self.name} does not allow namespace {namespace} (metadata.namespace)"
            if self._listed("namespaceResourceBlacklist", kind):
                return f"project {self.name} forbids {kind.group or 'core'}/{kind.kind}"
            white = items(self.spec, "namespaceResourceWhitelist")
            if white and not self._listed("namespaceResourceWhitelist", kind):
                return f"project {self.name} does not allow {kind.group or 'core'}/{kind.kind}"
        elif not self._listed("clusterResourceWhitelist", kind) or self._listed("clusterResourceBlacklist", kind):
            return f"project {self.name} does not allow {kind.group or 'core'}/{kind.kind}, which has no namespace"
        return None

    def _into(self, namespace: str) -> bool:
        return any(
            fnmatchcase(self.server, str(dig(one, "server"))) and fnmatchcase(namespace, str(dig(one, "namespace")))
            for one in items(self.spec, "destinations")
        )

    def _listed(self, key: str, kind: Kind) -> bool:
        return any(
            fnmatchcase(kind.group, str(dig(one, "group") or "")) and fnmatchcase(kind.kind, str(dig(one, "kind")))
            for one in items(self.spec, key)
        )
