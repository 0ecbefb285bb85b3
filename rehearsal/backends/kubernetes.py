"""Kubernetes without machines: etcd, the API server, its controllers and its scheduler, and kwok for the nodes.

Real are: schemas, admission, authentication, authorisation, field ownership, quota, scheduling and the controllers.
kwok says that nodes are ready and pods run; no container runs and no packet flows.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.backends import endpoints
from rehearsal.backends.ground import Ground, files
from rehearsal.backends.layout import write_secret
from rehearsal.backends.pki import Pair
from rehearsal.backends.process import Server, ServerError

STAGES = Path(__file__).with_name("stages")
"""How the controllers are played that are not there: kwok's own language, one file a kind."""
VERSION = "1.36.3"
"""What the API server reports. Must equal the version in go/go.mod."""
DISCOVERY = ("/.well-known/openid-configuration", "/openid/v1/jwks")
"""Pages by which others learn the keys of the service accounts' tokens."""
HEALTH = ("/livez", "/readyz", "/healthz")

_MEMORY = {"GOGC": "200", "GOMEMLIMIT": "1000MiB"}
"""The API server keeps the schemas of all kinds several times over while it starts. Collecting less often halves the
time that it computes until it answers (measured in November 2026: 3.8 s in place of 8.5 s at 50), and costs 200 MB."""


