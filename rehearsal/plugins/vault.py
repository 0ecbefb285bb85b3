"""The Vault and OpenBao provider: a stand-in, or on a rehearsal's real OpenBao where there is one."""

from __future__ import annotations

from rehearsal.plugins.bridged import Bridged
from rehearsal.plugins.standin import Provider
from rehearsal.plugins.values import Props


class Vault(Bridged):
    """Records mounts, policies, auth methods, roles, groups and secrets; everything follows from SDK and table."""

    name = "vault"
    package = "pulumi_vault"

    def configured(self, config: Props) -> Provider:
        """Take the configuration, and step aside where the rehearsal has an OpenBao.

        Raises:
            StandInError: the rehearsal's back ends are those of another version of Kade.

        """
        found = self.place.back_ends()
        if found is None or found.vault is None:
            return super().configured(config)
        from rehearsal.plugins.vault_server import VaultServer  # only here: the stand-in starts faster without HTTP

        return VaultServer(self.place, found, config)
