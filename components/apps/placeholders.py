"""Placeholders in an app's values: `${database.host}` stands for what the platform binds there.

Only what is named here is replaced: no expression, no environment variable, no file. `$${…}` stands for a literal
`${…}`. Kubernetes' own `$(NAME)` is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

PLACEHOLDER = re.compile(r"\$(\$?)\{([^}]*)\}")

OF_ENVIRONMENT = ("environment.name", "environment.stage", "environment.domain")
"""Placeholders for the environment; a host name may hold these alone."""

ALWAYS = ("hostname", "namespace", *OF_ENVIRONMENT)
"""Placeholders that every app has."""

OF_BINDING: Mapping[str, tuple[str, ...]] = {
    "database": ("host", "port", "name", "user", "secret"),
    "cache": ("host", "port", "secret"),
    "volume": ("claim",),
}
"""Placeholders that come with a binding: `secret` is the name of the Secret that holds the password."""


def known(bindings: Iterator[str] | list[str], secrets: list[str]) -> list[str]:
    """Return the placeholders of an app that has these bindings and secrets."""
    bound = [f"{binding}.{part}" for binding in bindings for part in OF_BINDING[binding]]
    return [*ALWAYS, *bound, *(f"secrets.{name}" for name in secrets)]


def found(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every placeholder below a value, with the path of the text that holds it."""
    if isinstance(value, str):
        yield from ((path, match[2]) for match in PLACEHOLDER.finditer(value) if not match[1])
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from found(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from found(item, (*path, index))


def resolve(value: Any, bound: Mapping[str, str | int]) -> Any:
    """Return the value with its placeholders replaced.

    A text that is nothing but one placeholder takes the type of what it stands for: a port stays a number.

    Raises:
        KeyError: a placeholder that is not bound; the files' models refuse it before.

    """
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole and not whole[1]:
            return bound[whole[2]]
        return PLACEHOLDER.sub(lambda m: m[0][1:] if m[1] else str(bound[m[2]]), value)
    if isinstance(value, dict):
        return {key: resolve(item, bound) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [resolve(item, bound) for item in cast("list[Any]", value)]
    return value


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` on top: mappings key by key, everything else as a whole."""
    result = dict(base)
    for key, value in over.items():
        here = result.get(key)
        if isinstance(here, dict) and isinstance(value, dict):
            result[key] = merge(cast("dict[str, Any]", here), cast("dict[str, Any]", value))
        else:
            result[key] = value
    return result
