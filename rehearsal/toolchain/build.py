"""The Pulumi CLI built from its Go module: explicit versions and checksums in engine/go.mod and go.sum."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from rehearsal.toolchain.cache import digest
from rehearsal.toolchain.engine import VERSION
from rehearsal.toolchain.progress import Progress, ToolchainError

PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
LINK = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
"""No symbol tables; without the version `pulumi version` is empty and versions cannot be compared."""

_SMALL = "-dwarf=false"
_QUICK = f"{_SMALL} -l -N"
COMPILE = (
    f"all={_QUICK}",
    f"std={_SMALL}",
    f"github.com/pulumi/pulumi/...={_SMALL}",
    f"google.golang.org/grpc/...={_SMALL}",
    f"google.golang.org/protobuf/...={_SMALL}",
)
"""How to compile which packages; the last pattern that fits counts. No debug data. Optimised is what a preview spends
its time in; the rest, mostly clients of clouds that nobody here calls, is compiled without optimisation. Measured in
November 2026 on two cores: all optimised 163 s to build; nothing optimised 113 s, but a preview a quarter slower."""


def modules(root: Path) -> Path:
    """Return the folder of go.mod."""
    return root / "rehearsal" / "engine"


def key(root: Path) -> str:
    """Return what a built CLI depends on: module versions, checksums, flags and the compiler."""
    folder = modules(root)
    return digest(folder / "go.mod", folder / "go.sum", LINK, *COMPILE, _go_version() or "no go")


def _go_version() -> str | None:
    go = shutil.which("go")
    if go is None:
        return None
    asked = subprocess.run(
        [go, "env", "GOVERSION", "GOOS", "GOARCH"],
        capture_output=True, text=True, check=False, env={**os.environ, "GOTOOLCHAIN": "local"},
    )  # fmt: skip
    return " ".join(asked.stdout.split()) or None


def check_go(root: Path) -> str:
    """Return the path of a Go compiler that is new enough.

    Raises:
        ToolchainError: there is none.

    """
    wanted = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?", (modules(root) / "go.mod").read_text(), re.MULTILINE)
    assert wanted is not None, "engine/go.mod names no Go version"
    need = ".".join(part for part in wanted.groups() if part)
    remedy = (
        f"Install Go {need} or newer and put it on PATH, or install the Pulumi CLI {VERSION} or newer with its Python "
        "language host; then run the same command again."
    )
    version = _go_version()
    if version is None:
        msg = (
            "There is no Pulumi CLI and no way to get one: none on PATH, the official download failed, and there is no "
            f"Go compiler to build it with. {remedy}"
        )
        raise ToolchainError(msg)
    numbers = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", version)
    have = tuple(int(part or 0) for part in numbers.groups()) if numbers else (0, 0, 0)
    if have < tuple(int(part or 0) for part in wanted.groups()):
        msg = f"The Go compiler on PATH is {version.split()[0]}; building the Pulumi CLI needs {need}. {remedy}"
        raise ToolchainError(msg)
    return str(shutil.which("go"))


def build(root: Path, target: Path, progress: Progress) -> None:
    """Build the CLI into a folder.

    Raises:
        ToolchainError: there is no compiler, or it failed; shows its last words.

    """
    go = check_go(root)
    with progress.step(
        f"Building Pulumi CLI {VERSION} from its Go module", "once for this machine; about two minutes on two cores"
    ) as step:
        command = [go, "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly"]
        command += [f"-gcflags={flags}" for flags in COMPILE]
        command += ["-ldflags", LINK, "-o", str(target / "pulumi"), PACKAGE]
        environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
        downloads = packages = 0
        last: list[str] = []
        with subprocess.Popen(
            command, cwd=modules(root), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                for line in process.stderr or ():
                    last = [*last[-19:], line.rstrip()]
                    if line.startswith("go: downloading"):
                        downloads += 1
                    elif not line.startswith(("go:", "#", "\t")):
                        packages += 1
                    step.detail = f"{downloads} modules downloaded, {packages} packages compiled"
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.kill()
        if code:
            msg = (
                f"Building the Pulumi CLI failed (exit code {code}). Tried: `{' '.join(command[:2])} … {PACKAGE}` in "
                f"{modules(root)}. Its last words:\n  " + "\n  ".join(last) + "\nCheck that the Go module proxy can be "
                "reached (`go env GOPROXY`) and that the disk has 5 GB free, then run the same command again."
            )
            raise ToolchainError(msg)
