"""What an API server refuses, told in one message that holds no secret."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.plugins.values import Props, Secret, leaves, plain

_VALUE = re.compile(r"Invalid value: (\"(?:[^\"\\]|\\.)*\"|[^:]*)")
_SHORTEST = 3
"""Shorter values are not looked for in messages: they would blank out half of the words."""


@dataclass(frozen=True)
class Cause:
    """One fault that the server names."""

    field: str
    reason: str
    message: str


class ApiError(Exception):
    """An answer of the server that is no success. Never shown as it is: its text may echo values."""

    def __init__(self, code: int, status: dict[str, Any]) -> None:
        """Take the HTTP code and the server's `Status`."""
        super().__init__(f"HTTP {code}")
        self.code = code
        self.reason = str(status.get("reason") or "")
        self.message = str(status.get("message") or f"HTTP {code}")
        details: dict[str, Any] = status.get("details") or {}
        self.kind = str(details.get("kind") or "")
        found: list[dict[str, Any]] = details.get("causes") or []
        self.causes = [
            Cause(str(c.get("field") or ""), str(c.get("reason") or ""), str(c.get("message") or "")) for c in found
        ]

    @property
    def namespace_missing(self) -> bool:
        """Whether the namespace that the object goes into is not there, or on its way out."""
        if self.code == 404 and self.kind == "namespaces":
            return True
        return self.code == 403 and any(cause.reason == "NamespaceTerminating" for cause in self.causes)

    @property
    def immutable(self) -> bool:
        """Whether a field that cannot change was to be changed."""
        return self.code == 422 and ("immutable" in self.message or "are forbidden" in self.message)


class UnreachableError(Exception):
    """The server does not answer, or does not prove that it is the right one. The text may be shown."""


class CancelledError(Exception):
    """The engine was asked to stop."""


def explain(error: ApiError, what: str, inputs: Props) -> str:
    """Return one message: what was refused, in the server's words, and what to do."""
    words = redact(error.message, inputs)
    if error.code == 401:
        return f"{what}: the API server does not know these credentials. Renew the kubeconfig or its token."
    if error.code == 403 and not error.namespace_missing:
        return (
            f"{what}: forbidden: {words}. Grant this to the runner's identity, or to its group, in the cluster layer; "
            "where a quota or an admission rule refuses it, change the object."
        )
    if error.namespace_missing:
        return f"{what}: {words}. Make the namespace first, and let this resource depend on it."
    if error.immutable:
        return (
            f"{what}: {words}. This field cannot change on an object that exists: give the object another name, or "
            "replace it (`pulumi up --target-replace URN`)."
        )
    # A field that the schema does not have is an internal error to the server, by its code.
    wrong = error.code < 500 or error.message.startswith("failed to ")
    remedy = "Correct it in the program, or in the organisation's file that it comes from." if wrong else "Try again."
    return f"{what}: {words.rstrip('.')}. {remedy}"


def redact(message: str, inputs: Props) -> str:
    """Take secret values out of a server's message, as they are and in base64.

    Where an object has any secret, what the server calls an invalid value goes too: it may be a part of one.
    """
    values = sorted(_secrets(inputs), key=len, reverse=True)
    if not values:
        return message
    for value in values:
        for form in (value, base64.b64encode(value.encode()).decode()):
            message = message.replace(form, "[secret]")
    return _VALUE.sub("Invalid value: [hidden]", message)


def _secrets(value: Any) -> set[str]:
    """Return every text that is marked secret anywhere in a value."""
    if isinstance(value, Secret):
        found = {str(leaf) for _, leaf in leaves(plain(value)) if not isinstance(leaf, (dict, list, bool, type(None)))}
        return {text for text in found if len(text) >= _SHORTEST}
    if isinstance(value, dict):
        return set[str]().union(*(_secrets(item) for item in cast("dict[str, Any]", value).values()))
    if isinstance(value, list):
        return set[str]().union(*(_secrets(item) for item in cast("list[Any]", value)))
    return set()
