"""A shell in a rehearsal, where everybody's own clients work on its back ends."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from rehearsal import workspace as workspaces
from rehearsal.backends import endpoints, site
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.layout import Layout
from rehearsal.shell import run_shell

_WELCOME = """\
Rehearsal of Kade: the back ends run on this machine only, and nothing real is made.
{pack}
  kubectl get nodes                              as an administrator
  bao secrets list                               as root
  govc find / -type m                            the simulated vCenter
  ldapsearch -x -y "$LDAP_PASSWORD_FILE" uid=*   the directory's people
  pulumi stack ls                                the state, and `pulumi preview --stack production-services`
  exit                                           back to your own shell
Results lie in {out}.
"""


def run(folder: Path, command: str | None) -> int:
    """Run a command or a shell in a rehearsal that runs; return its exit code.

    Raises:
        RehearsalError: there is no workspace in it.

    """
    ends = endpoints.load(folder)
    assert ends is not None, "a rehearsal that runs has its endpoints"
    workspace = workspaces.load_workspace(folder)
    extra = variables(ends, site.load(Layout(folder).site).datacenter)
    path = f"{ends.tools}:{workspace.environment()['PATH']}"
    return run_shell(workspace, command, {**extra, "PATH": path}, _WELCOME)


def variables(ends: Endpoints, datacenter: str) -> dict[str, str]:
    """Return the variables by which the usual clients find each back end and log in."""
    found: dict[str, str] = {}
    if ends.kubernetes:
        found["KUBECONFIG"] = ends.kubernetes.kubeconfig
    if ends.vault:
        token = _text(ends.vault.token)
        for prefix in ("BAO", "VAULT"):
            found |= {f"{prefix}_ADDR": ends.vault.address, f"{prefix}_TOKEN": token, f"{prefix}_CACERT": ends.vault.ca}
    if ends.vcenter:
        found |= {
            "GOVC_URL": f"https://{ends.vcenter.server}/sdk",
            "GOVC_USERNAME": ends.vcenter.user,
            "GOVC_PASSWORD": _text(ends.vcenter.password),
            "GOVC_TLS_CA_CERTS": ends.vcenter.ca,
            "GOVC_DATACENTER": datacenter,
            "GOVC_PERSIST_SESSION": "false",  # it would keep a session in the home of whoever runs it
        }
    if ends.directory:
        found |= {
            "LDAPURI": ends.directory.url,
            "LDAPBASE": ends.directory.base,
            "LDAPBINDDN": ends.directory.manager,
            "LDAP_PASSWORD_FILE": ends.directory.password,
        }
    if ends.postgres:
        url = urlsplit(ends.postgres.url)
        found |= {
            **ends.postgres.variables(),
            "PGHOST": url.hostname or "",
            "PGPORT": str(url.port),
            "PGUSER": url.username or "",
            "PGDATABASE": url.path.strip("/"),
        }
    if ends.object_store:
        found |= ends.object_store.variables()
    return found


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").strip()
