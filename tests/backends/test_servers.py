"""What the servers are told, and what must not stand where others can read it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
import yaml

from rehearsal.backends import build, database, directory
from rehearsal.backends.assemble import PARTS, Assembly, assemble
from rehearsal.backends.database import Database
from rehearsal.backends.directory import Directory
from rehearsal.backends.kubernetes import VERSION
from rehearsal.backends.layout import Layout
from rehearsal.backends.process import Account
from rehearsal.backends.site import Site
from rehearsal.backends.tools import Tools, load
from rehearsal.toolchain.progress import Progress, ToolchainError


@pytest.fixture
def assembly(layout: Layout, site: Site) -> Assembly:
    return assemble(layout, site, Tools(schema="/schema", modules="/modules", postgres="/bin"))


def test_all_parts_are_there_and_each_has_a_port_of_its_own(assembly: Assembly) -> None:
    names = [server.name for server in assembly.servers]
    assert names == [
        "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "openbao", "slapd", "vcenter",
        "postgres", "object-store", "player",
    ]  # fmt: skip
    assert len(set(assembly.ground.ports.values())) == len(assembly.ground.ports)
    ends = assembly.endpoints
    assert None not in (ends.kubernetes, ends.vault, ends.vcenter, ends.directory, ends.postgres, ends.object_store)


def test_nothing_listens_outside_this_machine(assembly: Assembly) -> None:
    for server in assembly.servers:
        text = " ".join(server.command)
        assert "0.0.0.0" not in text
        assert server.address == "" or server.address.removeprefix("https://").startswith("127.0.0.1:")


def test_no_secret_stands_on_a_command_line(assembly: Assembly, layout: Layout) -> None:
    assert assembly.directory is not None
    list(assembly.directory._entries())
    secrets = {path.read_text().strip() for path in layout.secrets.rglob("*") if path.is_file()}
    assert len(secrets) >= 4  # three people, the vCenter
    shown = " ".join(part for server in assembly.servers for part in server.command)
    assert not [secret for secret in secrets if secret in shown]
    environments = " ".join(f"{value}" for server in assembly.servers for value in server.environment.values())
    assert not [secret for secret in secrets if secret in environments]


def test_the_addresses_of_tokens_are_the_organisations(assembly: Assembly, site: Site) -> None:
    flags = next(server.command for server in assembly.servers if server.name == "kube-apiserver")
    assert f"--service-account-issuer={site.api_endpoint}" in flags
    assert f"--service-account-jwks-uri={site.api_endpoint}/openid/v1/jwks" in flags


def test_a_part_that_is_left_out_costs_nothing(layout: Layout, site: Site) -> None:
    only = assemble(layout, site, Tools(), ("openbao",))
    assert [server.name for server in only.servers] == ["openbao"]
    assert set(only.ground.ports) == {"switchboard", "openbao"}
    assert only.endpoints.kubernetes is None


def test_the_directory_knows_people_and_groups_and_keeps_no_password(assembly: Assembly, layout: Layout) -> None:
    assert isinstance(assembly.directory, Directory)
    entries = {re.search("dn: (.*)", text)[1]: text for text in assembly.directory._entries()}  # pyright: ignore[reportOptionalSubscript]
    jip = entries[f"uid=jip,{directory.PEOPLE}"]
    assert f"memberOf: cn=beheer,{directory.GROUPS}\nmemberOf: cn=web,{directory.GROUPS}" in jip
    assert f"member: uid=janneke,{directory.PEOPLE}\nmember: uid=jip" in entries[f"cn=web,{directory.GROUPS}"]
    assert "memberOf" not in entries[f"uid=outsider,{directory.PEOPLE}"]
    password = (layout.secrets / "people" / "jip").read_text()
    assert password not in "".join(entries.values())
    kept = re.search(r"userPassword: \{SSHA\}(.*)", jip)
    assert kept is not None
    raw = base64.b64decode(kept[1])
    assert hashlib.sha1(password.encode() + raw[20:]).digest() == raw[:20]
    assert "".join(assembly.directory._entries()).count(password) == 0


def test_an_account_that_cannot_reach_the_folder_gets_one_elsewhere(tmp_path: Path) -> None:
    closed, opened = tmp_path / "closed" / "data", tmp_path / "opened"
    closed.mkdir(parents=True)
    opened.mkdir()
    nobody = Account(user=65534, group=65534)
    (tmp_path / "closed").chmod(0o700)
    assert not database._reaches(nobody, closed)
    assert not database._reaches(nobody, tmp_path / "closed")
    assert database._reaches(nobody, Path("/usr/bin"))


def test_data_without_its_password_is_of_an_earlier_rehearsal_and_is_begun_anew(
    assembly: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(one: Database, name: str, *_: str) -> None:
        assert name == "initdb"
        (one.home / "data").mkdir()
        (one.home / "data" / "PG_VERSION").write_text("new")

    monkeypatch.setattr(Database, "_run", run)
    one = Database(assembly.ground, tmp_path, tmp_path / "home", None)
    version = one.home / "data" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("left behind")
    one.server().before()
    assert version.read_text() == "new"
    version.write_text("in use")
    one.server().before()
    assert version.read_text() == "in use"


def test_versions_are_the_ones_of_the_modules() -> None:
    module = (build.MODULES / "go.mod").read_text()
    assert f"k8s.io/kubernetes v{VERSION}\n" in module
    assert f"gitVersion=v{VERSION}" in build.LINK
    assert f"helm.sh/helm/v3 v{build.HELM}\n" in module
    # 33 staging repositories move with it: one that is forgotten would build from another version.
    replaced = re.findall(r"k8s\.io/\S+ => k8s\.io/\S+ v(\S+)", module)
    assert len(replaced) == 33
    assert set(replaced) == {f"0.{VERSION.split('.', 1)[1]}"}


def test_no_registry_is_named_in_what_pins_the_programs() -> None:
    for path in (*build.MODULES.rglob("go.mod"), build.OPENBAO):
        assert not re.search(r"https?://", path.read_text())
    assert build.OPENBAO.read_text().count("--hash=sha256:") == 6


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has nothing: no Go, no apt, no PostgreSQL, an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "_system_path", lambda: str(tmp_path))
    monkeypatch.setattr(build, "_server_folder", lambda: None)
    return tmp_path


def test_everything_that_is_missing_is_said_at_once(bare: Path) -> None:
    with pytest.raises(ToolchainError) as caught:
        build.prepare(Progress(), ("kubernetes", "directory", "database"))
    text = str(caught.value)
    assert "There is no Go compiler on PATH to build Kubernetes" in text
    assert "Install Go 1.26.1 or newer" in text
    assert "OpenLDAP's slapd, slapadd" in text
    assert "PostgreSQL's server cannot be found" in text


def test_without_a_compiler_nothing_is_fetched(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr(build.debian, "available", lambda: True)
    for name in ("_openbao", "_ldap", "_postgres"):
        monkeypatch.setattr(build, name, lambda *_, name=name: fetched.append(name))
    with pytest.raises(ToolchainError, match="There is no Go compiler on PATH to build the simulated vCenter"):
        build.prepare(Progress(), ("vcenter", "openbao", "directory", "database"))
    assert fetched == []


def test_where_nothing_must_be_built_no_compiler_is_asked_for(bare: Path) -> None:
    for name in ("vctools", "s3d"):
        build._folder(name).mkdir(parents=True)
    found = build.prepare(Progress(), ("vcenter", "object-store"))
    assert set(found.programs) == {"vcsim", "govc", "s3d"}


def test_debian_that_cannot_be_reached_is_named_with_what_it_said(bare: Path) -> None:
    for name in ("apt-get", "dpkg"):
        (bare / name).write_text("#!/bin/sh\necho 'Could not resolve deb.example' >&2; exit 100\n")
        (bare / name).chmod(0o755)
    with pytest.raises(
        ToolchainError, match=r"slapd and ldap-utils cannot be fetched(?s:.*)Could not resolve(?s:.*)sudo"
    ):
        build.prepare(Progress(), ("directory",))
    assert not [path for path in (bare / "cache" / "kade" / "debian").iterdir() if path.is_dir()]


def test_programs_go_by_their_own_names_in_a_rehearsal(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "kade-backends").write_text("")
    tools = Tools(programs={"kubectl": str(tmp_path / "kade-backends")}, stages=str(tmp_path))
    (layout.folder / "tools").mkdir()
    (layout.tools / "old").symlink_to(tmp_path)
    tools.link(layout)
    assert sorted(path.name for path in layout.tools.iterdir()) == ["kubectl", "kwok-stages"]
    assert (layout.tools / "kubectl").resolve() == tmp_path / "kade-backends"
    assert load(layout) == tools


def test_the_configuration_of_the_api_server_opens_nothing_but_health_and_keys() -> None:
    from rehearsal.backends.kubernetes import AUDIT, AUTHENTICATION

    open_to_all = {condition["path"] for condition in AUTHENTICATION["anonymous"]["conditions"]}
    assert open_to_all == {
        "/.well-known/openid-configuration", "/openid/v1/jwks", "/livez", "/readyz", "/healthz",
    }  # fmt: skip
    assert {rule["level"] for rule in yaml.safe_load(yaml.safe_dump(AUDIT))["rules"]} == {"None", "Metadata"}
    assert set(PARTS) >= {"kubernetes", "openbao", "vcenter"}


def test_pod_security_is_that_of_the_machines() -> None:
    from components.cluster import patches
    from rehearsal.backends.kubernetes import POD_SECURITY

    assert POD_SECURITY["defaults"] == patches.POD_SECURITY["defaults"]
    assert POD_SECURITY["exemptions"]["usernames"] == patches.POD_SECURITY["exemptions"]["usernames"]
