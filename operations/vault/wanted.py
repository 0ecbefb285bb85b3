"""What a cluster's Vault should hold before any team comes, from the organisation's files alone.

The files name no secret; the few that Vault must be told (the client's at the OpenID Connect provider, the password of
the account that searches the directory) come from whoever runs the operation, and are never read back.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from components.services.security import external_secrets
from components.services.security.external_secrets import ExternalSecretsSettings
from components.teams import vault_access as access
from inputs.faults import Fault, FaultsError
from operations.vault import runner
from operations.vault.client import Body
from operations.vault.runner import TeamStack
from stacks.apps import namespace_name
from stacks.loading import Organisation
from stacks.models.cluster import ClusterFile
from stacks.models.vault import LdapDirectory, VaultRunners, VaultSettings

RUNNERS = "jwt"
"""Method of the runners: the default of KADE_VAULT_METHOD."""
ADMINISTRATORS = "administrators"
"""Role of the administrators at the OpenID Connect method."""
DIRECTORY = "ldap"
"""Method of the administrators where people sign in through a directory; teams have one per environment."""
RUNNER_SECONDS = 3600
KEY_SET = "application/jwk-set+json"
"""What an API server must be asked for at `/openid/v1/jwks`; it refuses to answer in plain JSON."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One thing that should be in Vault."""

    what: str
    """What it is, in words."""
    path: str
    """Where it is written and read."""
    body: Body
    """What is written, as far as it can be read back and compared."""
    secret: Body = field(default_factory=dict[str, Any], repr=False)
    """What is written besides and never given back: where there is any, it is written again in each run."""

    @property
    def is_mount(self) -> bool:
        """Whether it is an engine or a method: made once, and then only looked at."""
        return self.path.startswith(("sys/mounts/", "sys/auth/"))


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How Vault knows that a token comes from the cluster."""

    keys: tuple[str, ...] = ()
    """Public keys of its service accounts, PEM. Needed where the API server answers nobody without credentials."""
    ca: str = ""
    """Without keys Vault asks the issuer for them: authority of its certificate, PEM."""


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What the files do not hold. Shown nowhere."""

    oidc_client: str | None = field(default=None, repr=False)
    ldap_password: str | None = field(default=None, repr=False)


def wanted(organisation: Organisation, cluster: ClusterFile, trust: Trust, secrets: Secrets) -> list[Wanted]:
    """Return everything in the order in which it can be made.

    Raises:
        FaultsError: the files have faults, or two teams would take each other's place.

    """
    settings = settings_of(cluster)
    teams = team_stacks(organisation, cluster)
    return [
        *service_accounts(cluster.name, cluster.endpoint, trust),
        *_services(cluster),
        *_people(cluster, settings, sorted({team.people for team in teams if team.people}), secrets),
        *_administrators(cluster, settings),
        *_runners(settings.runners, teams),
    ]


def settings_of(cluster: ClusterFile) -> VaultSettings:
    """Return the part of the cluster file about Vault.

    Raises:
        FaultsError: there is none.

    """
    if cluster.vault is None:
        what, remedy = "the cluster has no Vault", "Add `vault: {address: https://…}`."
        raise FaultsError([Fault(f"clusters/{cluster.name}.yaml", 0, "vault", what, remedy)])
    return cluster.vault


def service_accounts(cluster: str, issuer: str, trust: Trust) -> Iterator[Wanted]:
    """Yield the method with which service accounts of a cluster sign in."""
    yield Wanted(what=f"method for service accounts of {cluster}", path=f"sys/auth/jwt-{cluster}", body={"type": "jwt"})
    yield Wanted(
        what=f"trust in the tokens of {issuer}",
        path=f"auth/jwt-{cluster}/config",
        # All of them, because whoever asked the issuer before and is given keys now must stop asking.
        body={
            "bound_issuer": issuer,
            "jwt_validation_pubkeys": list(trust.keys),
            "oidc_discovery_url": "" if trust.keys else issuer,
            "oidc_discovery_ca_pem": "" if trust.keys else trust.ca,
        },
    )


