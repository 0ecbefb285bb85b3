"""A real OpenBao for tests, started as a server and not in its development mode."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

from operations.vault.client import Client
from rehearsal.backends.build import prepare
from rehearsal.toolchain.progress import Progress


@cache
def program() -> str:
    """Return the server's program, fetched by the set-up of the rehearsal where this machine does not have it yet."""
    return prepare(Progress(), ("openbao",)).programs["bao"]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Bao:
    """One server with nothing in it."""

    def __init__(self, folder: Path, *, audit: bool = True, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = environment
        device = f'audit "file" "log" {{ options {{ file_path = "{folder}/audit.log" }} }}\n' if audit else ""
        (folder / "config.hcl").write_text(
            f'storage "file" {{ path = "{folder}/data" }}\n'
            f'listener "tcp" {{ address = "127.0.0.1:{self.port}"\n tls_disable = true }}\n'
            f'disable_mlock = true\napi_addr = "{self.address}"\n{device}'
        )
        self.start()

    def start(self) -> None:
        log = open(self.folder / "log", "ab")  # noqa: SIM115  # for as long as the server lives
        self.process = subprocess.Popen(
            [program(), "server", "-config", str(self.folder / "config.hcl")],
            stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environment},
        )  # fmt: skip
        log.close()
        end = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{self.address}/v1/sys/seal-status", timeout=2).close()
                return
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
                assert time.monotonic() < end, "OpenBao does not start"
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    @property
    def client(self) -> Client:
        """Nobody's login."""
        return Client(self.address, proxies=False)

    def open(self) -> Client:
        """Initialise with one share and unseal; return the root login."""
        made = self.client.write("sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.key = made["keys_base64"][0]
        self.unseal()
        return self.client.as_token(made["root_token"])

    def unseal(self) -> None:
        self.client.write("sys/unseal", {"key": self.key})

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]
