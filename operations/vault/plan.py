"""From what is in Vault to what should be there: first said, then done, and the second time nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from operations.vault.client import Body, Client, VaultError
from operations.vault.compare import same
from operations.vault.wanted import RUNNERS, Wanted

Kind = Literal["make", "change", "remove"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing to do."""

    kind: Kind
    what: str
    path: str
    wanted: Wanted | None = None
    """What to write; `None` where something is taken away."""
    differing: tuple[str, ...] = ()
    """Names of what differs, without a value."""

    def __str__(self) -> str:
        """Show the change on one line."""
        why = f" ({', '.join(self.differing)})" if self.differing else ""
        return f"{self.kind:<6} {self.path}{why}: {self.what}"


def plan(client: Client | None, wanted: Sequence[Wanted], policies: frozenset[str] | None = None) -> list[Change]:
    """Return what is to be done; `client` is `None` for a Vault that is still empty.

    Args:
        client: who asks.
        wanted: what should be there.
        policies: names of the runners' policies that anybody may still need; others of that kind are removed. By
            default none is.

    Raises:
        VaultError: Vault does not answer, does not let this login look, or has something else where an engine or a
            method should be.

    """
    if client is None:
        return [Change(kind="make", what=one.what, path=one.path, wanted=one) for one in wanted]
    found = [change for one in wanted if (change := _change(client, one)) is not None]
    return found if policies is None else [*found, *_unneeded(client, wanted, policies)]


def _change(client: Client, one: Wanted) -> Change | None:
    existing = client.read(one.path)
    if existing is None:
        return Change(kind="make", what=one.what, path=one.path, wanted=one)
    if one.is_mount:
        if _type(one.body) == _type(existing):
            return None
        msg = f"{one.path} is of type {existing.get('type')}, not {one.body['type']}. Move it away first."
        raise VaultError(msg)
    differing = tuple(sorted(key for key, value in one.body.items() if not same(value, existing.get(key))))
    differing += tuple(f"{key} is written again" for key in sorted(one.secret))
    return Change(kind="change", what=one.what, path=one.path, wanted=one, differing=differing) if differing else None


def _type(mount: Body) -> str:
    options: Body = mount.get("options") or {}
    return "kv-v2" if mount.get("type") == "kv" and options.get("version") == "2" else str(mount.get("type"))


def _unneeded(client: Client, wanted: Sequence[Wanted], policies: frozenset[str]) -> Iterator[Change]:
    """Yield the policies of runners whose stack is gone, and their roles."""
    for name in client.names("sys/policies/acl"):
        if name.startswith("runner-") and name not in policies:
            what = "policy of a runner whose stack the files no longer have"
            yield Change(kind="remove", what=what, path=f"sys/policies/acl/{name}")
    if any(one.path == f"sys/auth/{RUNNERS}" for one in wanted) and client.read(f"sys/auth/{RUNNERS}") is not None:
        for name in client.names(f"auth/{RUNNERS}/role"):
            if f"runner-{name}" not in policies and "-team-" in name:
                what = "role of a runner whose stack the files no longer have"
                yield Change(kind="remove", what=what, path=f"auth/{RUNNERS}/role/{name}")


def apply(client: Client, changes: Sequence[Change], say: Callable[[str], None]) -> None:
    """Do what was planned, in order.

    Raises:
        VaultError: Vault refuses one of them; what was done before stays, and the next run goes on from there.

    """
    for change in changes:
        if change.wanted is None:
            client.delete(change.path)
        else:
            hidden = [str(value) for value in change.wanted.secret.values()]
            client.write(change.path, {**change.wanted.body, **change.wanted.secret}, hidden)
        say(f"  {change}")
