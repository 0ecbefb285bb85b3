"""Play the controllers that need more than a status: `python -m rehearsal.backends.player FOLDER`.

The supervisor starts this, and it ends with it. What only needs a status is played by kwok (see `stages/`).
"""

from __future__ import annotations

import signal
import ssl
import sys
from pathlib import Path

from rehearsal.backends import endpoints as overlay
from rehearsal.backends import site as sites
from rehearsal.backends.api import Client
from rehearsal.backends.layout import Layout
from rehearsal.backends.pki import Pki
from rehearsal.backends.players.addresses import Addresses
from rehearsal.backends.players.applications import Applications
from rehearsal.backends.players.approvals import Approvals
from rehearsal.backends.players.certificates import Certificates
from rehearsal.backends.players.databases import Databases
from rehearsal.backends.players.external_secrets import Requests, Stores
from rehearsal.backends.players.volumes import Volumes
from rehearsal.backends.players.world import Part, Play, World, tell


def parts() -> tuple[Part, ...]:
    """Return all that is played here."""
    return (
        Volumes(), Addresses(), Approvals(), Certificates(), Databases(), Stores(), Requests(), Applications(),
    )  # fmt: skip


def main() -> int:
    """Play until told to end."""
    if len(sys.argv) != 2:
        print("usage: python -m rehearsal.backends.player FOLDER", file=sys.stderr)
        return 2
    layout = Layout(Path(sys.argv[1]).resolve())
    ends = overlay.load(layout.rehearsal)
    if ends is None or ends.kubernetes is None:
        print(f"{layout.rehearsal} has no API server to play for.", file=sys.stderr)
        return 2
    world = World(client(layout, ends.kubernetes), ends, sites.load(layout.site))
    play = Play(world, parts())

    def end(_number: int, _frame: object) -> None:
        play.stop()

    signal.signal(signal.SIGTERM, end)
    tell(f"playing {', '.join(part.name for part in play.parts)}")
    play.run()
    return 0


def client(layout: Layout, kubernetes: overlay.Kubernetes) -> Client:
    """Return a client under the player's own name, so that the audit log shows what was played."""
    context = ssl.create_default_context(cafile=kubernetes.ca)
    pair = Pki(layout.pki).pair("player")
    context.load_cert_chain(pair.certificate, pair.key)
    return Client(kubernetes.server, context)


if __name__ == "__main__":
    sys.exit(main())