@dataclass(frozen=True)
class Kubernetes:
    """The servers of one cluster."""

    ground: Ground
    template: Path | None = None
    """Data folder of an etcd that holds the definitions of our services' kinds; none by default."""

    @property
    def url(self) -> str:
        """Address of the API server."""
        return f"https://{self.ground.address('kube-apiserver')}"

    def servers(self) -> list[Server]:
        """Return what to start."""
        return [self._etcd(), self._apiserver(), self._manager(), self._scheduler(), self._kwok()]

    def endpoint(self) -> endpoints.Kubernetes:
        """Return how the API server is reached."""
        authority = self.ground.pki.authority
        return endpoints.Kubernetes(
            server=self.url,
            ca=str(authority.certificate),
            ca_key=str(authority.key),
            kubeconfig=str(self._kubeconfig("admin")),
            version=VERSION,
        )

    def _etcd(self) -> Server:
        ground = self.ground
        client, peer = f"https://{ground.address('etcd')}", f"https://{ground.address('etcd-peer')}"
        data, own, authority = ground.layout.data("etcd"), ground.pki.pair("server"), ground.pki.authority

        def before() -> None:
            if not data.exists() and self.template is not None:
                shutil.copytree(self.template, data)
            data.mkdir(mode=0o700, exist_ok=True)

        return Server(
            name="etcd",
            address=ground.address("etcd"),
            command=(
                ground.tool("etcd"), "--name=rehearsal", f"--data-dir={data}", "--unsafe-no-fsync", "--logger=zap",
                "--log-level=warn", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=rehearsal={peer}", "--client-cert-auth",
                f"--trusted-ca-file={authority.certificate}", f"--cert-file={own.certificate}",
                f"--key-file={own.key}", "--peer-client-cert-auth",
                f"--peer-trusted-ca-file={authority.certificate}", f"--peer-cert-file={own.certificate}",
                f"--peer-key-file={own.key}",
            ),
            before=before,
            ready=lambda: ground.answers(f"{client}/health"),
        )  # fmt: skip

    def _apiserver(self) -> Server:
        ground, pki = self.ground, self.ground.pki
        settings = ground.layout.folder / "kubernetes"
        etcd, own, kubelet, front = map(pki.pair, ("etcd-client", "server", "kubelet-client", "front-proxy"))
        site = ground.site

        def before() -> None:
            settings.mkdir(exist_ok=True)
            for name, content in {"audit": AUDIT, "authentication": AUTHENTICATION, "admission": _admission()}.items():
                (settings / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
            self._kubeconfig("admin")

        return Server(
            name="kube-apiserver",
            address=ground.address("kube-apiserver"),
            needs=("etcd",),
            environment=_MEMORY,
            command=(
                ground.tool("kube-apiserver"), "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
                f"--secure-port={ground.ports['kube-apiserver']}", "--endpoint-reconciler-type=none",
                f"--etcd-servers=https://{ground.address('etcd')}", f"--etcd-cafile={pki.authority.certificate}",
                *_pair("etcd-certfile", "etcd-keyfile", etcd), *_pair("tls-cert-file", "tls-private-key-file", own),
                *_pair("kubelet-client-certificate", "kubelet-client-key", kubelet),
                *_pair("proxy-client-cert-file", "proxy-client-key-file", front),
                f"--client-ca-file={pki.authority.certificate}",
                f"--requestheader-client-ca-file={pki.front_proxy.certificate}",
                "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
                "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                f"--service-account-key-file={pki.service_accounts}",
                f"--service-account-signing-key-file={pki.service_accounts}",
                f"--service-account-issuer={site.api_endpoint}",
                f"--service-account-jwks-uri={site.api_endpoint}{DISCOVERY[1]}",
                "--service-account-extend-token-expiration=false",
                f"--service-cluster-ip-range={site.service_network}", "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs",
                f"--admission-control-config-file={settings / 'admission.yaml'}",
                f"--authentication-config={settings / 'authentication.yaml'}",
                f"--audit-policy-file={settings / 'audit.yaml'}",
                f"--audit-log-path={ground.layout.logs / 'audit.log'}",
                "--audit-log-maxsize=50", "--audit-log-maxbackup=1", "--profiling=false", "--allow-privileged=true",
            ),
            before=before,
            ready=lambda: ground.answers(f"{self.url}/readyz"),
            after=self._open_discovery,
            # A polite stop waits a minute for clients that hold a watch, and there is nothing in it to save.
            patience=1.0,
            limit=300.0,  # two seconds on an idle machine; but a busy one must only be slow
        )  # fmt: skip

    def _manager(self) -> Server:
        ground, pki = self.ground, self.ground.pki
        name = "kube-controller-manager"
        config = ground.layout.folder / "kubernetes" / "controller-manager.kubeconfig"
        return Server(
            name=name,
            address=ground.address(name),
            needs=("kube-apiserver",),
            command=(
                ground.tool(name), *self._component(name, config), "--use-service-account-credentials",
                f"--service-account-private-key-file={pki.service_accounts}",
                f"--root-ca-file={pki.authority.certificate}",
                f"--cluster-signing-cert-file={pki.authority.certificate}",
                f"--cluster-signing-key-file={pki.authority.key}",
                "--allocate-node-cidrs", f"--cluster-cidr={ground.site.pod_network}",
                f"--service-cluster-ip-range={ground.site.service_network}", "--terminated-pod-gc-threshold=1000",
                # Else the garbage collector follows a `destroy` at ten objects a second.
                "--kube-api-qps=300", "--kube-api-burst=600",
            ),
            before=lambda: _ignore(self._kubeconfig("controller-manager")),
            ready=lambda: ground.answers(f"https://{ground.address(name)}/healthz"),
        )  # fmt: skip

    def _scheduler(self) -> Server:
        name = "kube-scheduler"
        config = self.ground.layout.folder / "kubernetes" / "scheduler.kubeconfig"
        return Server(
            name=name,
            address=self.ground.address(name),
            needs=("kube-apiserver",),
            command=(self.ground.tool(name), *self._component(name, config)),
            before=lambda: _ignore(self._kubeconfig("scheduler")),
            ready=lambda: self.ground.answers(f"https://{self.ground.address(name)}/healthz"),
        )

    def _component(self, name: str, config: Path) -> tuple[str, ...]:
        pki = self.ground.pki
        return (
            f"--kubeconfig={config}", f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1", f"--secure-port={self.ground.ports[name]}", "--leader-elect=false",
            "--profiling=false", f"--client-ca-file={pki.authority.certificate}",
            f"--requestheader-client-ca-file={pki.front_proxy.certificate}",
            *_pair("tls-cert-file", "tls-private-key-file", pki.pair("server")),
        )  # fmt: skip

    def _kwok(self) -> Server:
        ground = self.ground
        own = files(ground.layout.tools / "kwok-stages", "*.yaml")
        config = ground.layout.folder / "kubernetes" / "kwok.kubeconfig"
        return Server(
            name="kwok",
            address=ground.address("kwok"),
            needs=("kube-apiserver",),
            command=(
                ground.tool("kwok"), f"--kubeconfig={config}", "--manage-all-nodes=true",
                f"--server-address={ground.address('kwok')}", "--node-lease-duration-seconds=40",
                *(f"--config={stage}" for stage in (*own, *files(STAGES, "**/*.yaml"))),
            ),
            before=lambda: _ignore(self._kubeconfig("kwok")),
            ready=lambda: ground.answers(f"http://{ground.address('kwok')}/healthz"),
            patience=2.0,
        )  # fmt: skip

    def _kubeconfig(self, who: str) -> Path:
        """Write who may enter, and return the file."""
        pki = self.ground.pki
        pair = pki.pair(who)
        folder = self.ground.layout.folder / "kubernetes"
        folder.mkdir(exist_ok=True)
        path = folder / f"{who}.kubeconfig"
        config: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "rehearsal",
            "clusters": [
                {
                    "name": "rehearsal",
                    "cluster": {"server": self.url, "certificate-authority-data": _encoded(pki.authority.certificate)},
                }
            ],
            "users": [
                {
                    "name": who,
                    "user": {
                        "client-certificate-data": _encoded(pair.certificate),
                        "client-key-data": _encoded(pair.key),
                    },
                }
            ],
            "contexts": [{"name": "rehearsal", "context": {"cluster": "rehearsal", "user": who}}],
        }
        write_secret(path, yaml.safe_dump(config))
        return path

    def _open_discovery(self) -> None:
        """Let everybody read the keys of the service accounts' tokens: that is how OpenBao learns them."""
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "kade-rehearsal-issuer-discovery"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:service-account-issuer-discovery",
            },
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:unauthenticated"}],
        }
        done = subprocess.run(
            [self.ground.tool("kubectl"), f"--kubeconfig={self._kubeconfig('admin')}", "apply", "--server-side",
             "--validate=false", "-f", "-"],
            input=json.dumps(binding), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"kube-apiserver does not take a role binding: {done.stderr.strip()}"
            raise ServerError(msg)


def service_address(service_network: str) -> str:
    """Return the address of the service `kubernetes`: the first one of the network."""
    return str(next(ipaddress.ip_network(service_network).hosts()))


def _admission() -> dict[str, Any]:
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "configuration": POD_SECURITY}],
    }


