"""What it takes to keep one type of the vSphere provider in a vCenter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from rehearsal.plugins.standin import StandInError
from rehearsal.plugins.values import Props
from rehearsal.plugins.vsphere_session import VCenter


class ExistsError(StandInError):
    """The vCenter has such an object already, so none was made."""


class Way(ABC):
    """One type. Ids are those of the official provider; properties are plain, as the program names them."""

    noun: ClassVar[str]
    """What people call it."""

    @abstractmethod
    def find(self, vcenter: VCenter, inputs: Props) -> str | None:
        """Return the id of the object that these inputs name, or `None`."""

    def ours(self, id_: str, mark: str) -> bool:
        """Say whether an object is the one that was to be made with a mark; most objects carry none."""
        del id_, mark
        return True

    @abstractmethod
    def make(self, vcenter: VCenter, inputs: Props, mark: str) -> str:
        """Make an object and return its id. `change` is called after it, from nothing to these inputs."""

    @abstractmethod
    def read(self, vcenter: VCenter, id_: str, inputs: Props) -> Props | None:
        """Return the properties that the vCenter knows; `None` where the object is gone.

        Lists without an order come in the order of `inputs` where they hold the same.
        """

    @abstractmethod
    def change(self, vcenter: VCenter, id_: str, olds: Props, news: Props) -> None:
        """Bring an object to its inputs. May be asked again for the same."""

    @abstractmethod
    def remove(self, vcenter: VCenter, id_: str) -> None:
        """Remove an object that is there."""

    def outputs(self, vcenter: VCenter, id_: str, inputs: Props) -> Props:
        """Return what the vCenter adds to the inputs."""
        del vcenter, id_, inputs
        return {}


def in_order(found: Sequence[str], given: object) -> list[str]:
    """Return what was found in the given order where it is the same, else sorted."""
    if isinstance(given, list) and sorted(map(str, given)) == sorted(found):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # a list of the program
        return [str(one) for one in given]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return sorted(found)
