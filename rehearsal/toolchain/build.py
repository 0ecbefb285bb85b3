"""The Pulumi CLI built from its Go module: explicit versions and checksums in engine/go.mod and go.sum."""

from __future__ import annotations

from pathlib import Path

from rehearsal.toolchain import gobuild
from rehearsal.toolchain.engine import VERSION
from rehearsal.toolchain.progress import Progress

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


def _program(root: Path) -> gobuild.Program:
    return gobuild.Program(
        title=f"Pulumi CLI {VERSION}",
        modules=modules(root),
        package=PACKAGE,
        name="pulumi",
        link=LINK,
        compile=COMPILE,
    )


def key(root: Path) -> str:
    """Return what a built CLI depends on: module versions, checksums, flags and the compiler."""
    return gobuild.key(_program(root))


def check_go(root: Path) -> str:
    """Return the path of a Go compiler that is new enough.

    Raises:
        ToolchainError: there is none.

    """
    return gobuild.check_go(
        modules(root),
        "There is no Pulumi CLI and no way to get one: none on PATH, the official download failed, and there is no Go "
        "compiler to build it with.",
        "the Pulumi CLI",
        f"Install Go {{need}} or newer and put it on PATH, or install the Pulumi CLI {VERSION} or newer with its "
        "Python language host; then run the same command again.",
    )


def build(root: Path, target: Path, progress: Progress) -> None:
    """Build the CLI into a folder.

    Raises:
        ToolchainError: there is no compiler, or it failed; shows its last words.

    """
    go = check_go(root)
    gobuild.build(go, _program(root), target, progress, "once for this machine; about two minutes on two cores")
