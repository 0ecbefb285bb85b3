"""API services, and whether each answers."""

from __future__ import annotations

from collections.abc import Mapping

from policies.model.resource import Inventory
from policies.model.values import Unknown, dig, items


def answering(inventory: Inventory) -> Mapping[str, bool | Unknown]:
    """Return whether each API service answers, by name; those that do not say it are left out."""
    found: dict[str, bool | Unknown] = {}
    for item in inventory.objects("APIService", "apiregistration.k8s.io"):
        conditions = item.get("status", "conditions")
        if isinstance(conditions, Unknown):
            found[item.name] = conditions
        for condition in items(conditions):
            if dig(condition, "type") == "Available":
                found[item.name] = dig(condition, "status") == "True"
    return found
