"""Where the programs of a rehearsal lie, as set-up found, built or fetched them (see `build.py`)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from rehearsal.backends.layout import Layout

FILE = "tools.json"


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Programs by the name that they are called by, and the folders that some of them need."""

    programs: dict[str, str] = field(default_factory=dict[str, str])
    stages: str = ""
    """Folder with kwok's own stages: how a kubelet behaves."""
    schema: str = ""
    """Folder of the schemas that OpenLDAP comes with."""
    modules: str = ""
    """Folder of OpenLDAP's modules."""
    postgres: str = ""
    """Folder of PostgreSQL's programs."""
    template: str = ""
    """Data folder of an etcd that holds our services' kinds; empty where a rehearsal begins without them."""

    def link(self, layout: Layout) -> None:
        """Put all programs into the rehearsal's own folder, under the names that people and the servers know."""
        layout.tools.mkdir(parents=True, exist_ok=True)
        wanted = {**self.programs, **({"kwok-stages": self.stages} if self.stages else {})}
        for path in layout.tools.iterdir():
            if path.name not in wanted:
                path.unlink()
        for name, target in wanted.items():
            link = layout.tools / name
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        (layout.folder / FILE).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def load(layout: Layout) -> Tools:
    """Return what `link` has noted.

    Raises:
        OSError: nothing was noted.

    """
    return Tools(**json.loads((layout.folder / FILE).read_text(encoding="utf-8")))
