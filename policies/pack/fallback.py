"""The SDK's own resources turned back into the engine's messages, for a pack that runs without the seam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from google.protobuf import struct_pb2
from pulumi.runtime import proto

_TARGET = "__target"
_PROXIES = ("_DictProxy", "_ListProxy")


def messages(resources: Any) -> Iterator[Any]:
    """Yield the engine's message for each resource. Marks of secrets are gone: the model's own lists still hold."""
    for resource in resources:
        properties = struct_pb2.Struct()
        properties.update(_unwrapped(resource.props))
        yield proto.AnalyzerResource(
            type=resource.resource_type,
            urn=resource.urn,
            name=resource.name,
            properties=properties,
            parent=resource.parent.urn if resource.parent else "",
            dependencies=[found.urn for found in resource.dependencies],
            propertyDependencies={
                name: proto.AnalyzerPropertyDependencies(urns=[found.urn for found in origins])
                for name, origins in resource.property_dependencies.items()
            },
        )


def _unwrapped(value: Any) -> Any:
    """Take the SDK's proxies off, so that unknown values stay what they are instead of raising."""
    if value.__class__.__name__ in _PROXIES:
        return _unwrapped(value[_TARGET])
    if isinstance(value, dict):
        return {str(key): _unwrapped(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_unwrapped(item) for item in cast("list[Any]", value)]
    return value if isinstance(value, str | int | float | bool) or value is None else ""
