"""Model of `environments/<environment>.yaml`: what teams deploy into."""

from __future__ import annotations

from typing import Literal

from stacks.models.base import Domain, Name, NamedFile

Stage = Literal["sandbox", "test", "acceptance", "production"]
"""How careful to be, in rising order. Only the stage drives promotion, protection and severity."""


class EnvironmentFile(NamedFile):
    """An environment refers to a cluster; several environments may share one."""

    cluster: Name
    """Cluster that carries the environment: the stem of a file in `clusters/`."""
    stage: Stage
    """`sandbox`, `test`, `acceptance` or `production`. No default: protection of data follows from it."""
    domain: Domain
    """Domain of the teams' hosts: `<app>.<domain>` unless an app says otherwise."""

    @property
    def debug(self) -> bool:
        """Whether people may enter pods, which also shows their secrets: only where nothing is real."""
        return self.stage in ("sandbox", "test")
