"""What every server of a rehearsal is made from: its folders, the site, certificates, programs and ports."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from rehearsal.backends.layout import Layout
from rehearsal.backends.pki import Pki
from rehearsal.backends.ports import ADDRESS
from rehearsal.backends.site import Site


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a server's module gets."""

    layout: Layout
    site: Site
    pki: Pki
    ports: Mapping[str, int]
    """Port by server; `kube-apiserver`, `openbao` and so on."""

    def tool(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.layout.tools / name)

    def address(self, name: str) -> str:
        """Return host and port of a server."""
        return f"{ADDRESS}:{self.ports[name]}"

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """Trusts the rehearsal's authority alone, and shows the administrator's certificate where one is asked for."""
        context = ssl.create_default_context(cafile=str(self.pki.authority.certificate))
        admin = self.pki.pair("admin")
        context.load_cert_chain(admin.certificate, admin.key)
        return context

    def answers(self, url: str) -> bool:
        """Say whether a page answers with success."""
        try:
            self.fetch(url)
        except urllib.error.HTTPError:
            return False
        return True

    def fetch(self, request: str | urllib.request.Request, timeout: float = 5) -> bytes:
        """Ask a back end for something; never by a proxy.

        Raises:
            OSError: it does not answer, or with an error.

        """
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.trust))
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as answer:
            text: bytes = answer.read()
        return text


def hosts(site: Site) -> list[str]:
    """Return the names of the organisation by which the back ends are reached."""
    found = [urlsplit(site.api_endpoint).hostname or "", site.vcenter_server.split(":")[0]]
    if site.vault_address:
        found.append(urlsplit(site.vault_address).hostname or "")
    return [host for host in found if host]


def files(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder in order; none where there is no such folder."""
    return sorted(folder.glob(pattern)) if folder.is_dir() else []
