"""The Vault and OpenBao provider: a stand-in, or on a rehearsal's real OpenBao where there is one."""

from __future__ import annotations

from rehearsal.backends import endpoints
from rehearsal.plugins.bridged import Bridged
from rehearsal.plugins.standin import Provider, StandInError
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
        try:
            found = endpoints.load(self.place.workspace)
        except endpoints.EndpointsError as error:
            raise StandInError(str(error)) from None
        if found is None or found.vault is None:
            return super().configured(config)
        from rehearsal.plugins.vault_server import VaultServer  # only here: the stand-in starts faster without HTTP

        return VaultServer(self.place, found, config)
