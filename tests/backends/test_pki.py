"""Certificates: who signs, for whom, and who can read the keys."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rehearsal.backends import pki


def loaded(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.fixture
def made(tmp_path: Path) -> pki.Pki:
    return pki.make(tmp_path / "pki", ["10.20.0.10", "openbao.voorbeeld.example"], "10.96.0.1")


def signed_by(certificate: Path, authority: Path) -> None:
    loaded(certificate).verify_directly_issued_by(loaded(authority))


def test_the_server_answers_to_the_names_of_the_organisation_and_of_this_machine(made: pki.Pki) -> None:
    certificate = loaded(made.pair("server").certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert addresses == {"127.0.0.1", "10.20.0.10", "10.96.0.1"}
    hosts = set(names.get_values_for_type(x509.DNSName))
    assert {"localhost", "openbao.voorbeeld.example", "kubernetes.default.svc"} <= hosts
    assert ipaddress.ip_address("10.96.0.1") in names.get_values_for_type(x509.IPAddress)
    signed_by(made.pair("server").certificate, made.authority.certificate)


def test_an_administrator_is_one_and_a_server_is_none(made: pki.Pki) -> None:
    subject = loaded(made.pair("admin").certificate).subject
    assert [part.value for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["system:masters"]
    uses = loaded(made.pair("admin").certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not loaded(made.pair("server").certificate).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)


def test_who_may_speak_for_others_is_signed_by_another_authority(made: pki.Pki) -> None:
    signed_by(made.pair("front-proxy").certificate, made.front_proxy.certificate)
    with pytest.raises(ValueError, match="subject does not match"):
        signed_by(made.pair("front-proxy").certificate, made.authority.certificate)


def test_only_the_owner_reads_keys(made: pki.Pki) -> None:
    keys = sorted(made.folder.glob("*.key"))
    assert len(keys) == len(pki.CLIENTS) + 5  # server, front proxy, two authorities, service accounts
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


def test_what_is_there_stays(made: pki.Pki) -> None:
    before = {path.name: path.read_bytes() for path in made.folder.iterdir()}
    made.pair("scheduler").certificate.unlink()
    pki.make(made.folder, ["10.20.0.10", "openbao.voorbeeld.example"], "10.96.0.1")
    after = {path.name: path.read_bytes() for path in made.folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"scheduler.crt", "scheduler.key"}


def test_an_authority_signs_whoever_it_is_asked_for(made: pki.Pki, tmp_path: Path) -> None:
    pair = made.authority.issue(tmp_path / "node", "system:node:cp-1", "system:nodes")
    signed_by(pair.certificate, made.authority.certificate)
    assert loaded(pair.certificate).subject.rfc4514_string() == "CN=system:node:cp-1,O=system:nodes"