def team_stacks(organisation: Organisation, cluster: ClusterFile) -> list[TeamStack]:
    """Return the teams' stacks of every environment on a cluster.

    Raises:
        FaultsError: the files have faults, or a group of the directory cannot be used.

    """
    settings = settings_of(cluster)
    found: list[TeamStack] = []
    for name in organisation.environment_names():
        environment = organisation.environment(name)
        if environment.cluster != cluster.name:
            continue
        for team, apps in organisation.teams(name):
            found.append(
                TeamStack(
                    stack=f"{name}-team-{team.name}",
                    cluster=cluster.name,
                    engine=f"{team.name}-{name}",
                    namespaces={namespace_name(team, app, environment): app.name for app in apps},
                    deploy_group=team.groups.deploy,
                    people=access.people_method(
                        name,
                        directory=settings.people.ldap is not None,
                        issuer=cluster.identity.issuer if cluster.identity else None,
                    ),
                    directory=settings.people.ldap is not None,
                    address=settings.address,
                    keep_data=environment.stage == "production",
                )
            )
    _refuse_groups(found)
    return found


def _refuse_groups(teams: Sequence[TeamStack]) -> None:
    """Refuse what a directory's groups cannot be: one group for two teams, of which one would overwrite the other."""
    seen: dict[tuple[str | None, str], TeamStack] = {}
    faults: list[Fault] = []
    for team in teams:
        if team.directory and set(team.deploy_group) & set("*+/"):
            what = f"the group `{team.deploy_group}` has a sign that means something in a path of Vault"
            remedy = "Name a group of the directory without `*`, `+` and `/`."
            faults.append(Fault(f"stack {team.stack}", 0, "groups.deploy", what, remedy))
        # The directory does not tell capitals from small letters.
        other = seen.setdefault((team.people, team.deploy_group.lower()), team)
        if team.directory and other is not team:
            what = f"the group `{team.deploy_group}` deploys for {other.stack} too, and Vault knows a group once"
            remedy = "Give each team a group of its own in the directory."
            faults.append(Fault(f"stack {team.stack}", 0, "groups.deploy", what, remedy))
    if faults:
        raise FaultsError(faults)


def _services(cluster: ClusterFile) -> Iterator[Wanted]:
    """Yield what External Secrets reads the secrets of the cluster's own services with."""
    settings = cluster.services.get("external-secrets")
    if not isinstance(settings, ExternalSecretsSettings):
        return
    reader = f"{settings.engine}-reader"
    text = (
        f'path "{settings.engine}/data/*" {{\n  capabilities = ["read"]\n}}\n'
        f'path "{settings.engine}/metadata/*" {{\n  capabilities = ["read"]\n}}\n'
    )
    role = access.account_role(external_secrets.NAMESPACE, external_secrets.ACCOUNT, reader)
    yield Wanted(
        what="engine for secrets of the services", path=f"sys/mounts/{settings.engine}", body={"type": "kv-v2"}
    )
    yield _policy(reader, text, "policy of External Secrets")
    yield Wanted(what="role of External Secrets", path=f"auth/jwt-{cluster.name}/role/{settings.role}", body=role)


def _people(
    cluster: ClusterFile, settings: VaultSettings, methods: Sequence[str], secrets: Secrets
) -> Iterator[Wanted]:
    """Yield the methods with which people sign in."""
    directory = settings.people.ldap
    if directory is not None:
        own = [DIRECTORY] if settings.administrators else []
        yield from people_in_directory([*own, *methods], ldap_config(directory), secrets.ldap_password)
    elif cluster.identity is not None:
        yield Wanted(what="method for people", path="sys/auth/oidc", body={"type": "oidc"})
        yield Wanted(
            what=f"trust in {cluster.identity.issuer}",
            path="auth/oidc/config",
            body={"oidc_discovery_url": cluster.identity.issuer, "oidc_client_id": settings.people.oidc_client_id},
            secret={"oidc_client_secret": secrets.oidc_client} if secrets.oidc_client else {},
        )


