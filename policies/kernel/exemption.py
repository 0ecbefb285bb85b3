"""Exemptions: who accepted what, why, and until when. They stand beside a status and never change it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from inputs.faults import Fault, FaultsError
from inputs.validate import FileModel, RuleOfFile, parse
from inputs.yaml import dotted, load
from policies.kernel.registry import Registry
from policies.kernel.settings import SettingsFile

Text = Annotated[str, Field(min_length=1)]


class Selector(FileModel):
    """Which findings of the rule are meant. Everything that is given must fit; `*` stands for any text."""

    stack: str | None = None
    """Name of the stack. Default: every stack."""
    kind: str | None = None
    """Kind or type of the object."""
    namespace: str | None = None
    """Namespace of the object."""
    name: str | None = None
    """Name of the object."""
    fingerprint: str | None = None
    """One finding, by the fingerprint that the verdict shows."""

    @model_validator(mode="after")
    def _narrow(self) -> Selector:
        if all(value in (None, "*") for value in (self.kind, self.namespace, self.name, self.fingerprint)):
            what = "it selects everything"
            raise RuleOfFile(what, "Name the object (`kind`, `namespace`, `name`) or the finding's `fingerprint`.")
        return self


class Exemption(FileModel):
    """One exemption."""

    id: Text
    """Short name, unique in the file."""
    rule: Text
    """Id of the rule."""
    selector: Selector
    """Which findings of the rule are meant."""
    reason: Text
    """Why it is accepted."""
    category: Literal["waiver", "mitigated"]
    """`waiver`: the risk is accepted. `mitigated`: something else covers it, see `how`."""
    how: str | None = None
    """What covers the risk; required for `mitigated`."""
    owner: Text
    """Who answers for it."""
    approver: Text
    """Who approved it: one of the `approvers` in the settings, and not the owner."""
    ticket: Text
    """Where the decision is written down."""
    created: date
    """Day on which it was approved."""
    expires: date
    """Last day on which it holds."""
    _place: tuple[str, int] = PrivateAttr(default=("", 0))

    @model_validator(mode="after")
    def _consistent(self) -> Exemption:
        if self.category == "mitigated" and not self.how:
            what = "it says `mitigated` but not how"
            raise RuleOfFile(what, "Add `how:` with what covers the risk.")
        if self.approver == self.owner:
            what = "owner and approver are the same"
            raise RuleOfFile(what, "Have somebody else approve it.", ("approver",))
        if self.expires <= self.created:
            what = "it ends before it begins"
            raise RuleOfFile(what, "Write a later day in `expires`.", ("expires",))
        return self

    @property
    def place(self) -> tuple[str, int]:
        """File and line where it stands; empty and 0 where it was not read from a file."""
        return self._place

    def at(self, file: str, line: int) -> Exemption:
        """Remember where it stands, and return it."""
        self._place = (file, line)
        return self


class ExemptionsFile(FileModel):
    """Model of `policies/exemptions.yaml`."""

    exemptions: tuple[Exemption, ...] = ()
    """The exemptions; an empty list is the best one."""

    @model_validator(mode="after")
    def _unique(self) -> ExemptionsFile:
        seen: set[str] = set()
        for index, exemption in enumerate(self.exemptions):
            if exemption.id in seen:
                what = f"the id `{exemption.id}` stands here twice"
                raise RuleOfFile(what, "Give each exemption an id of its own.", ("exemptions", index, "id"))
            seen.add(exemption.id)
        return self


def read_exemptions(
    path: Path, registry: Registry, settings: SettingsFile, root: Path | None = None
) -> tuple[Exemption, ...]:
    """Return the exemptions; none where there is no file.

    Raises:
        FaultsError: every fault in the file, with its line.

    """
    if not path.exists():
        return ()
    document = load(path, root)
    if document.data is None:
        return ()
    found = parse(ExemptionsFile, document).exemptions
    faults: list[Fault] = []
    for index, exemption in enumerate(found):
        for key, what, remedy in _faults(exemption, registry, settings):
            where = ("exemptions", index, key)
            faults.append(Fault(document.file, document.line(where), dotted(where), what, remedy))
    if faults:
        raise FaultsError(faults)
    return tuple(item.at(document.file, document.line(("exemptions", i))) for i, item in enumerate(found))


def _faults(exemption: Exemption, registry: Registry, settings: SettingsFile) -> list[tuple[str, str, str]]:
    """Return what is wrong as key, fault and remedy."""
    rule = registry.find(exemption.rule)
    if rule is None:
        return [("rule", "there is no such rule", registry.guess(exemption.rule))]
    faults: list[tuple[str, str, str]] = []
    if not rule.exemptable:
        faults.append(
            ("rule", f"nobody can be exempted from `{rule.id}`", "Remove the exemption and repair the cause.")
        )
    if exemption.approver not in settings.approvers:
        remedy = f"Approvers: {', '.join(settings.approvers) or 'none yet; add some to the settings'}."
        faults.append(("approver", "not one of the approvers in the settings", remedy))
    longest = settings.longest(rule.severity)
    if (exemption.expires - exemption.created).days > longest:
        what = f"longer than the {longest} days that a rule of severity {rule.severity} allows"
        faults.append(("expires", what, "Choose an earlier day."))
    return faults
