"""What every component shares: its type token, its children's options, and the protection of data."""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import pulumi
from pydantic import BaseModel


class Component(pulumi.ComponentResource):
    """Base of all components.

    A subclass sets `layer`, makes its children with `opts=self.child()` and ends in `self.register_outputs(...)`.
    """

    layer: ClassVar[str]
    """Second part of the type token `kade:<layer>:<Class>`. Never changes without an alias: it is part of every URN."""

    def __init__(self, name: str, args: object | None, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component with the plain part of its arguments as properties.

        Outputs are left out: the engine would hold back every child until they are known, and a secret among them
        would be written a second time into the state.
        """
        super().__init__(f"kade:{self.layer}:{type(self).__name__}", name, plain_inputs(args), opts)

    def child(self, opts: pulumi.ResourceOptions | None = None) -> pulumi.ResourceOptions:
        """Return the options of a child: `opts` if given, and this component as parent."""
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))


class Layer(Component):
    """Stands above a layer in a program that builds several, so that the layer waits for what `depends_on` names.

    A resource waits for its parent's registration, and a component for its dependencies with all their children.
    """

    layer = "all"

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the layer; its resources name it as parent."""
        super().__init__(name, None, opts)
        self.register_outputs({})


def kept(keep: bool) -> pulumi.ResourceOptions:
    """Return the options of a resource that holds data.

    With `keep` (stage production) the engine refuses to delete it, and when it leaves the program nonetheless it is
    forgotten rather than destroyed. Otherwise (sandbox, test) it goes with its stack.
    """
    return pulumi.ResourceOptions(protect=keep, retain_on_delete=keep)


def plain_inputs(args: object | None) -> dict[str, Any]:
    """Return the plan-time values of an arguments dataclass or mapping; Outputs and resources are left out."""
    found = _plain(args)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _plain(value: object) -> Any:
    """Return plain data, or `None` for what is not known at plan time."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        pairs = {str(key): _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
        return {key: item for key, item in pairs.items() if item is not None}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item) for item in cast("list[Any]", value)]
        return [item for item in items if item is not None]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv4Network):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else None
