"""Stand-in for the Vault and OpenBao provider: everything follows from the SDK and the table."""

from __future__ import annotations

from rehearsal.plugins.bridged import Bridged


class Vault(Bridged):
    """Records mounts, policies, auth methods, roles, groups and secrets."""

    name = "vault"
    package = "pulumi_vault"
