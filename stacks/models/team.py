"""The file of a team: who it is, what it may use, and which exceptions its fence has.

`teams/<team>/team.yaml`; the folder's name is the team's name, so it is never a key.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from inputs.validate import FileModel, RuleOfFile
from stacks.models.base import NamedFile

QUANTITY = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>m|Ki|Mi|Gi|Ti|k|M|G|T)?\Z")
FACTORS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip


def amount(quantity: str) -> float:
    """Return a Kubernetes quantity as a number: `500m` is 0.5, `1Ki` is 1024."""
    match = QUANTITY.match(quantity)
    if match is None:
        msg = f"{quantity} is not a quantity"
        raise ValueError(msg)
    return float(match["number"]) * FACTORS[match["unit"] or ""]


def _quantity(value: str) -> str:
    if QUANTITY.match(value) is None:
        msg = "this is not a Kubernetes quantity"
        raise RuleOfFile(msg, 'Write a number with a unit, for example `"4"` or `8Gi`.')
    return value


def _address_range(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        msg = "this is not a range of addresses"
        raise RuleOfFile(msg, "Write for example `10.1.2.0/24`.") from None
    return value


def _repository(value: str) -> str:
    if not value.startswith(("https://", "oci://", "ssh://")) or "*" in value:
        msg = "a repository is one exact address that starts with https://, oci:// or ssh://"
        raise RuleOfFile(
            msg,
            "Name each repository; a pattern would let anything in.",
        )
    return value


Quantity = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(_quantity)]
AddressRange = Annotated[str, AfterValidator(_address_range)]
Repository = Annotated[str, AfterValidator(_repository)]


class Groups(FileModel):
    """Groups of the organisation's directory, as they stand in the token's groups claim."""

    deploy: str = Field(min_length=1)
    """Group whose members may change what runs in the team's namespaces and write the team's secrets."""
    view: str = Field(min_length=1)
    """Group whose members may look at what runs, without secrets."""


class Capacity(FileModel):
    """An amount of computing that may be requested in total."""

    cpu: Quantity
    """Processors, for example `"8"` or `500m`. No default: capacity is a decision."""
    memory: Quantity
    """Memory, for example `16Gi`. No default: capacity is a decision."""
    storage: Quantity
    """Storage of all volumes together, for example `100Gi`. No default: capacity is a decision."""


class Opening(FileModel):
    """A declared exception to the default-deny of the team's namespaces.

    The reason is a key, not a comment, because a reviewer has to judge it and a report shows it.
    """

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")
    """Short name; it becomes part of the NetworkPolicy's name."""
    reason: str = Field(min_length=10)
    """Why the opening is needed, for the reviewer."""
    direction: Literal["in", "out"]
    """`in`: others may call the team's pods. `out`: the team's pods may call others."""
    namespace: str | None = Field(default=None, pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    """The namespace at the other end, inside the cluster. Give this or `range`."""
    range: AddressRange | None = None
    """The range of addresses at the other end, outside the cluster. Give this or `namespace`."""
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(min_length=1)
    """TCP ports. At least one: an opening without ports would be all of them."""

    @model_validator(mode="after")
    def _one_other_end(self) -> Self:
        if (self.namespace is None) == (self.range is None):
            msg = "an opening has one other end"
            raise RuleOfFile(msg, "Give either `namespace` or `range`.")
        if self.range in ("0.0.0.0/0", "::/0") and self.direction == "in":
            msg = "an opening from every address would go round the gateway"
            raise RuleOfFile(
                msg,
                "Give the app a `hostname`; the gateway lets people in.",
                ("range",),
            )
        return self


class TeamFile(NamedFile):
    """A team of the organisation."""

    display_name: str = Field(min_length=1)
    """The team's name as people write it."""
    contact: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """Mail address that reaches the team, also outside office hours when it runs in production."""
    groups: Groups
    """Directory groups that may do something in the team's namespaces."""
    repositories: list[Repository] = Field(default_factory=list[str])
    """Repositories (charts or git) from which the team's apps may be delivered, beside those of its apps' charts.

    Default: none, because everything an app delivers from is named somewhere.
    """
    environments: dict[str, Capacity] = Field(min_length=1)
    """Environments the team deploys into, with what it may use there."""
    openings: list[Opening] = Field(default_factory=list[Opening])
    """Declared exceptions to default-deny, in every namespace of the team. Default: none."""

    @model_validator(mode="after")
    def _openings_differ(self) -> Self:
        names = [opening.name for opening in self.openings]
        for index, name in enumerate(names):
            if name in names[:index]:
                msg = f"two openings are called {name}"
                raise RuleOfFile(msg, "Give each its own name.", ("openings", index, "name"))
        return self