def ldap_config(directory: LdapDirectory) -> Body:
    """Return the settings of a directory as Vault has them."""
    return {
        "url": directory.url,
        "starttls": directory.start_tls,
        "userdn": directory.user_dn,
        "userattr": directory.user_attribute,
        "groupdn": directory.group_dn,
        "groupattr": directory.group_attribute,
        "groupfilter": directory.group_filter,
        "binddn": directory.bind_dn or "",
        "certificate": directory.certificate or "",
        "insecure_tls": False,
        "deny_null_bind": True,
        # Groups are ours to write in any case; people get what their groups have, and nothing by name.
        "case_sensitive_names": False,
        "token_ttl": access.PERSON_SECONDS,
        "token_max_ttl": access.PERSON_SECONDS,
    }


def people_in_directory(methods: Sequence[str], config: Body, password: str | None) -> Iterator[Wanted]:
    """Yield the methods that ask a directory. A rehearsal calls this with the settings of its own directory."""
    for method in methods:
        yield Wanted(what="method for people", path=f"sys/auth/{method}", body={"type": "ldap"})
        yield Wanted(
            what=f"directory {config['url']}",
            path=f"auth/{method}/config",
            body=config,
            secret={"bindpass": password} if password else {},
        )


def _administrators(cluster: ClusterFile, settings: VaultSettings) -> Iterator[Wanted]:
    """Yield who runs this operation next time, without a root token."""
    group = settings.administrators
    if group is None:
        return
    yield _policy(runner.OPERATOR, runner.operator_policy(), "policy of the administrators")
    policies = [runner.OPERATOR]
    services = cluster.services.get("external-secrets")
    if isinstance(services, ExternalSecretsSettings):
        writer = access.writer_name(services.engine)
        yield _policy(writer, access.writer_policy(services.engine), "policy to write secrets of the services")
        policies.append(writer)
    if settings.people.ldap is not None:
        path, body = f"auth/{DIRECTORY}/groups/{group}", {"policies": policies}
    else:
        role = access.people_role(group, runner.OPERATOR, settings.address, "oidc")
        path, body = f"auth/oidc/role/{ADMINISTRATORS}", role | {"token_policies": policies}
    yield Wanted(what=f"rights of {group}", path=path, body=body)


def _runners(settings: VaultRunners | None, teams: Sequence[TeamStack]) -> Iterator[Wanted]:
    """Yield the policy of each team's runner, and its role where the runners' issuer is known."""
    for team in teams:
        yield _policy(team.policy, runner.policy(team), f"policy of the runner of {team.stack}")
    if settings is None:
        return
    yield Wanted(what="method for runners", path=f"sys/auth/{RUNNERS}", body={"type": "jwt"})
    yield Wanted(
        what=f"trust in {settings.issuer}",
        path=f"auth/{RUNNERS}/config",
        body={"bound_issuer": settings.issuer, "oidc_discovery_url": settings.issuer},
    )
    for team in teams:
        role: Body = {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": [settings.audience],
            "bound_claims": {**settings.claims, settings.stack_claim: team.stack},
            "token_policies": [team.policy],
            "token_ttl": RUNNER_SECONDS,
            "token_max_ttl": 4 * RUNNER_SECONDS,
        }
        yield Wanted(what=f"role of the runner of {team.stack}", path=f"auth/{RUNNERS}/role/{team.stack}", body=role)


def _policy(name: str, text: str, what: str) -> Wanted:
    return Wanted(what=what, path=f"sys/policies/acl/{name}", body={"policy": text})


def keys_of(jwks: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the public keys of a JSON Web Key Set as PEM.

    Raises:
        ValueError: it holds no key that signs.

    """
    found = [_pem(key) for key in cast("list[dict[str, Any]]", jwks.get("keys") or [])]
    if not found:
        msg = "the answer holds no key"
        raise ValueError(msg)
    return tuple(sorted(found))


def _pem(key: Mapping[str, Any]) -> str:
    def number(name: str) -> int:
        text = str(key[name])
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    curves: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    try:
        if key["kty"] == "RSA":
            public = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
        else:
            public = ec.EllipticCurvePublicNumbers(number("x"), number("y"), curves[str(key["crv"])]).public_key()
    except KeyError as error:
        msg = f"a key of an unknown kind ({error})"
        raise ValueError(msg) from None
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()
