"""The official Pulumi CLI, with its checksum verified."""

from __future__ import annotations

import hashlib
import os
import platform as host
import tarfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

from rehearsal.toolchain.cache import entry
from rehearsal.toolchain.engine import VERSION
from rehearsal.toolchain.progress import Progress, Step

ARCHIVES = os.environ.get("KADE_PULUMI_ARCHIVES", "https://get.pulumi.com/releases/sdk")
CHECKSUMS = os.environ.get(
    "KADE_PULUMI_CHECKSUMS",
    f"https://github.com/pulumi/pulumi/releases/download/v{VERSION}/pulumi-{VERSION}-checksums.txt",
)
"""Checksums come from another host than archives: one that is tampered with does not vouch for itself."""

PATIENCE = 4.0
"""Seconds to wait for the first answer, names looked up included. A closed network costs no more than this."""

_STALLED = 30.0
"""Seconds without a byte before a download that has begun is given up."""


def platform() -> str:
    """Return the platform as the archives name it, for example `linux-x64`."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    return f"{host.system().lower()}-{machine.get(host.machine().lower(), host.machine().lower())}"


def attempt(target: Path, progress: Progress) -> str | None:
    """Download the CLI into a cache entry; return why it did not work, or `None`."""
    archive = f"pulumi-v{VERSION}-{platform()}.tar.gz"
    with progress.step(f"Official Pulumi CLI {VERSION}", "no `pulumi` on PATH that can be used") as step:
        checksums = _answer(CHECKSUMS)
        if isinstance(checksums, str):
            step.result = "not reachable"
            return checksums
        expected = dict(line.split()[::-1] for line in checksums.decode().splitlines() if len(line.split()) == 2)
        if archive not in expected:
            step.result = "not published"
            return f"there is no archive {archive} in its list of checksums"
        try:
            entry(target, lambda folder: _unpacked(f"{ARCHIVES}/{archive}", expected[archive], folder, step))
        except (urllib.error.URLError, TimeoutError, tarfile.TarError, _WrongChecksumError) as error:
            step.result = "not usable"
            return f"{ARCHIVES}/{archive}: {getattr(error, 'reason', None) or error}"
        return None


class _WrongChecksumError(Exception):
    """The archive is not the one that was published."""


def _answer(url: str) -> bytes | str:
    """Return a small file, or why not. The look-up of a name cannot be timed out, so it runs in a thread of its own."""
    result: list[bytes | str] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                result.append(response.read())
        except (OSError, ValueError) as error:
            result.append(f"{url}: {getattr(error, 'reason', None) or error}")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return result[0] if result else f"{url}: no answer within {PATIENCE:.0f} s"


def _unpacked(url: str, expected: str, folder: Path, step: Step) -> None:
    archive = folder / "archive.tar.gz"
    total = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=_STALLED) as response, archive.open("wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        while chunk := response.read(1 << 20):
            total.update(chunk)
            file.write(chunk)
            step.detail = f"{file.tell() >> 20} of {size >> 20} MB"
    if total.hexdigest() != expected:
        msg = f"its checksum is {total.hexdigest()}, published is {expected}"
        raise _WrongChecksumError(msg)
    with tarfile.open(archive) as bundle:
        bundle.extractall(folder, filter="data")
    archive.unlink()
