"""A real LDAP directory with made-up people, each in the groups that the organisation's files give rights to."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rehearsal.backends import endpoints
from rehearsal.backends.ground import Ground
from rehearsal.backends.layout import write_secret
from rehearsal.backends.ports import ADDRESS
from rehearsal.backends.process import Server, ServerError

NAME = "slapd"
BASE = "dc=rehearsal,dc=example"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
MANAGER = f"cn=manager,{BASE}"
UNNAMED = f"cn=nobody,{BASE}"
"""Member of a group that has none: the schema wants one."""

_CONFIG = """\
{schemas}
modulepath {modules}
moduleload back_mdb
moduleload memberof
pidfile {data}/slapd.pid
argsfile {data}/slapd.args
loglevel stats
require authc
database mdb
suffix "{base}"
rootdn "{manager}"
rootpw {password}
directory {data}/db
maxsize 67108864
index objectClass,uid,cn,member eq
overlay memberof
memberof-refint TRUE
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by anonymous auth
"""
_SCHEMAS = ("core", "cosine", "inetorgperson")


@dataclass(frozen=True)
class Directory:
    """The server; who is in it is decided by the site."""

    ground: Ground
    schema: Path
    """Folder of the schemas that OpenLDAP comes with."""
    modules: Path
    """Folder of its modules."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"ldap://{self.ground.address(NAME)}"

    @property
    def _password(self) -> Path:
        return self.ground.layout.secret("directory-manager-password")

    @property
    def passwords(self) -> Path:
        """Folder with a file for each person: its password."""
        return self.ground.layout.secrets / "people"

    def server(self) -> Server:
        """Return what to start."""
        ground, config = self.ground, self.ground.layout.folder / "slapd.conf"
        return Server(
            name=NAME,
            address=ground.address(NAME),
            # Without a number of its own it would leave for the background, and nobody would watch it.
            command=(ground.tool(NAME), "-f", str(config), "-h", self.url, "-d", "stats"),
            before=lambda: self.seed(config),
            ready=lambda: _answers(ground.ports[NAME]),
        )

    def endpoint(self) -> endpoints.Directory:
        """Return how it is reached."""
        return endpoints.Directory(
            url=self.url,
            base=BASE,
            manager=MANAGER,
            password=str(self._password),
            people=str(self.passwords),
        )

    def seed(self, config: Path) -> None:
        """Write the configuration and everybody of the site; nothing happens to a directory that is there.

        Raises:
            ServerError: the entries are not taken.

        """
        data = self.ground.layout.data(NAME)
        if (data / "whole").exists():
            return
        shutil.rmtree(data, ignore_errors=True)
        (data / "db").mkdir(mode=0o700, parents=True)
        manager = _kept(self._password)
        schemas = "\n".join(f"include {self.schema / name}.schema" for name in _SCHEMAS)
        write_secret(
            config,
            _CONFIG.format(
                schemas=schemas, modules=self.modules, data=data, base=BASE, manager=MANAGER, password=_hashed(manager)
            ),
        )
        done = subprocess.run(
            [self.ground.tool("slapadd"), "-q", "-f", str(config)],
            input="\n\n".join(self._entries()) + "\n", capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"The directory does not take its entries: {done.stderr.strip()[-2000:]}"
            raise ServerError(msg)
        (data / "whole").touch()

    def _entries(self) -> Iterator[str]:
        people = self.ground.site.people
        yield f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Kade rehearsal\ndc: rehearsal"
        for name in ("people", "groups"):
            yield f"dn: ou={name},{BASE}\nobjectClass: organizationalUnit\nou: {name}"
        for person in sorted(people):
            yield (
                f"dn: uid={person},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {person}\ncn: {person}\nsn: {person}\n"
                f"mail: {person}@rehearsal.example\nuserPassword: {_hashed(_kept(self.passwords / person))}"
                + "".join(f"\nmemberOf: cn={group},{GROUPS}" for group in sorted(set(people[person])))
            )
        for group in sorted({group for groups in people.values() for group in groups}):
            members = [f"uid={person},{PEOPLE}" for person, groups in sorted(people.items()) if group in groups]
            lines = "".join(f"\nmember: {member}" for member in members or [UNNAMED])
            yield f"dn: cn={group},{GROUPS}\nobjectClass: groupOfNames\ncn: {group}{lines}"


def _kept(path: Path) -> str:
    """Return a password that was made before, or make one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(path, secrets.token_urlsafe(18))
    return path.read_text(encoding="utf-8")


def _hashed(password: str) -> str:
    """Return what OpenLDAP keeps of a password; it has no stronger kind that needs no further module."""
    salt = os.urandom(8)
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=True).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def _answers(port: int) -> bool:
    """Ask for nothing in the name of nobody: an anonymous bind, as bytes."""
    with socket.create_connection((ADDRESS, port), timeout=2) as asking:
        asking.sendall(bytes.fromhex("300c020101600702010304008000"))
        return asking.recv(1) == b"\x30"
