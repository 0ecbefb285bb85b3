"""The teams layer: one team's fence in one environment, and the delivery of its apps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
import pulumi_vault as vault

from components.apps.app import App as AppComponent
from components.cluster.handle import ClusterHandle
from components.gitops.delivery import engine, root_of
from components.teams.namespace import Namespace, NamespaceArgs, VaultAccess
from components.teams.network import OpeningArgs
from components.teams.project import root_project, team_project
from components.teams.vault import TeamVault, TeamVaultArgs
from components.teams.vault_access import people_method
from inputs.faults import FaultsError
from stacks.apps import app_args, namespace_name, team_faults
from stacks.delivery import children_provider
from stacks.loading import App
from stacks.models.environment import EnvironmentFile
from stacks.models.team import TeamFile


def deploy_team(
    environment: EnvironmentFile,
    team: TeamFile,
    apps: Sequence[App],
    handle: ClusterHandle,
    *,
    parent: pulumi.Resource | None = None,
) -> None:
    """Build one team in one environment.

    Raises:
        FaultsError: every fault in what the team's files say together.

    """
    if faults := team_faults(environment, team, apps):
        raise FaultsError(faults)
    declared = handle.declared
    keep = environment.stage == "production"
    name = f"{team.name}-{environment.name}"
    under = pulumi.ResourceOptions(parent=parent)
    kubeconfig = handle.observed.kubeconfig
    provider = k8s.Provider(f"{name}-cluster", kubeconfig=kubeconfig, enable_server_side_apply=True, opts=under)
    adopting = k8s.Provider(
        f"{name}-adopting",
        kubeconfig=kubeconfig,
        enable_server_side_apply=True,
        # Only for the service account `default`, which Kubernetes has made by then.
        upsert_existing_objects=True,
        opts=under,
    )
    namespaces = {app.name: namespace_name(team, app, environment) for app in apps}
    access = vault_access(handle, name)
    fences = {
        app.name: Namespace(
            namespaces[app.name],
            _namespace_args(environment, team, app, access, keep=keep),
            pulumi.ResourceOptions(parent=parent, providers=[provider]),
            adopting=adopting,
        )
        for app in apps
    }
    if access:
        TeamVault(
            f"{name}-vault",
            TeamVaultArgs(
                engine=access.engine,
                team=team.name,
                environment=environment.name,
                address=access.address,
                cluster=declared.name,
                namespaces={namespaces[app.name]: app.name for app in apps},
                deploy_group=team.groups.deploy,
                people=people_method(
                    environment.name, directory=declared.vault_directory, issuer=declared.identity_issuer
                ),
                directory=declared.vault_directory,
                keep_data=keep,
            ),
            pulumi.ResourceOptions(parent=parent, providers=[vault_provider(f"{name}-vault-login", access.address)]),
        )
    gitops = engine(declared)
    repositories = [*team.repositories, *(app.shape.chart.repository for app in apps)]
    inside = pulumi.ResourceOptions(parent=parent, provider=provider)
    project = gitops.project(
        f"{name}-project",
        team_project(name, team.display_name, repositories=repositories, namespaces=namespaces.values()),
        inside,
    )
    children = children_provider(name, declared.delivery, provider, under)
    for app in apps:
        AppComponent(
            f"{namespaces[app.name]}-app",
            app_args(environment, team, app, declared, project=name, keep_data=keep),
            pulumi.ResourceOptions(parent=parent, providers=[children], depends_on=[project, fences[app.name]]),
        )
    if declared.delivery == "git" and declared.gitops.repository:
        bounds = root_project(
            f"{name}-root",
            team.display_name,
            repository=declared.gitops.repository,
            engine_namespace=gitops.namespace,
            namespaces=namespaces.values(),
        )
        outer = gitops.project(f"{name}-root-project", bounds, inside)
        root = root_of(f"{environment.name}-team-{team.name}", bounds.name, declared)
        # Protected like the data, which goes after it: an accident stops before it has stopped the apps.
        after = pulumi.ResourceOptions(depends_on=[project, outer, *fences.values()], protect=keep)
        gitops.root(f"{name}-root", root, pulumi.ResourceOptions.merge(inside, after))


def vault_access(handle: ClusterHandle, engine_path: str) -> VaultAccess | None:
    """Return how the team reads secrets; `None` where the cluster file names no Vault."""
    address = handle.declared.vault_address
    if address is None:
        return None
    own = urlsplit(address).hostname == f"openbao.{handle.declared.domain}"
    return VaultAccess(cluster=handle.declared.name, address=address, engine=engine_path, internal_ca=own)


def vault_provider(name: str, address: str) -> vault.Provider:
    """Return the login to Vault for this run.

    With `KADE_VAULT_ROLE` the runner logs in with its own JWT (`TERRAFORM_VAULT_AUTH_JWT`, at the method that
    `KADE_VAULT_METHOD` names, default `jwt`); else with the token in `VAULT_TOKEN`, which an AppRole login gives too.
    The provider reads both from the environment itself, so neither stands in the state.
    """
    role = os.environ.get("KADE_VAULT_ROLE")
    method = os.environ.get("KADE_VAULT_METHOD", "jwt")
    login = vault.ProviderAuthLoginJwtArgs(role=role, mount=method) if role else None
    # No child token: a run's login is short-lived as it is, and a child of twenty minutes ends long runs half-way.
    return vault.Provider(name, address=address, skip_child_token=True, auth_login_jwt=login)


def _namespace_args(
    environment: EnvironmentFile, team: TeamFile, app: App, access: VaultAccess | None, *, keep: bool
) -> NamespaceArgs:
    capacity = app.differs.capacity
    return NamespaceArgs(
        namespace=namespace_name(team, app, environment),
        team=team.name,
        app=app.name,
        environment=environment.name,
        cpu=capacity.cpu,
        memory=capacity.memory,
        storage=capacity.storage,
        deploy_group=team.groups.deploy,
        view_group=team.groups.view,
        debug=environment.debug,
        keep_data=keep,
        openings=tuple(
            OpeningArgs(
                name=opening.name,
                reason=opening.reason,
                direction=opening.direction,
                namespace=opening.namespace,
                range=opening.range,
                ports=tuple(opening.ports),
            )
            for opening in team.openings
        ),
        vault=access,
    )
