"""Vault and OpenBao: from an empty server to one that teams, apps and people can use."""
