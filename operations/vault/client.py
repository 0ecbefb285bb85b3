"""Vault's HTTP API, as far as Kade uses it: no value of a request ever stands in an error."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

Body = dict[str, Any]

TIMEOUT = 15
"""Seconds that one request may take; the slowest is a login that Vault checks at another server."""
PATIENCE = 5.0
"""Seconds that a server which does not answer is tried again: it may be starting, or another one takes over."""
_PAUSE = 0.3


class VaultError(Exception):
    """Vault cannot or will not do what was asked. The text is for people, and holds no secret."""


class GoneError(VaultError):
    """Nobody answers at the address."""

    def __init__(self, message: str, *, unheard: bool = False) -> None:
        """Keep whether the request certainly never arrived."""
        super().__init__(message)
        self.unheard = unheard


class SealedError(VaultError):
    """Vault answers, but cannot read its own storage before enough holders have brought their keys."""


class DeniedError(VaultError):
    """Whoever asks may not do this."""


class RejectedError(VaultError):
    """Vault does not accept the request; `text` is what it says."""

    def __init__(self, message: str, text: str) -> None:
        """Keep what Vault says, for callers that know some of its answers."""
        super().__init__(message)
        self.text = text


@dataclass(frozen=True)
class Client:
    """One server and one login. Safe to use from several threads."""

    address: str
    """Its address, for example `https://openbao.production.voorbeeld.example`."""
    token: str = field(default="", repr=False)
    ca: Path | None = None
    """Authority of its certificate, PEM. Default: those that this machine trusts."""
    proxies: bool = True
    """Whether HTTPS_PROXY and its like hold."""
    patience: float = PATIENCE

    def read(self, path: str) -> Body | None:
        """Return what stands at a path, or `None`."""
        try:
            answer = self._ask("GET", path, None, ())
        except RejectedError as error:
            # So the lists of mounts and methods say "not there"; everything else answers 404.
            if error.text.startswith(("No secret engine mount at", "No auth engine at", "cannot fetch sysview")):
                return None
            raise
        return None if answer is None else _data(answer)

    def names(self, path: str) -> list[str]:
        """Return the names below a path."""
        answer = self._ask("LIST", path, None, ())
        return [] if answer is None else [str(name) for name in _data(answer).get("keys", [])]

    def write(self, path: str, body: Body, secrets: Iterable[str] = ()) -> Body:
        """Write, and return what Vault answers; `secrets` are the texts in the body that must never show."""
        return self._ask("POST", path, body, secrets) or {}

    def delete(self, path: str) -> None:
        """Take away what stands at a path; nothing happens where there is nothing."""
        self._ask("DELETE", path, None, ())

    def login(self, method: str, role: str, jwt: str) -> Client:
        """Return a client that has signed in with a JWT.

        Raises:
            DeniedError: Vault does not let this token in under this role.

        """
        path = f"auth/{method}/login"
        try:
            answer = self.write(path, {"role": role, "jwt": jwt}, [jwt])
        except RejectedError as error:
            msg = (
                f"Vault refuses the login as role `{role}` at {path}: {error.text}. Compare the token's issuer, "
                f"audience, subject and claims with what the role asks for: `bao read auth/{method}/role/{role}`."
            )
            raise DeniedError(msg) from None
        return self.as_token(str(answer["auth"]["client_token"]))

    def as_token(self, token: str) -> Client:
        """Return the same server with another login."""
        return Client(self.address, token, self.ca, self.proxies, self.patience)

    def _ask(self, method: str, path: str, body: Body | None, secrets: Iterable[str]) -> Body | None:
        """Ask, with patience for a server that does not answer; `None` where nothing stands at the path."""
        end = time.monotonic() + self.patience
        while True:
            try:
                return self._once(method, path, body, secrets)
            except GoneError as error:
                # What may have arrived is not written twice: nobody can be initialised a second time.
                if time.monotonic() > end or (method == "POST" and not error.unheard):
                    raise
            time.sleep(_PAUSE)

    def _once(self, method: str, path: str, body: Body | None, secrets: Iterable[str]) -> Body | None:
        request = urllib.request.Request(  # the address is validated where it is read
            f"{self.address.rstrip('/')}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Request": "true", "Content-Type": "application/json"},
        )
        if self.token:
            # Else a redirect, which a standby server answers, would carry the token wherever it points.
            request.add_unredirected_header("X-Vault-Token", self.token)
        try:
            with self._opener().open(request, timeout=TIMEOUT) as answer:
                text = answer.read()
                return json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            return self._refused(error, method, path, [*secrets, self.token])
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                msg = (
                    f"The certificate of {self.address} is not trusted: {reason.verify_message}. Name the authority "
                    "that signed it with `--ca FILE` or VAULT_CACERT."
                )
                raise VaultError(msg) from None
            what = type(reason).__name__ if not isinstance(reason, OSError) else reason.strerror or str(reason)
            msg = f"Nobody answers at {self.address} ({what}). Is it running, and is this the way to it?"
            raise GoneError(msg, unheard=isinstance(reason, ConnectionRefusedError)) from None

    def _opener(self) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = [] if self.proxies else [urllib.request.ProxyHandler({})]
        if self.address.startswith("https:"):
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)

    def _refused(self, error: urllib.error.HTTPError, method: str, path: str, secrets: list[str]) -> None:
        said = _said(error.read())
        for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
            said = said.replace(secret, "[hidden]")
        if error.code == 404 and method in ("GET", "LIST", "DELETE"):
            return
        if error.code == 503 and "sealed" in said:
            msg = (
                f"OpenBao at {self.address} is sealed: it cannot read its own storage. Unseal it with "
                "`kade vault unseal CLUSTER` and the keys of enough holders, then run this again."
            )
            raise SealedError(msg)
        if error.code in (502, 503, 504, 429):
            msg = f"OpenBao at {self.address} is not ready ({error.code}: {said or error.reason})."
            raise GoneError(msg, unheard=True)
        if error.code == 403:
            doing = {"GET": "read", "LIST": "list", "DELETE": "delete"}.get(method, "create or update")
            msg = (
                f"Vault refuses `{doing}` at {path}: permission denied. The policy of this login does not allow it, "
                "or the login has ended. `kade vault init CLUSTER` writes the policies of runners from the "
                "organisation's files; run it again after an app was added."
            )
            raise DeniedError(msg)
        msg = f"Vault does not accept {path} ({error.code}): {said or error.reason}."
        raise RejectedError(msg, said)


def _data(answer: Body) -> Body:
    # Some paths of `sys` answer without the envelope that all others have.
    inner = answer.get("data")
    return cast("Body", inner) if isinstance(inner, dict) else answer


def _said(text: bytes) -> str:
    """Return what Vault says is wrong, on one line."""
    try:
        errors = cast("list[Any]", json.loads(text).get("errors", []))
    except (ValueError, AttributeError):
        return ""
    return "; ".join(" ".join(str(error).split()) for error in errors).rstrip(".")
