"""Server-side apply of one object: what is sent, whose the fields are, and what a conflict is called."""

from __future__ import annotations

from typing import Any, cast

from rehearsal.plugins.server import ownership
from rehearsal.plugins.server.client import APPLY, JSON_PATCH, Client, Object
from rehearsal.plugins.server.errors import ApiError, explain
from rehearsal.plugins.values import Props, at, plain

FORCE = "pulumi.com/patchForce"
_SERVER_MADE = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "selfLink", "uid",
)  # fmt: skip
_ATTEMPTS = 5


def body(inputs: Props) -> Object:
    """Return what is sent: the inputs in clear, without what only the server may say."""
    content = _without_nothing(plain(inputs))
    metadata = cast("Object", content.get("metadata") or {})
    kept = {key: value for key, value in metadata.items() if key not in _SERVER_MADE}
    return {key: value for key, value in content.items() if not key.startswith("__")} | {"metadata": kept}


def _without_nothing(value: Any) -> Any:
    """Drop keys without a value, as the official provider does."""
    if isinstance(value, dict):
        mapping = cast("Object", value)
        return {key: _without_nothing(item) for key, item in mapping.items() if item is not None}
    if isinstance(value, list):
        return [_without_nothing(item) for item in cast("list[Any]", value)]
    return value


def forced(inputs: Props, config: Props) -> bool:
    """Say whether the program takes fields from whoever owns them."""
    given = plain(at(inputs, ("metadata", "annotations", FORCE))), plain(config.get("enablePatchForce"))
    return any(str(value).lower() == "true" for value in given)


def apply(client: Client, path: str, content: Object, manager: str, *, force: bool, dry_run: bool = False) -> Object:
    """Apply an object and return it as the server has it then.

    Raises:
        ApiError: the server refuses: a wrong field, a conflict, a missing namespace, no right.

    """
    query = {"fieldManager": manager, "fieldValidation": "Strict", "force": str(force).lower()}
    if dry_run:
        query["dryRun"] = "All"
    return client.request("PATCH", path, query=query, body=content, headers={"Content-Type": APPLY})


def take_over(client: Client, path: str, live: Object, manager: str) -> Object:
    """Give fields that were changed by hand to a manager, and return the object."""
    for attempt in range(_ATTEMPTS):
        patch = ownership.take_over(live, manager)
        if patch is None:
            break
        try:
            live = client.request("PATCH", path, body=patch, headers={"Content-Type": JSON_PATCH})
        except ApiError as error:
            # Somebody, mostly a controller, has changed it in between: look again.
            if error.code not in (409, 422) or attempt == _ATTEMPTS - 1:
                raise
            live = client.get(path)
    return live


def relinquish(client: Client, path: str, live: Object, manager: str) -> None:
    """Give up every field that a manager owns; those that nobody else owns go."""
    metadata: Object = live["metadata"]
    names = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    empty = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": names}
    apply(client, path, empty, manager, force=False)


def keep_ignored(content: Object, live: Object, manager: str, ignored: tuple[str, ...]) -> Object:
    """Leave ignored properties as they are: out of what is sent where they are others', else with their live value."""
    mine = ownership.owned(live, manager)
    for dotted in ignored:
        path = tuple(dotted.split("."))
        value = at(live, path)
        if value is None:
            continue
        ours = ownership.owns(mine, path)
        theirs = any(
            ownership.owns(cast("Object", entry.get("fieldsV1") or {}), path)
            for entry in ownership.managers(live)
            if entry.get("manager") != manager
        )
        content = _with(content, path, None if theirs and not ours else value)
    return content


def _with(content: Object, path: tuple[str, ...], value: Any) -> Object:
    """Return an object with a value at a path; `None` takes it out."""
    key, *rest = path
    inner: Any = content.get(key)
    if rest and not isinstance(inner, dict):
        return content
    if rest:
        return {**content, key: _with(cast("Object", inner), tuple(rest), value)}
    return {k: v for k, v in content.items() if k != key} | ({} if value is None else {key: value})


def refusal(error: ApiError, what: str, inputs: Props) -> str:
    """Return the message for a refused apply."""
    conflicts = [cause for cause in error.causes if cause.reason == "FieldManagerConflict"]
    if error.code != 409 or not conflicts:
        return explain(error, what, inputs)
    told = sorted({f"{cause.field.lstrip('.')} ({cause.message})" for cause in conflicts})
    return (
        f"{what}: somebody else manages what this resource sets: {'; '.join(told)}. "
        "Leave these fields to them (take them out of the program, or list them in ignore_changes), or take them over "
        f'with the annotation {FORCE}: "true".'
    )
