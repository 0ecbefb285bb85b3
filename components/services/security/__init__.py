"""Services that keep certificates, secrets and policies."""
