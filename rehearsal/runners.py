"""Who runs each stack: identities made at run time, so that every layer has its own and no other."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from rehearsal.backends.endpoints import Endpoints, Kubernetes
from rehearsal.backends.layout import write_secret
from rehearsal.joining import RUNNERS, Joint
from rehearsal.plugins.talos_certificates import client as client_certificate
from rehearsal.workspace import Workspace
from stacks import runner as identity
from stacks.loading import organisation
from stacks.names import Target, parse_stack

VALID = dt.timedelta(days=2)
"""How long a runner's certificate is valid: longer than any rehearsal lives."""
GROUPS = {"services": RUNNERS["services"][0], "team": RUNNERS["teams"][0]}
"""Group of the runner of each layer that has its own identity at the API server."""


def credentials(workspace: Workspace, endpoints: Endpoints, joint: Joint | None, stack: str, token: str | None) -> None:
    """Lay down what the runner of a stack is given, in files that its owner alone can read.

    Args:
        workspace: the rehearsal's place.
        endpoints: its back ends.
        joint: joins the layers by files; `None` where one program holds them all.
        stack: the stack.
        token: its runner's login to OpenBao; `None` where it has none.

    """
    target = parse_stack(stack, organisation())
    given: dict[str, str] = {}
    if joint is not None:
        own = target.layer in GROUPS and endpoints.kubernetes is not None
        given |= joint.environment(_identity(workspace, endpoints.kubernetes, stack, target) if own else None)
    if token is not None:
        given["VAULT_TOKEN"] = token
    write_secret(workspace.credentials(stack), json.dumps(given))


def _identity(workspace: Workspace, kubernetes: Kubernetes | None, stack: str, target: Target) -> dict[str, str]:
    """Return the variables of a client certificate of the stack's own, in the group of its layer."""
    assert kubernetes is not None
    folder = workspace.folder / "credentials"
    certificate, key = folder / f"{stack}.crt", folder / f"{stack}.key"
    if not certificate.exists():
        ca, ca_key = Path(kubernetes.ca), Path(kubernetes.ca_key)
        pair = client_certificate(ca, ca_key, f"runner-{stack}", GROUPS[target.layer], VALID)
        write_secret(key, pair[1].decode())
        write_secret(certificate, pair[0].decode())
    return {identity.CERTIFICATE: str(certificate), identity.KEY: str(key)}
