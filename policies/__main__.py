"""The CrossGuard pack: `pulumi preview --policy-pack policies`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Started as a folder, Python puts that folder first on its path: names such as `model` would then be found in it.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
if str(HERE.parent) not in sys.path:
    sys.path.append(str(HERE.parent))


def main() -> None:
    """Serve the pack. Prints only the port, which the SDK does: the engine reads everything else as errors."""
    from pulumi_policy import PolicyPack

    from policies.pack import seam
    from policies.pack.run import Pack
    from policies.rules import load

    pack = Pack.start(load())
    found = seam.policies(pack)
    if seam.fits():
        seam.install(pack)
    PolicyPack(
        name=seam.NAME,
        policies=list(found),
        display_name="Kade",
        description="Will this pass Haven? Three honest answers before anything is applied.",
        tags=["haven", "kubernetes"],
    )


if __name__ == "__main__":
    main()
