"""A stand-in for an API server: TLS, a token, and the few paths that the live source reads."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "a-token-of-the-test"


def certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


class Cluster:
    """What the stand-in answers, by path, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: dict[str, list[dict[str, Any]]] = {}
        self.refused: dict[str, int] = {}
        names = ("apps", "rbac.authorization.k8s.io", "storage.k8s.io", "apiregistration.k8s.io", "cert-manager.io")
        self.groups = dict.fromkeys(names, "v1")
        """Version by group; several are parted by commas, the preferred one first."""
        self.allows_everything = False
        self.asked: list[str] = []
        self.made: list[dict[str, Any]] = []
        self.claims = 201
        self.phase = "Bound"
        self.stuck = False
        """Whether a claim stays after it was deleted, as it does where nothing lets it go."""
        self.served: dict[str, list[str]] = {}
        """What a group's version serves, by path; it does not say so where it is not here."""
        self.forgets = False
        """Whether the rest of a list is forgotten after the first page."""
        self.port = 0

    def kubeconfig(self, token: str = TOKEN, port: int | None = None) -> Path:
        ca = base64.b64encode((self.folder / "ca.pem").read_bytes()).decode()
        server = f"https://127.0.0.1:{self.port if port is None else port}"
        path = self.folder / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority-data": ca}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
        path.write_text(json.dumps(config))
        return path

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if path in self.refused:
            return self.refused[path], {"kind": "Status", "message": "refused"}
        if path == "/version":
            return 200, {"gitVersion": "v1.36.3"}
        if path == "/apis":
            versions = {name: given.split(",") for name, given in self.groups.items()}
            return 200, {
                "groups": [
                    {
                        "name": name,
                        "preferredVersion": {"version": given[0]},
                        "versions": [{"version": version} for version in given],
                    }
                    for name, given in versions.items()
                ]
            }
        if path.endswith("subjectaccessreviews"):
            everyone = "nonResourceAttributes" in body["spec"]
            reason = 'RBAC: allowed by ClusterRoleBinding "system:public-info-viewer"' if everyone else ""
            return 201, {"status": {"allowed": everyone or self.allows_everything, "reason": reason}}
        if "persistentvolumeclaims" in path and method == "POST":
            self.made.append(body)
            return self.claims, body
        if "persistentvolumeclaims/" in path:
            name = path.rpartition("/")[2]
            if method == "DELETE":
                self.made = [item for item in self.made if item["metadata"]["name"] != name]
                return 200, {}
            there = self.stuck or any(item["metadata"]["name"] == name for item in self.made)
            return (200, {"status": {"phase": self.phase}}) if there else (404, {"kind": "Status"})
        if path in self.served:
            return 200, {"resources": [{"name": name} for name in self.served[path]]}
        if path in self.objects:
            found = self.objects[path]
            if "limit" not in query:
                return 200, {"metadata": {}, "items": found}
            first = int(query.get("continue", ["0"])[0])
            if first and self.forgets:
                return 410, {"kind": "Status", "reason": "Expired"}
            page = found[first : first + 2]  # pages of two, whatever was asked for: there must be several
            further = str(first + 2) if first + 2 < len(found) else ""
            return 200, {"kind": "AList", "metadata": {"continue": further}, "items": page}
        return (200, {"items": []}) if path.startswith("/api/v1/") else (404, {"kind": "Status"})


@contextmanager
def serving(cluster: Cluster) -> Iterator[Cluster]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # one connection for all questions, as with a real API server
        disable_nagle_algorithm = True

        def _reply(self, method: str) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, data = 401, {"kind": "Status"}
            else:
                status, data = cluster.answer(method, parts.path, parse_qs(parts.query), body)
            content = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._reply("GET")

        def do_POST(self) -> None:
            self._reply("POST")

        def do_DELETE(self) -> None:
            self._reply("DELETE")

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(cluster.folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    cluster.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
