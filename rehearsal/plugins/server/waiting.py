"""Wait until an object is ready, or gone, and say what was seen last where that takes too long."""

from __future__ import annotations

import time
from typing import Any, cast
from urllib.parse import quote

from rehearsal.plugins.server.client import Client, Object
from rehearsal.plugins.server.conditions import WAIT_FOR, WaitForError, parse
from rehearsal.plugins.server.errors import ApiError, CancelledError, UnreachableError
from rehearsal.plugins.server.readiness import READY, State, seconds, state
from rehearsal.plugins.standin import Resource
from rehearsal.plugins.values import Props, at, plain

SKIP = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"
DELETION_SECONDS = 300.0
_FIRST = 0.1
_LONGEST = 1.0
"""Seconds between two looks: soon at first, then once a second."""


class NotReadyError(Exception):
    """It took too long, or will never happen. The text says what was seen last."""

    def __init__(self, why: str, live: Object) -> None:
        """Keep the object as it was seen last."""
        super().__init__(why)
        self.live = live


def annotation(inputs: Props, name: str) -> str | None:
    """Return an annotation of the program's."""
    value = plain(at(inputs, ("metadata", "annotations", name)))
    return None if value is None else str(value)


def skipped(inputs: Props) -> bool:
    """Say whether the program does not want to wait."""
    return (annotation(inputs, SKIP) or "").lower() == "true"


def allowed(resource: Resource, inputs: Props, otherwise: float) -> float:
    """Return how many seconds may pass: the resource's custom time-out, its annotation, or what is usual."""
    if resource.timeout:
        return resource.timeout
    given = annotation(inputs, TIMEOUT) or ""
    return float(given) if given.isdecimal() else otherwise


def until_ready(client: Client, path: str, live: Object, resource: Resource, inputs: Props) -> Object:
    """Return the object as it is when it is ready.

    Raises:
        NotReadyError: it fails, is deleted meanwhile, or the time is over; or the engine was asked to stop.

    """
    if skipped(inputs):
        return live
    limit = allowed(resource, inputs, seconds(live))
    end = time.monotonic() + limit
    pause = _FIRST
    while True:
        try:
            found = _assess(live, inputs, client)
            if found is READY or found.kind == "ready":
                return live
            if found.kind == "failed":
                raise NotReadyError(_with_events(client, live, f"it failed: {found.why}"), live)
            if time.monotonic() >= end:
                why = f"it was not ready within {limit:g} s: {found.why}"
                raise NotReadyError(_with_events(client, live, why), live)
            client.pause(pause)
            pause = min(pause * 1.5, _LONGEST)
            live = client.get(path)
        except ApiError as error:
            why = "it was deleted while it was waited for" if error.code == 404 else f"the API server says {error.code}"
            raise NotReadyError(why, live) from None
        except UnreachableError as error:
            raise NotReadyError(str(error), live) from None
        except CancelledError:
            why = "waiting for it was interrupted; the next run goes on with it"
            raise NotReadyError(why, live) from None


def _assess(live: Object, inputs: Props, client: Client) -> State:
    wanted = annotation(inputs, WAIT_FOR)
    if wanted is None:
        return state(live, client.find)
    try:
        missing = [str(condition) for condition in parse(wanted) if not condition.holds(live)]
    except WaitForError as error:
        return State("failed", str(error))
    return State("waiting", f"no {' and no '.join(missing)}{_seen(live)}") if missing else READY


def _seen(live: Object) -> str:
    """Return the conditions that a custom resource has, for a message."""
    status: Any = live.get("status") or {}
    found: Any = cast("Object", status).get("conditions") if isinstance(status, dict) else None
    items = cast("list[Object]", found) if isinstance(found, list) else []
    told = [f"{c.get('type')}={c.get('status')} {c.get('message') or c.get('reason') or ''}".strip() for c in items]
    return f" ({'; '.join(told)})" if told else " (its status is empty)" if not status else ""


def _with_events(client: Client, live: Object, why: str) -> str:
    """Add the last warnings about the object."""
    metadata: Object = live["metadata"]
    namespace = metadata.get("namespace") or "default"
    selector = quote(f"involvedObject.uid={metadata.get('uid')},type=Warning")
    try:
        found = client.get(f"/api/v1/namespaces/{namespace}/events?fieldSelector={selector}")
    except (ApiError, UnreachableError, CancelledError):
        return why
    items = cast("list[Object]", found.get("items") or [])
    told = [f"{event.get('reason')}: {event.get('message')}" for event in items[-3:]]
    return "; ".join([why, *told])


def until_gone(client: Client, path: str, uid: str, limit: float) -> None:
    """Wait until an object is gone.

    Raises:
        NotReadyError: the time is over; the text names the finalizers that hold it.
        ApiError: the server refuses to say.
        CancelledError: the engine was asked to stop.

    """
    end = time.monotonic() + limit
    pause = _FIRST
    while (live := client.find(path)) is not None and live["metadata"].get("uid") == uid:
        if time.monotonic() >= end:
            raise NotReadyError(_held(live, limit), live)
        client.pause(pause)
        pause = min(pause * 1.5, _LONGEST)


def _held(live: Object, limit: float) -> str:
    holders: list[str] = [
        *(live["metadata"].get("finalizers") or []),
        *(cast("Object", live.get("spec") or {}).get("finalizers") or [] if live.get("kind") == "Namespace" else []),
    ]
    reasons = [
        str(condition.get("message"))
        for condition in cast("list[Object]", cast("Object", live.get("status") or {}).get("conditions") or [])
        if live.get("kind") == "Namespace" and condition.get("status") == "True"
    ]
    held = f"held by the finalizers {', '.join(holders)}" if holders else "no finalizer holds it"
    return "; ".join(
        [
            f"it was not gone within {limit:g} s: {held}",
            *reasons,
            "who answers for a finalizer must still run: delete in the order of dependencies, or take it off by hand",
        ]
    )
