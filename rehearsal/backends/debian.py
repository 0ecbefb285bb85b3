"""Programs from Debian's packages without installing them: nothing on the system changes and no service starts.

apt works on folders of its own here, so an ordinary user can run it; it checks signatures as always. Packages that the
system lacks are unpacked into the cache, and their programs find their libraries there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rehearsal.toolchain.cache import cache_folder, digest, entry, locked
from rehearsal.toolchain.progress import Progress, ToolchainError

_CONFIG = """\
// What else is configured on this machine, proxies for example, holds here too; only its hooks do not.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
Dir::State "{folder}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{folder}/cache";
Debug::NoLocking "1";
APT::Sandbox::User "";
APT::Install-Recommends "0";
"""

_WRAPPER = """\
#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH={libraries} exec "$here/{program}" "$@"
"""


def available() -> bool:
    """Say whether this is a system with apt."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg") is not None


def unpacked(packages: Sequence[str], progress: Progress) -> Path:
    """Return a folder with the packages' files below `root` and a command for each of their programs in `bin`.

    Raises:
        ToolchainError: the packages cannot be had.

    """
    release = Path("/etc/os-release").read_bytes() if Path("/etc/os-release").is_file() else b""
    name = f"{packages[0]}-{digest(release, *packages, Path(__file__))}"
    folder = cache_folder() / "debian" / name
    with locked(folder.parent / f"{packages[0]}.lock", progress, " and ".join(packages)):
        return entry(folder, lambda target: _fetch(packages, target, progress))


def _fetch(packages: Sequence[str], target: Path, progress: Progress) -> None:
    names = " and ".join(packages)
    with progress.step(f"Debian packages {names}", "unpacked for the rehearsal alone, not installed") as step:
        work = target / "apt"
        for part in ("state/lists/partial", "cache/archives/partial"):
            (work / part).mkdir(parents=True)
        config = work / "apt.conf"
        config.write_text(_CONFIG.format(folder=work), encoding="utf-8")
        step.detail = "reading the lists of packages"
        _run(names, "apt-get", "-c", str(config), "-q", "update", "--error-on=any")
        step.detail = "downloading"
        _run(names, "apt-get", "-c", str(config), "-q", "-y", "--download-only", "--reinstall", "install", *packages)
        for package in sorted((work / "cache" / "archives").glob("*.deb")):
            _run(names, "dpkg", "-x", str(package), str(target / "root"))
        shutil.rmtree(work)
        _wrap(target)


def _wrap(target: Path) -> None:
    """Write a command for each program, which may be called by a link from anywhere."""
    root = target / "root"
    libraries = sorted({path.parent for path in root.glob("usr/lib/**/*.so*") if path.is_file()})
    folders = ":".join(f"$here/{folder.relative_to(target)}" for folder in libraries)
    (target / "bin").mkdir()
    # PostgreSQL keeps its programs apart, so that several versions fit; in /usr/bin stand scripts that look for them.
    for place in ("usr/sbin", "usr/bin", "usr/lib/postgresql/*/bin"):
        for program in sorted(root.glob(f"{place}/*")):
            command = target / "bin" / program.name
            command.write_text(
                _WRAPPER.format(libraries=folders, program=program.relative_to(target)), encoding="utf-8"
            )
            command.chmod(0o755)


def _run(names: str, *command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}, timeout=900,
    )  # fmt: skip
    if done.returncode:
        said = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        tried = " ".join(command[:1] + command[3:])
        msg = (
            f"The Debian packages {names} cannot be fetched. Tried: `{tried}`, in folders of its own. It said:\n"
            f"  {said}\nCheck that Debian's servers can be reached, or install them yourself: "
            f"`sudo apt-get install {names.replace(' and ', ' ')}`. Then run the same command again."
        )
        raise ToolchainError(msg)
