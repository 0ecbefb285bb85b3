"""The `services:` part of a cluster file: a model made from the catalogue of services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field, create_model, field_validator

from components.services.catalogue import CATALOGUE
from inputs.faults import nearest
from inputs.validate import FileModel, RuleOfFile


class ServicesBase(FileModel):
    """Services of the catalogue that the cluster has, each with its settings."""

    @field_validator("*", mode="before")
    @classmethod
    def _settings(cls, value: object) -> object:
        if value is None:
            what = "a service stands here without settings"
            raise RuleOfFile(what, "Write `{}` for a service with its defaults, or remove the line.")
        return value

    @property
    def chosen(self) -> dict[str, FileModel]:
        """The services that stand in the file, by name."""
        fields = type(self).model_fields
        return {
            fields[name].alias or name: cast("FileModel", getattr(self, name))
            for name in fields
            if name in self.model_fields_set
        }


def _model() -> type[ServicesBase]:
    """Make the model: one optional key per service, so that a typing mistake in a setting is found with its line."""
    fields: dict[str, Any] = {
        name.replace("-", "_"): (definition.settings, Field(default=None, alias=name))
        for name, definition in CATALOGUE.items()
    }
    return create_model("ServicesModel", __base__=ServicesBase, __doc__=ServicesBase.__doc__, **fields)


def service_rules(services: Mapping[str, object]) -> list[RuleOfFile]:
    """Return what is wrong with the choice: services whose requirements are not chosen."""
    rules: list[RuleOfFile] = []
    for name in services:
        for required in CATALOGUE[name].requires:
            if required not in services:
                what = f"`{name}` does not work without `{required}`"
                guess = nearest(required, list(services))
                remedy = f"Add `{required}: {{}}` under `services`. {guess}".rstrip()
                rules.append(RuleOfFile(what, remedy, ("services", name)))
    return rules


if TYPE_CHECKING:
    ServicesModel = ServicesBase
else:
    ServicesModel = _model()