def _pair(certificate: str, key: str, pair: Pair) -> tuple[str, str]:
    return f"--{certificate}={pair.certificate}", f"--{key}={pair.key}"


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _ignore(_: object) -> None:
    """Do nothing with a result."""


POD_SECURITY: dict[str, Any] = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1",
    "kind": "PodSecurityConfiguration",
    "defaults": {
        "enforce": "baseline", "enforce-version": "latest",
        "audit": "restricted", "audit-version": "latest",
        "warn": "restricted", "warn-version": "latest",
    },
    "exemptions": {"namespaces": ["kube-system"], "usernames": ["admin"]},
}  # fmt: skip
"""Pod Security for namespaces that say nothing themselves: what Talos sets, and what our own patch adds to it."""

AUTHENTICATION: dict[str, Any] = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthenticationConfiguration",
    "anonymous": {"enabled": True, "conditions": [{"path": path} for path in (*DISCOVERY, *HEALTH)]},
}
"""Who may ask without saying who they are: for health and the keys of tokens alone."""

AUDIT: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["system:apiserver", "kade:kwok"]},
        {"level": "None", "nonResourceURLs": ["/livez*", "/readyz*", "/healthz*", "/openapi*", "/version"]},
        {"level": "None", "verbs": ["get", "list", "watch"], "userGroups": ["system:nodes", "system:serviceaccounts"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        {"level": "Metadata"},
    ],
}
"""What is written down: who did what to which object, never its content."""
