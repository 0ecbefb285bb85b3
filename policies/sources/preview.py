"""The preview source: the resources that the engine shows a policy pack, at preview and at `up`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from policies.model.resource import Inventory, Provider, Resource
from policies.model.values import COMPUTED, Data, unknowns
from policies.sources.wire import Struct, merged, plain

RENDERED = ("renderYamlToDirectory", "renderYAMLToDirectory")


def inventory(resources: Iterable[Any], inputs: Mapping[str, Struct] | None = None) -> Inventory:
    """Return the inventory of a stack.

    `resources` are the engine's `AnalyzerResource` messages with the outputs of each resource; `inputs` the properties
    that the program asked for, by URN, as far as they were seen.
    """
    asked = inputs or {}
    return Inventory(tuple(_resource(message, asked.get(message.urn)) for message in resources))


def _resource(message: Any, asked: Struct | None) -> Resource:
    return Resource(
        type=message.type,
        name=message.name,
        urn=message.urn,
        parent=message.parent,
        dependencies=message.dependencies,
        property_dependencies={name: value.urns for name, value in message.propertyDependencies.items()},
        provider=_provider(message),
        load=_loader(message, asked),
    )


def _provider(message: Any) -> Provider | None:
    if not message.HasField("provider"):
        return None
    properties = message.provider.properties.fields
    return Provider(type=message.provider.type, renders=any(name in properties for name in RENDERED))


def _loader(message: Any, asked: Struct | None) -> Callable[[], Data]:
    """Return what converts the properties, once somebody asks."""
    hidden = frozenset(message.options.additionalSecretOutputs)

    def load() -> Data:
        outputs = plain(message.properties, message.type, hidden)
        if asked is None or not _open(outputs, asked):
            return outputs
        return merged(outputs, plain(asked, message.type, hidden))

    return load


def _open(outputs: Data, asked: Struct) -> bool:
    """Whether what was asked for could add something: most resources say everything themselves."""
    return any(name not in outputs for name in asked.fields) or any(gap.why == COMPUTED for gap in unknowns(outputs))
