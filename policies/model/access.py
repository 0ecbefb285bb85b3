"""Access: who may do what on the cluster (RBAC)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from policies.kernel.finding import Subject
from policies.model.resource import Inventory, KubernetesObject
from policies.model.values import Unknown, dig, items, text

RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One rule of a role."""

    path: str
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    open: tuple[Unknown, ...] = ()
    """Parts of it that are not known."""

    def gives(self, verbs: tuple[str, ...], group: str, resources: tuple[str, ...]) -> str | None:
        """Return which verb on which resource it gives, of those asked; `None` where it gives none of them."""
        if group not in self.groups and "*" not in self.groups:
            return None
        verb = next((one for one in self.verbs if one == "*" or one in verbs), None)
        resource = next((one for one in self.resources if any(_fits(one, wanted) for wanted in resources)), None)
        return f"{verb} {resource}" if verb and resource else None


def _fits(given: str, wanted: str) -> bool:
    if given in ("*", wanted):
        return True
    main, _, sub = wanted.partition("/")
    return bool(sub) and given in (f"{main}/*", f"*/{sub}")


def _built_in(*given: tuple[str, str, str]) -> tuple[Grant, ...]:
    return tuple(
        Grant(path="roleRef.name", groups=(group,), resources=(resource,), verbs=(verb,))
        for group, resource, verb in given
    )


_EDIT = (
    ("", "pods/exec", "create"),
    ("", "pods/attach", "create"),
    ("", "pods/portforward", "create"),
    ("", "secrets", "list"),
    ("", "serviceaccounts", "impersonate"),
    ("", "serviceaccounts/token", "create"),
)
BUILT_IN: Mapping[str, tuple[Grant, ...]] = {
    "cluster-admin": _built_in(("*", "*", "*")),
    "admin": _built_in(*_EDIT),
    "edit": _built_in(*_EDIT),
    "view": (),
}
"""Cluster roles that every cluster has, and what rules ask about in them."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role, of a namespace or of the cluster."""

    subject: Subject
    cluster: bool
    grants: tuple[Grant, ...]
    open: tuple[Unknown, ...] = ()
    """Its rules, where they are not known as a whole."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Somebody who is bound to a role."""

    kind: str | Unknown | None
    """`User`, `Group` or `ServiceAccount`."""
    name: str | Unknown | None
    namespace: str | Unknown | None
    path: str


@dataclass(frozen=True, kw_only=True)
class Binding:
    """What gives a role to somebody."""

    subject: Subject
    cluster: bool
    """Whether it holds in every namespace."""
    role_kind: str | Unknown | None
    role: str | Unknown | None
    holders: tuple[Holder, ...] | Unknown


@dataclass(frozen=True, kw_only=True)
class Access:
    """All roles and bindings."""

    roles: tuple[Role, ...]
    bindings: tuple[Binding, ...]

    def role_of(self, binding: Binding) -> Role | None:
        """Return the role that a binding gives; `None` where it is not seen here."""
        namespace = "" if binding.role_kind == "ClusterRole" else binding.subject.namespace
        for role in self.roles:
            if role.subject.name == binding.role and role.subject.namespace == namespace:
                return role
        return None


def access(inventory: Inventory) -> Access:
    """Return all roles and bindings."""
    roles = [_role(item) for kind in ("Role", "ClusterRole") for item in inventory.objects(kind, RBAC)]
    bound = [_binding(item) for kind in ("RoleBinding", "ClusterRoleBinding") for item in inventory.objects(kind, RBAC)]
    return Access(roles=tuple(roles), bindings=tuple(bound))


def _role(item: KubernetesObject) -> Role:
    rules = item.get("rules")
    return Role(
        subject=item.subject,
        cluster=item.kind == "ClusterRole",
        grants=tuple(_grants(item)),
        open=(rules,) if isinstance(rules, Unknown) else (),
    )


def _grants(item: KubernetesObject) -> Iterator[Grant]:
    for index, rule in enumerate(items(item.get("rules"))):
        parts = {key: dig(rule, key) for key in ("apiGroups", "resources", "verbs")}
        listed = [part for value in parts.values() for part in (value, *items(value))]
        yield Grant(
            path=f"rules[{index}]",
            groups=_texts(parts["apiGroups"]),
            resources=_texts(parts["resources"]),
            verbs=_texts(parts["verbs"]),
            open=tuple(part.of(item.subject) for part in listed if isinstance(part, Unknown)),
        )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in items(value) if isinstance(one, str))


def _binding(item: KubernetesObject) -> Binding:
    found = item.get("subjects")
    holders = [
        Holder(
            kind=_text(item, one, "kind"),
            name=_text(item, one, "name"),
            namespace=_text(item, one, "namespace"),
            path=f"subjects[{index}]",
        )
        for index, one in enumerate(items(found))
    ]
    named = (
        (one.path, f"subjects[{one.kind} {one.namespace or ''} {one.name}]")
        for one in holders
        if not any(isinstance(part, Unknown) for part in (one.kind, one.namespace, one.name))
    )
    return Binding(
        subject=replace(item.subject, named=tuple(named)),
        cluster=item.kind == "ClusterRoleBinding",
        role_kind=text(item.get("roleRef", "kind")),
        role=text(item.get("roleRef", "name")),
        holders=found if isinstance(found, Unknown) else tuple(holders),
    )


def _text(item: KubernetesObject, holder: object, key: str) -> str | Unknown | None:
    found = text(dig(holder, key))
    return found.of(item.subject) if isinstance(found, Unknown) else found
