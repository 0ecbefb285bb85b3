"""The `vault:` part of a cluster file: where secrets live, who holds its keys, and how people and runners sign in."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from inputs.validate import FileModel, RuleOfFile
from stacks.models.base import HttpsAddress, Name

AgeRecipient = Annotated[str, StringConstraints(pattern=r"^age1[02-9ac-hj-np-z]{58}$")]
DirectoryUrl = Annotated[str, StringConstraints(pattern=r"^ldaps?://[a-z0-9.-]+(:\d{1,5})?$")]


class LdapDirectory(FileModel):
    """The directory that Vault asks for people and their groups."""

    url: DirectoryUrl
    """Its address, for example `ldaps://directory.voorbeeld.example`."""
    start_tls: bool = False
    """Whether a connection to an `ldap://` address is encrypted before anything is said. Default: no, for `ldaps://`.
    """
    user_dn: str = Field(min_length=1)
    """Where people are, for example `ou=people,dc=voorbeeld,dc=example`."""
    user_attribute: str = "uid"
    """Attribute with the name that people sign in with. Default: `uid`; Active Directory has `sAMAccountName`."""
    group_dn: str = Field(min_length=1)
    """Where groups are, for example `ou=groups,dc=voorbeeld,dc=example`."""
    group_attribute: str = "cn"
    """Attribute with a group's name, as `groups` of a team has it. Default: `cn`."""
    group_filter: str = "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))"
    """How the groups of a person are found. Default: Vault's own, which most directories understand."""
    bind_dn: str | None = None
    """Account that looks people up; `kade vault init` is given its password. Default: none, where anybody may look."""
    certificate: str | None = None
    """Authority of the directory's certificate, PEM. Default: those that Vault's machine trusts."""

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if self.url.startswith("ldap://") and not self.start_tls:
            msg = "passwords would cross the network in clear"
            raise RuleOfFile(msg, "Write `ldaps://…`, or `startTls: true`.", ("url",))
        if self.url.startswith("ldaps://") and self.start_tls:
            msg = "the connection is encrypted from the start already"
            raise RuleOfFile(msg, "Remove `startTls`, or write `ldap://…`.", ("startTls",))
        return self


class VaultPeople(FileModel):
    """How people sign in."""

    ldap: LdapDirectory | None = None
    """A directory. Default: none, and then the OpenID Connect provider under `identity`, where there is one."""
    oidc_client_id: str = "openbao"
    """Client at the OpenID Connect provider. Default: `openbao`; `kade vault init` is given its secret."""


class KeyHolders(FileModel):
    """Who can unseal Vault together, and nobody alone."""

    holders: dict[Name, AgeRecipient] = Field(min_length=1)
    """People by name, each with the public key (`age1…`) that their share is encrypted for."""
    threshold: int = Field(ge=1, le=20)
    """How many of them are needed. No default: fewer is handier, more is harder to force."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.threshold > len(self.holders):
            msg = f"{self.threshold} holders are needed and there are {len(self.holders)}"
            raise RuleOfFile(msg, "Name more holders, or need fewer.", ("threshold",))
        if self.threshold == 1 and len(self.holders) > 1:
            msg = "each holder could unseal alone"
            raise RuleOfFile(msg, "Need 2 or more of them.", ("threshold",))
        if len(set(self.holders.values())) != len(self.holders):
            msg = "two holders have the same key"
            raise RuleOfFile(msg, "Give each their own, or one person holds two shares.", ("holders",))
        return self


class VaultRunners(FileModel):
    """How the runners of the teams' stacks sign in: with the token that CI gives each job."""

    issuer: HttpsAddress
    """Issuer of the tokens, for example `https://git.voorbeeld.example`. Vault asks it for its keys."""
    audience: str = "openbao"
    """Audience of the tokens. Default: `openbao`; a token for anything else is refused."""
    claims: dict[str, str] = Field(min_length=1)
    """What else a token must say, for example `project_path: platform/kade` and `ref_protected: "true"`. No default:
    without it every project of the issuer could sign in."""
    stack_claim: str = "environment"
    """Claim that holds the name of the stack. Default: `environment`, which protected environments of CI vouch for; a
    job then gets the rights of its own stack only."""

    @model_validator(mode="after")
    def _stack_claim_is_free(self) -> Self:
        if self.stack_claim in self.claims:
            msg = f"`{self.stack_claim}` holds the name of the stack, which differs for each"
            raise RuleOfFile(msg, "Remove it here, or name another `stackClaim`.", ("claims", self.stack_claim))
        return self


class VaultSettings(FileModel):
    """The Vault or OpenBao that holds the teams' secrets."""

    address: HttpsAddress
    """Its address, for example `https://openbao.production.voorbeeld.example`."""
    people: VaultPeople = VaultPeople()
    """How people sign in. Default: at the OpenID Connect provider under `identity`."""
    administrators: str | None = Field(default=None, min_length=1)
    """Group whose members run `kade vault init` and write the secrets of the cluster's services. Default: none, and
    then `kade vault init` keeps the root token, because nobody else could change anything."""
    keys: KeyHolders | None = None
    """Who unseals it. Default: nobody, for a Vault that somebody else has initialised."""
    runners: VaultRunners | None = None
    """How runners of the teams' stacks sign in. Default: with a token from elsewhere, in `VAULT_TOKEN`."""
