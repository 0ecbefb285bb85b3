"""Models of what joins layers that run in separate networks: keys of hand-over files, and groups of runners."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from inputs.validate import FileModel, RuleOfFile, RulesOfFile
from stacks.models.base import Name, strict_base64

PUBLIC_KEY_BYTES = 32


def _key(text: str) -> str:
    try:
        if len(strict_base64(text)) != PUBLIC_KEY_BYTES:
            raise ValueError
    except ValueError:
        remedy = "Take over what `kade handover keygen` printed: 44 characters that end in `=`."
        what = "it is no public key of a hand-over"
        raise RuleOfFile(what, remedy) from None
    return text


PublicKeyText = Annotated[str, AfterValidator(_key)]
"""A public Ed25519 key: its 32 bytes in base64."""


class HandOverKey(FileModel):
    """A key whose signature is accepted."""

    name: Name
    """Name of the key, for example `platform-2026`: files say with which one they are signed."""
    key: PublicKeyText
    """Public half, as `kade handover keygen` prints it. The private half never leaves the network that signs."""


def _different(keys: tuple[HandOverKey, ...]) -> tuple[HandOverKey, ...]:
    rules: list[RuleOfFile] = []
    for field in ("name", "key"):
        seen: set[str] = set()
        for index, one in enumerate(keys):
            value = str(getattr(one, field))
            if value in seen:
                what = f"the same {'name' if field == 'name' else 'key'} stands here twice"
                rules.append(RuleOfFile(what, "Give each key a name of its own, once.", (index, field)))
            seen.add(value)
    if rules:
        raise RulesOfFile(rules)
    return keys


class HandOverSettings(FileModel):
    """How layers of this cluster are joined where they do not share a network."""

    public_keys: Annotated[tuple[HandOverKey, ...], Field(min_length=1, max_length=2), AfterValidator(_different)]
    """Keys whose signatures are accepted: one, or two while one takes over from the other."""


def _not_kubernetes_own(name: str) -> str:
    if name.startswith("system:"):
        what = f"`{name}` is a group of Kubernetes itself"
        raise RuleOfFile(what, "Name a group that your own certificates or tokens carry.")
    return name


Group = Annotated[str, StringConstraints(pattern=r"^[^\s,]{1,200}$"), AfterValidator(_not_kubernetes_own)]
"""A group as the API server sees it; one from a token has the prefix `oidc:` there."""


class Runners(FileModel):
    """Groups of the runners that bring their own credentials. The cluster layer gives each what its layer makes."""

    services: tuple[Group, ...] = ()
    """Groups of runners of the services layer. They can become administrator: the GitOps engine that they install is
    one. Default: none, and then the organisation gives them their rights itself."""
    teams: tuple[Group, ...] = ()
    """Groups of runners of teams' stacks: they make fences, and touch no namespace that is not a team's but that of
    the GitOps engine. Default: none, as for `services`."""
