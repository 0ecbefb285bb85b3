"""Who a provider is to the API server: the identity in its kubeconfig. The server is always the rehearsal's own."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

from rehearsal.plugins.server.errors import UnreachableError
from rehearsal.plugins.standin import StandInError

_EXEC_SECONDS = 30
_NEW = "Give the provider a kubeconfig of the cluster that is rehearsed."


@dataclass(frozen=True)
class Access:
    """An address and an identity. Never shown: it holds keys."""

    server: str
    """Address as the kubeconfig has it, the organisation's; for messages, and the name that the server must prove."""
    ca: str
    """Certificate authority, PEM."""
    certificate: str | None = field(default=None, repr=False)
    """Client certificate, PEM."""
    key: str | None = field(default=None, repr=False)
    """Key of the client certificate, PEM."""
    token: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Host that the server's certificate must be valid for."""
        return urlsplit(self.server).hostname or "127.0.0.1"


def access(kubeconfig: str, context: str | None = None) -> Access:
    """Read a kubeconfig, given as its text or as the path of a file.

    Raises:
        StandInError: nobody can work with it; the text names the fault, never a value.
        UnreachableError: its credential plugin gives nothing.

    """
    data = _parsed(kubeconfig)
    name = context or data.get("current-context")
    chosen = _named(data, "contexts", "context", name)
    cluster = _named(data, "clusters", "cluster", chosen.get("cluster"))
    user = _named(data, "users", "user", chosen.get("user"))
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith("https://"):
        msg = f"The kubeconfig's cluster has no https:// server. {_NEW}"
        raise StandInError(msg)
    ca = _pem(cluster, "certificate-authority")
    if ca is None:
        msg = f"The kubeconfig's cluster has no certificate-authority-data, so the server cannot prove itself. {_NEW}"
        raise StandInError(msg)
    certificate, key, token = _pem(user, "client-certificate"), _pem(user, "client-key"), _token(user)
    if token is None and (certificate is None or key is None) and isinstance(user.get("exec"), dict):
        certificate, key, token = _executed(cast("dict[str, Any]", user["exec"]))
    if token is None and (certificate is None or key is None):
        msg = f"The kubeconfig's user has neither a client certificate with its key nor a token. {_NEW}"
        raise StandInError(msg)
    return Access(server, ca, certificate, key, token)


def _parsed(kubeconfig: str) -> dict[str, Any]:
    text = kubeconfig
    if "\n" not in kubeconfig and not kubeconfig.lstrip().startswith("{"):
        try:
            text = Path(kubeconfig).expanduser().read_text(encoding="utf-8")
        except OSError as error:
            msg = f"The kubeconfig is neither one nor the path of a file that can be read ({error.strerror}). {_NEW}"
            raise StandInError(msg) from None
    try:
        data: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        data = None
    if not isinstance(data, dict):
        msg = f"The kubeconfig is not YAML or JSON with clusters, contexts and users. {_NEW}"
        raise StandInError(msg)
    return cast("dict[str, Any]", data)


def _named(data: dict[str, Any], group: str, key: str, name: Any) -> dict[str, Any]:
    items: Any = data.get(group)
    for item in cast("list[Any]", items) if isinstance(items, list) else []:
        if isinstance(item, dict):
            entry = cast("dict[str, Any]", item)
            if entry.get("name") == name and isinstance(entry.get(key), dict):
                return entry[key]
    msg = f"The kubeconfig has no {key} called {name!r} in `{group}`. {_NEW}"
    raise StandInError(msg)


def _pem(entry: dict[str, Any], key: str) -> str | None:
    """Return what stands under `<key>-data`, or in the file that `<key>` names."""
    data, path = entry.get(f"{key}-data"), entry.get(key)
    try:
        if isinstance(data, str):
            return base64.b64decode(data, validate=True).decode()
        if isinstance(path, str):
            return Path(path).read_text(encoding="utf-8")
    except (binascii.Error, UnicodeDecodeError):
        msg = f"The kubeconfig's {key}-data is not base64. {_NEW}"
        raise StandInError(msg) from None
    except OSError as error:
        msg = f"The kubeconfig's {key} names a file that cannot be read ({error.strerror}): {path}."
        raise StandInError(msg) from None
    return None


def _token(user: dict[str, Any]) -> str | None:
    token, path = user.get("token"), user.get("tokenFile")
    if isinstance(path, str):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            msg = f"The kubeconfig's tokenFile cannot be read ({error.strerror}): {path}."
            raise StandInError(msg) from None
    return token if isinstance(token, str) else None


def _executed(plugin: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Ask a credential plugin, as client-go does; its standard error may hold secrets, so it is not shown."""
    arguments: list[Any] = plugin.get("args") or []
    more: list[dict[str, Any]] = plugin.get("env") or []
    command = [str(plugin.get("command")), *map(str, arguments)]
    given = {str(entry["name"]): str(entry["value"]) for entry in more}
    info = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = os.environ | given | {"KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
            timeout=_EXEC_SECONDS,
        )  # fmt: skip
        status: dict[str, Any] = json.loads(done.stdout)["status"]
        return status.get("clientCertificateData"), status.get("clientKeyData"), status.get("token")
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        msg = (
            f"The kubeconfig's credential plugin {command[0]} gave no credential ({type(error).__name__}). "
            "Give the runner its identity, or run the plugin by hand to see why."
        )
        raise UnreachableError(msg) from None
