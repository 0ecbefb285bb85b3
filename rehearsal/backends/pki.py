"""The rehearsal's own certificate authority: who the servers are, and who may enter.

It is made for one rehearsal and removed with it. The Talos stand-in signs administrators and nodes with it, as Talos
signs them with the authority of the cluster.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rehearsal.backends.layout import write_secret

VALID = dt.timedelta(days=30)
"""Longer than any rehearsal lives."""

CLIENTS = {
    "admin": ("kubernetes-admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    # It plays the kubelets of all nodes and the controllers that are not there: more than any account of a cluster.
    "kwok": ("kade:kwok", "system:masters"),
    "player": ("kade:player", "system:masters"),
    "etcd-client": ("kube-apiserver-etcd-client", ""),
    "kubelet-client": ("kube-apiserver-kubelet-client", "system:masters"),
}
"""Who gets a client's certificate: file, common name, organisation."""


@dataclass(frozen=True)
class Authority:
    """A certificate authority in files."""

    certificate: Path
    key: Path

    def issue(
        self, target: Path, common_name: str, organisation: str = "", *, hosts: Sequence[str] = (), client: bool = True
    ) -> Pair:
        """Write a certificate and its key, beside each other; keep those that are there.

        Args:
            target: path without suffix.
            common_name: who it is.
            organisation: the group in Kubernetes' terms; none by default.
            hosts: names and addresses that a server answers to; with them it is a server's certificate.
            client: whether it may be used to enter elsewhere.

        """
        pair = Pair(target.with_suffix(".crt"), target.with_suffix(".key"))
        if pair.certificate.is_file() and pair.key.is_file():
            return pair
        issuer = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        signer = _load(self.key)
        key = ec.generate_private_key(ec.SECP256R1())
        uses = [ExtendedKeyUsageOID.SERVER_AUTH] if hosts else []
        uses += [ExtendedKeyUsageOID.CLIENT_AUTH] if client else []
        builder = _builder(_name(common_name, organisation), issuer.subject).public_key(key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in dict.fromkeys(hosts)])
            builder = builder.add_extension(names, critical=False)
        _write(pair.key, key)
        pair.certificate.write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return pair


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


def authority(folder: Path, name: str, common_name: str) -> Authority:
    """Make an authority, or return the one that is there."""
    made = Authority(folder / f"{name}.crt", folder / f"{name}.key")
    if made.certificate.is_file() and made.key.is_file():
        return made
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(common_name, "")
    builder = _builder(subject, subject).public_key(key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    _write(made.key, key)
    made.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return made


@dataclass(frozen=True)
class Pki:
    """All certificates and keys of a rehearsal, by file."""

    folder: Path

    @property
    def authority(self) -> Authority:
        """Who signs servers, people, nodes and controllers."""
        return Authority(self.folder / "ca.crt", self.folder / "ca.key")

    @property
    def front_proxy(self) -> Authority:
        """Who signs what may speak for others; apart, or everyone who has a certificate could."""
        return Authority(self.folder / "front-proxy-ca.crt", self.folder / "front-proxy-ca.key")

    @property
    def service_accounts(self) -> Path:
        """Key that signs the tokens of service accounts."""
        return self.folder / "service-accounts.key"

    def pair(self, name: str) -> Pair:
        """Return a certificate that `make` has made."""
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")


def make(folder: Path, hosts: Sequence[str], service_address: str) -> Pki:
    """Make what is missing.

    Args:
        folder: where.
        hosts: names of the organisation by which the back ends are reached.
        service_address: address of the service `kubernetes` inside the cluster.

    """
    pki = Pki(folder)
    own = authority(folder, "ca", "Kade rehearsal")
    kubernetes = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    own.issue(
        folder / "server", "kade-rehearsal", hosts=["127.0.0.1", "localhost", *hosts, *kubernetes, service_address]
    )
    for name, (common_name, organisation) in CLIENTS.items():
        own.issue(folder / name, common_name, organisation)
    front = authority(folder, "front-proxy-ca", "Kade rehearsal front proxy")
    front.issue(folder / "front-proxy", "front-proxy-client")
    if not pki.service_accounts.is_file():
        # RSA: not every verifier of such tokens takes another kind.
        _write(pki.service_accounts, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return pki


def _builder(subject: x509.Name, issuer: x509.Name) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # clocks of one machine differ too, between its containers
        .not_valid_after(now + VALID)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=authority, crl_sign=authority, key_encipherment=False,
        content_commitment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _name(common_name: str, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _load(path: Path) -> CertificateIssuerPrivateKeyTypes:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), f"{path} is no key that this module has made"
    return key


def _write(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    # Go programs and Talos read the traditional form of such a key, PKCS#1 or SEC 1, as well as PKCS#8.
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    write_secret(path, text.decode())
    assert os.stat(path).st_mode & 0o077 == 0
