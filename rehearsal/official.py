"""The official plugins on the rehearsal's back ends.

They know nothing of rehearsals. Each run gives them what any program behind a company's proxy is given: a proxy, which
knows the organisation's names, and certificate authorities. So they check names and certificates as in reality.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import certifi

from rehearsal.install import OFFICIAL, sdk_version
from rehearsal.toolchain.cache import cache_folder, entry, locked
from rehearsal.toolchain.progress import Progress, ToolchainError

if TYPE_CHECKING:
    from rehearsal.backends.endpoints import Endpoints
    from rehearsal.workspace import Workspace

PATIENCE = 600.0
"""Seconds for the download of one plugin (up to 100 MB)."""
_LOCAL = "127.0.0.1,localhost"


def fetch(cli: Path, progress: Progress) -> dict[str, Path]:
    """Return the folder of each official plugin, downloaded by the CLI at the version that its SDK asks for.

    Raises:
        ToolchainError: one cannot be had; the text says what was tried and what works without it.

    """
    folder = cache_folder() / "plugins"
    found: dict[str, Path] = {}
    for name in OFFICIAL:
        version = sdk_version(name)
        target = folder / f"resource-{name}-v{version}"
        with locked(folder / "lock", progress, "plugins"):
            if not target.is_dir():
                with progress.step(f"Official plugin {name} {version}", "once; the cache keeps it"):
                    entry(target, lambda made, name=name, version=version: _download(cli, name, version, made))
        found[name] = target
    return found


def _download(cli: Path, name: str, version: str, folder: Path) -> None:
    """Let the CLI download a plugin into a home of its own, and keep what it unpacked."""
    home = folder / "home"
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    asked = ["plugin", "install", "resource", name, version, "--non-interactive", "--color", "never"]
    try:
        done = subprocess.run(
            [str(cli), *asked], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _not_had(name, version, f"nothing after {PATIENCE:.0f} s") from None
    unpacked = home / "plugins" / f"resource-{name}-v{version}"
    if done.returncode or not (unpacked / f"pulumi-resource-{name}").is_file():
        raise _not_had(name, version, _reason(done.stdout))
    for part in unpacked.iterdir():
        part.rename(folder / part.name)
    shutil.rmtree(home)


def _reason(output: str) -> str:
    """Return why a download failed: its first warning says more than its last error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("warning:", "error:"))]
    return (marked or lines or ["it said nothing"])[0].partition(": ")[2] or "it said nothing"


def _not_had(name: str, version: str, reason: str) -> ToolchainError:
    return ToolchainError(
        f"The official plugin {name} {version} cannot be had: {reason}. Where there is a mirror, name it by "
        "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES; or rehearse on Kade's own plugins (`--plugins own`, the default)."
    )


def install(workspace: Workspace, plugins: Mapping[str, Path]) -> None:
    """Lay the official plugins where the engine looks for this rehearsal's."""
    for name, source in plugins.items():
        target = workspace.home / "plugins" / source.name
        if not (target / f"pulumi-resource-{name}").is_file():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, copy_function=_linked)


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)
    return target


def variables(ends: Endpoints, folder: Path) -> dict[str, str]:
    """Return what lets any program reach the back ends under the organisation's names, and trust them.

    Args:
        ends: the back ends.
        folder: of the rehearsal; the authorities are written into it.

    """
    own = [part.ca for part in (ends.kubernetes, ends.vault, ends.vcenter) if part is not None and part.ca]
    usual = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or certifi.where()
    texts = [Path(path).read_text(encoding="utf-8").strip() for path in dict.fromkeys([*own, usual])]
    bundle = folder / "authorities.pem"
    content = "\n".join(texts) + "\n"
    if not bundle.is_file() or bundle.read_text(encoding="utf-8") != content:
        bundle.write_text(content, encoding="utf-8")
    return {
        "HTTPS_PROXY": ends.proxy, "NO_PROXY": _LOCAL, "no_proxy": _LOCAL, "SSL_CERT_FILE": str(bundle),
    }  # fmt: skip
