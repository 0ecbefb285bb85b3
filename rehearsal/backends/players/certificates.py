"""Certificates, played with real keys: the cluster's own authorities sign as they would.

A certificate of an authority outside cannot be had in a rehearsal: it is signed by itself, and says so.
"""

from __future__ import annotations

import base64
import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from rehearsal.backends.api import Object, dig, items
from rehearsal.backends.players.world import PLAYED, PLAYED_BY, World, condition, going, seconds, set_condition

API = "cert-manager.io/v1"
CERTIFICATE = (API, "Certificate")
ISSUER = (API, "Issuer")
CLUSTER_ISSUER = (API, "ClusterIssuer")
SECRET = ("v1", "Secret")

MANAGER = "cert-manager-certificates-issuing"
"""Field manager of the Secrets, as the real controller names itself."""
CLUSTER_NAMESPACE = "cert-manager"
"""Where authorities of cluster issuers keep their Secrets."""
_LIFE = 90 * 24 * 3600.0
"""Life of a certificate that names none, as cert-manager's default."""
_AGAIN = 2.0

_Signer = tuple[x509.Name, CertificateIssuerPrivateKeyTypes, bytes]
"""Name and key of who signs, and its certificate."""


class Certificates:
    """Signs what each certificate asks for, once, and keeps it in its Secret."""

    name = "certificates"
    kinds = (CERTIFICATE,)
    looks_at = (ISSUER, CLUSTER_ISSUER, SECRET)

    def play(self, world: World, thing: Object) -> float | None:
        """Sign, and say until when it is valid."""
        if going(thing):
            return None
        generation = thing["metadata"].get("generation", 1)
        namespace, secret = thing["metadata"]["namespace"], str(dig(thing, "spec", "secretName"))
        ready = condition(thing, "Ready")
        done = ready.get("status") == "True" and ready.get("observedGeneration") == generation
        if done and world.get(SECRET, namespace, secret) is not None:
            return None
        issuer = _issuer(world, thing)
        signer = _signer(world, thing, issuer)
        base = {"type": "Ready", "observedGeneration": generation}
        if issuer is None or (signer is None and dig(issuer, "spec", "ca")):
            why = "the issuer is not there" if issuer is None else "the issuer's authority is not there yet"
            set_condition(
                world, thing, {**base, "status": "False", "reason": "Issuing", "message": f"{why} ({PLAYED})"}
            )
            return _AGAIN
        until = _issue(world, thing, secret, signer)
        text = "Certificate is up to date and has not expired"
        if dig(issuer, "spec", "acme"):
            text = "signed by itself: no ACME server was asked"
        valid = {"notBefore": _moment(dt.datetime.now(dt.UTC)), "notAfter": _moment(until), "revision": 1}
        works = {"status": "True", "reason": "Ready", "message": f"{text} ({PLAYED})"}
        set_condition(world, thing, {**base, **works}, valid)
        return None


def _issuer(world: World, certificate: Object) -> Object | None:
    reference = dig(certificate, "spec", "issuerRef")
    kind = str(dig(reference, "kind") or "Issuer")
    namespace = "" if kind == "ClusterIssuer" else certificate["metadata"]["namespace"]
    found = world.get((API, kind), namespace, str(dig(reference, "name")))
    return found if found is not None and condition(found, "Ready").get("status") == "True" else None


def _signer(world: World, certificate: Object, issuer: Object | None) -> _Signer | None:
    """Return the authority of an issuer; `None` for one that signs by itself, or whose Secret is not there."""
    name = dig(issuer, "spec", "ca", "secretName")
    if name is None or issuer is None:
        return None
    namespace = CLUSTER_NAMESPACE if issuer["kind"] == "ClusterIssuer" else certificate["metadata"]["namespace"]
    secret = world.get(SECRET, namespace, str(name))
    if secret is None:
        return None
    pem = base64.b64decode(str(dig(secret, "data", "tls.crt")))
    key = load_pem_private_key(base64.b64decode(str(dig(secret, "data", "tls.key"))), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        return None
    return x509.load_pem_x509_certificate(pem).subject, key, pem


def _issue(world: World, certificate: Object, secret: str, signer: _Signer | None) -> dt.datetime:
    """Make key and certificate, and write them into the Secret; return until when it is valid."""
    key = _key(certificate)
    name = str(dig(certificate, "spec", "commonName") or certificate["metadata"]["name"])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    authority = bool(dig(certificate, "spec", "isCA"))
    now = dt.datetime.now(dt.UTC)
    until = now + dt.timedelta(seconds=seconds(dig(certificate, "spec", "duration"), _LIFE))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[0] if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    hosts = [x509.DNSName(str(host)) for host in items(certificate, "spec", "dnsNames")]
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    own = builder.sign(signer[1] if signer else key, hashes.SHA256()).public_bytes(Encoding.PEM)
    content = {
        "tls.crt": own,
        "tls.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "ca.crt": signer[2] if signer else own,
    }
    namespace = certificate["metadata"]["namespace"]
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": secret,
            "namespace": namespace,
            "labels": {"controller.cert-manager.io/fao": "true"},
            "annotations": {"cert-manager.io/certificate-name": certificate["metadata"]["name"], **PLAYED_BY},
        },
        "data": {part: base64.b64encode(text).decode() for part, text in content.items()},
    }
    world.client.apply(f"/api/v1/namespaces/{namespace}/secrets/{secret}", body, MANAGER)
    return until


def _key(certificate: Object) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    """Make a key as the certificate asks; RSA of 2048 bits where it does not, as cert-manager's default."""
    size = int(dig(certificate, "spec", "privateKey", "size") or 0)
    if dig(certificate, "spec", "privateKey", "algorithm") == "ECDSA":
        return ec.generate_private_key(ec.SECP384R1() if size == 384 else ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=size or 2048)


def _moment(when: dt.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
