"""A real OpenBao: initialised and unsealed, with a key of its own for the secrets in Pulumi's state."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.backends import endpoints
from rehearsal.backends.ground import Ground
from rehearsal.backends.layout import write_secret
from rehearsal.backends.ports import ADDRESS
from rehearsal.backends.process import Server, ServerError

NAME = "openbao"
TRANSIT = "pulumi"
"""Key that encrypts the secrets of Pulumi's state."""

_CONFIG = """\
disable_mlock = true
ui = false
api_addr = "https://{address}"
storage "file" {{ path = "{data}" }}
listener "tcp" {{
  address       = "{address}"
  tls_cert_file = "{certificate}"
  tls_key_file  = "{key}"
}}
"""
_STATE_POLICY = f"""\
path "transit/encrypt/{TRANSIT}" {{ capabilities = ["update"] }}
path "transit/decrypt/{TRANSIT}" {{ capabilities = ["update"] }}
"""


@dataclass(frozen=True)
class OpenBao:
    """The server and what it is given once it runs."""

    ground: Ground

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{self.ground.address(NAME)}"

    @property
    def _token(self) -> Path:
        return self.ground.layout.secret("openbao-root-token")

    @property
    def _unseal_key(self) -> Path:
        return self.ground.layout.secret("openbao-unseal-key")

    @property
    def _state_token(self) -> Path:
        return self.ground.layout.secret("openbao-state-token")

    def server(self) -> Server:
        """Return what to start."""
        ground, data = self.ground, self.ground.layout.data(NAME)
        config = ground.layout.folder / "openbao.hcl"

        def before() -> None:
            data.mkdir(mode=0o700, exist_ok=True)
            own = ground.pki.pair("server")
            config.write_text(
                _CONFIG.format(address=ground.address(NAME), data=data, certificate=own.certificate, key=own.key),
                encoding="utf-8",
            )

        return Server(
            name=NAME,
            address=ground.address(NAME),
            command=(ground.tool("bao"), "server", f"-config={config}"),
            before=before,
            ready=lambda: bool(self._status()),
            after=self.open,
            # It asks the issuers of tokens for their keys, under the names that the organisation gives them.
            environment={
                "HTTPS_PROXY": f"http://{ground.address('switchboard')}",
                "NO_PROXY": f"{ADDRESS},localhost",
            },
        )

    def endpoint(self) -> endpoints.Vault:
        """Return how it is reached."""
        return endpoints.Vault(
            address=self.url,
            ca=str(self.ground.pki.authority.certificate),
            token=str(self._token),
            unseal_key=str(self._unseal_key),
            transit=TRANSIT,
        )

    def secrets_provider(self) -> endpoints.SecretsProvider:
        """Return how the engine encrypts the secrets of its state with it."""
        return endpoints.SecretsProvider(
            url=f"hashivault://{TRANSIT}",
            # Not VAULT_ADDR and VAULT_TOKEN: those would reach the provider of the program as well.
            environment={
                "VAULT_SERVER_URL": self.url,
                "VAULT_SERVER_TOKEN": f"@{self._state_token}",
                "VAULT_CACERT": str(self.ground.pki.authority.certificate),
            },
        )

    def open(self) -> None:
        """Initialise it where it is new, unseal it, and give it the key for the state."""
        if not self._status()["initialized"]:
            made = self._call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
            write_secret(self._unseal_key, made["keys_base64"][0])
            write_secret(self._token, made["root_token"])
        self.unseal()
        if not self._state_token.exists():
            self._call("POST", "sys/mounts/transit", {"type": "transit"})
            self._call("POST", f"transit/keys/{TRANSIT}", {})
            self._call("PUT", "sys/policies/acl/pulumi-state", {"policy": _STATE_POLICY})
            made = self._call(
                "POST", "auth/token/create-orphan", {"policies": ["pulumi-state"], "period": "768h", "no_parent": True}
            )
            write_secret(self._state_token, made["auth"]["client_token"])

    def unseal(self) -> None:
        """Unseal it; nothing happens where it is unsealed."""
        if self._status()["sealed"]:
            self._call("PUT", "sys/unseal", {"key": self._unseal_key.read_text(encoding="utf-8")})

    def seal(self) -> None:
        """Seal it: it answers, and refuses everything."""
        if not self._status()["sealed"]:
            self._call("PUT", "sys/seal", {})

    @property
    def sealed(self) -> bool:
        """Whether it is sealed."""
        return bool(self._status()["sealed"])

    def _status(self) -> dict[str, Any]:
        return json.loads(self.ground.fetch(f"{self.url}/v1/sys/seal-status"))

    def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        token = self._token.read_text(encoding="utf-8") if self._token.exists() else ""
        request = urllib.request.Request(
            f"{self.url}/v1/{path}",
            data=json.dumps(body).encode(),
            method=method,
            headers={"X-Vault-Token": token} if token else {},
        )
        try:
            text = self.ground.fetch(request, timeout=30)
        except OSError as error:
            # The path only: what was sent and what came back may hold secrets.
            msg = f"OpenBao refuses {method} {path}: {error}"
            raise ServerError(msg) from None
        return json.loads(text) if text else {}
