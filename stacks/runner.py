"""Who the runner is at the API server, where no administrator's kubeconfig is handed over.

The kubeconfig names address, authority and a short program. The program reads the runner's identity from the
environment at the moment of use, so the same text stands in the state whoever runs the stack and on whatever machine:
no credential, no path, and nothing that changes from run to run.
"""

from __future__ import annotations

import os
from pathlib import Path

from inputs.faults import Fault, FaultsError
from inputs.yaml import dump

TOKEN = "KADE_KUBERNETES_TOKEN_FILE"
"""Names the file of a token, as CI systems and Kubernetes itself write one for a job."""
CERTIFICATE = "KADE_KUBERNETES_CERTIFICATE_FILE"
"""Names the file of a client certificate, PEM."""
KEY = "KADE_KUBERNETES_KEY_FILE"
"""Names the file of its key, PEM."""
COMMAND = "KADE_KUBERNETES_COMMAND"
"""A command that prints an ExecCredential, as `kubectl` knows them: for identities that must be fetched."""

WAYS = f"{TOKEN}, {CERTIFICATE} with {KEY}, or {COMMAND}"

SCRIPT = f"""\
set -eu
lines() {{ awk '{{printf "%s\\\\n", $0}}' "$1"; }}
if [ -n "${{{COMMAND}:-}}" ]; then exec sh -c "${COMMAND}"; fi
if [ -n "${{{TOKEN}:-}}" ]; then
  token=$(tr -d '\\r\\n' < "${TOKEN}")
  status="\\"token\\":\\"$token\\""
elif [ -n "${{{CERTIFICATE}:-}}" ]; then
  certificate=$(lines "${CERTIFICATE}")
  key=$(lines "${KEY}")
  status="\\"clientCertificateData\\":\\"$certificate\\",\\"clientKeyData\\":\\"$key\\""
else
  echo "this runner has no identity at the API server: set {WAYS}" >&2
  exit 1
fi
head='"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"'
printf '{{%s,"status":{{%s}}}}\\n' "$head" "$status"
"""
"""Prints the identity as an ExecCredential. For any POSIX shell; nothing of it passes a command line."""


def kubeconfig(cluster: str, endpoint: str, ca: str) -> str:
    """Return a kubeconfig by which whoever uses it brings an identity of their own."""
    user = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", SCRIPT],
        "interactiveMode": "Never",
        "provideClusterInfo": False,
    }
    return dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": {"server": endpoint, "certificate-authority-data": ca}}],
            "users": [{"name": "runner", "user": {"exec": user}}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": "runner"}}],
            "current-context": cluster,
        }
    )


def identity_faults(stack: str) -> list[Fault]:
    """Return what is wrong with the runner's identity; nothing where it has one."""

    def fault(key: str, what: str, remedy: str) -> Fault:
        return Fault(f"stack {stack}", 0, key, what, remedy)

    given = {name: value for name in (TOKEN, CERTIFICATE, KEY, COMMAND) if (value := os.environ.get(name))}
    ways = {CERTIFICATE if name == KEY else name for name in given}
    if not ways:
        what = "the runner has no identity at the API server, and with a hand-over it brings its own"
        return [fault(TOKEN, what, f"Set {WAYS}.")]
    if len(ways) > 1:
        what = f"the runner has several identities: {', '.join(sorted(given))}"
        return [fault(min(ways), what, "Leave one of them set.")]
    if ways == {CERTIFICATE} and len(given) == 1:
        missing = KEY if CERTIFICATE in given else CERTIFICATE
        return [fault(missing, f"{next(iter(given))} is set without it", f"Set {missing} too.")]
    return [
        fault(name, f"the file {value} cannot be read, or is empty", "Name the file that holds it.")
        for name, value in given.items()
        if name != COMMAND and not _readable(Path(value))
    ]


def require_identity(stack: str) -> None:
    """Refuse a run without an identity.

    Raises:
        FaultsError: everything that is wrong with it.

    """
    if faults := identity_faults(stack):
        raise FaultsError(faults)


def _readable(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(file.read(1))
    except OSError:
        return False
