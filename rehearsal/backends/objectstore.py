"""An S3 endpoint for Pulumi's state: Versity's gateway over a folder, the real protocol with signed requests."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from rehearsal.backends import endpoints
from rehearsal.backends.ground import Ground
from rehearsal.backends.layout import write_secret
from rehearsal.backends.ports import answers
from rehearsal.backends.process import Server

NAME = "object-store"
BUCKET = "pulumi"
REGION = "us-east-1"


@dataclass(frozen=True)
class ObjectStore:
    """The server. Its bucket is a folder, so it is made before the server starts."""

    ground: Ground

    @property
    def _credentials(self) -> Path:
        return self.ground.layout.secret("aws-credentials")

    @property
    def _keys(self) -> Path:
        return self.ground.layout.secret("object-store-keys")

    def server(self) -> Server:
        """Return what to start."""
        data = self.ground.layout.data(NAME) / "objects"

        def before() -> None:
            (data / BUCKET).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keep_credentials()

        return Server(
            name=NAME,
            address=self.ground.address(NAME),
            command=(self.ground.tool("s3d"), self.ground.address(NAME), str(data), str(self._keys)),
            before=before,
            ready=lambda: answers(self.ground.ports[NAME]),
        )

    def endpoint(self) -> endpoints.State:
        """Return how the engine finds its state there."""
        return endpoints.State(
            url=f"s3://{BUCKET}?endpoint=http://{self.ground.address(NAME)}&region={REGION}&use_path_style=true",
            environment={
                "AWS_SHARED_CREDENTIALS_FILE": str(self._credentials),
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_PROFILE": "default",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )

    def _keep_credentials(self) -> None:
        if self._credentials.exists():
            return
        key, secret = "REHEARSAL" + secrets.token_hex(6).upper(), secrets.token_urlsafe(30)
        write_secret(self._keys, f"{key}\n{secret}\n")
        write_secret(self._credentials, f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
