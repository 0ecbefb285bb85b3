"""Changes by hand are found and repaired; a destroyed environment leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rehearsal import inventory, run
from rehearsal.backends import api
from rehearsal.drills import keeping
from rehearsal.drills.clearing import destroy, first_error
from rehearsal.drills.outages import settle
from rehearsal.drills.outcome import Outcome
from rehearsal.rehearse import Rehearsal


def drift(place: Rehearsal) -> Outcome:
    """Change an object by hand and delete another; a refresh must find both, an `up` must repair both."""
    assert place.endpoints.kubernetes is not None
    stack = place.stacks[-1]
    client = api.connect(Path(place.endpoints.kubernetes.kubeconfig))
    before = inventory.take(place.endpoints)
    quota, limits = _first(place, stack, "ResourceQuota"), _first(place, stack, "LimitRange")
    wanted = api.mapping(client.get(quota), "spec", "hard")
    namespace, name = quota.split("/")[4], quota.rsplit("/", 1)[1]
    patch = json.dumps({"spec": {"hard": {"requests.cpu": "999"}}})
    _kubectl(place, "patch", "resourcequota", name, "--namespace", namespace, "--type=merge", "--patch", patch)
    _kubectl(place, "delete", "limitrange", limits.rsplit("/", 1)[1], "--namespace", namespace)
    found = run.run_pulumi(
        place.workspace, ["refresh", "--yes", "--stack", stack, "--non-interactive"], capture=True, pack=False
    )
    rounds = settle(place, stack)
    repaired = api.mapping(client.get(quota), "spec", "hard") == wanted
    difference = inventory.take(place.endpoints).against(before)
    noticed = " deleted" in found.output and " updated" in found.output  # the engine's own summary
    return Outcome(
        drill="drift", point=f"{stack}: a ResourceQuota raised and a LimitRange deleted by hand",
        converged=int(rounds > 0 and repaired and noticed), lost=len(difference.lost), doubled=len(difference.doubled),
        seen="; ".join(filter(None, (
            "the refresh found both" if noticed else f"the refresh found nothing: {first_error(found.output)}",
            "the quota is as declared again" if repaired else "the quota is still as changed by hand",
            str(difference),
        ))),
    )  # fmt: skip


def _kubectl(place: Rehearsal, *arguments: str) -> None:
    """Do something by hand, as an administrator."""
    assert place.endpoints.kubernetes is not None
    tool = Path(place.endpoints.tools) / "kubectl"
    subprocess.run(
        [str(tool), "--kubeconfig", place.endpoints.kubernetes.kubeconfig, *arguments], check=True, capture_output=True
    )


def _first(place: Rehearsal, stack: str, kind: str) -> str:
    """Return the path of the first core object of a kind that a stack has made."""
    for one in resources(place, stack):
        inputs: dict[str, Any] = one.get("inputs") or {}
        if inputs.get("kind") == kind:
            metadata = inputs["metadata"]
            return f"/api/v1/namespaces/{metadata['namespace']}/{kind.lower()}s/{metadata['name']}"
    msg = f"Stack {stack} has no {kind}."
    raise LookupError(msg)


def resources(place: Rehearsal, stack: str) -> Iterator[dict[str, Any]]:
    """Yield the resources in a stack's state; secrets stay encrypted."""
    done = run.run_pulumi(place.workspace, ["stack", "export", "--stack", stack], capture=True, pack=False)
    exported: dict[str, Any] = json.loads(done.output)
    deployment: dict[str, Any] = exported.get("deployment") or {}
    yield from deployment.get("resources") or ()


def destroyed(place: Rehearsal, empty: inventory.Inventory) -> Outcome:
    """Destroy every stack, last to first; nothing may be left but what production keeps, and all of that must be."""
    failed: list[str] = []
    promised: list[str] = []
    for stack in reversed(place.stacks):
        promised += keeping.retained(resources(place, stack))
        done = destroy(place.workspace, stack)
        if done.code:
            failed.append(f"{stack}: {first_error(done.output)}")
    now = _settled(place)
    found = now.against(empty)
    kept = keeping.kept(place, promised, found.doubled, now.things)
    left = inventory.Difference(
        (*found.lost, *kept.missing), tuple(thing for thing in found.doubled if thing not in kept.reasons)
    )
    said = f"kept on purpose: {kept}" if kept.reasons else "nothing is left"
    return Outcome(
        drill="destroy", point="every stack, last to first", converged=int(not failed), lost=len(left.lost),
        doubled=len(left.doubled), seen="; ".join(filter(None, (*failed, said, str(left)))),
    )  # fmt: skip


def _settled(place: Rehearsal, seconds: float = 60.0) -> inventory.Inventory:
    """Return what is there once nothing goes any more: finalizers and namespaces take their time."""
    end = time.monotonic() + seconds
    before = inventory.take(place.endpoints)
    while True:
        time.sleep(2)
        now = inventory.take(place.endpoints)
        if now == before or time.monotonic() > end:
            return now
        before = now
