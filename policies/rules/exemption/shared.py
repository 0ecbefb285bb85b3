"""What the rules on exemptions share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from policies.kernel.exempter import Exempted
from policies.kernel.finding import Outcome, Subject
from policies.kernel.registry import RULES
from policies.kernel.rule import Check, Control, Rule
from policies.kernel.words import About, Decidable, Moment, Status

KIND = "Exemption"


def exemption_rule(slug: str, **fields: Any) -> Callable[[Check], Rule]:
    """Register a rule on exemptions. Nobody is exempted from it: an exemption of an exemption has no end."""
    return RULES.rule(
        id=f"exemption-{slug}",
        category="Exemptions",
        about=About.EXEMPTIONS,
        controls=(Control("BIO2", "1.3", "8.32.01"),),
        decidable=dict.fromkeys(Moment, Decidable.YES),
        exemptable=False,
        **fields,
    )


def subject(exempted: Exempted) -> Subject:
    """Return the exemption as a finding names it, with the place where it is written."""
    file, line = exempted.exemption.place
    return Subject(KIND, exempted.exemption.id, file=file, line=line)


def none_here(exempted: tuple[Exempted, ...]) -> Iterator[Outcome]:
    """Say so where no exemption is meant for what is judged here."""
    if not any(item.meant for item in exempted):
        sentence = "No exemption is meant for this stack." if exempted else "There are no exemptions."
        yield Outcome(status=Status.NOT_APPLICABLE, sentence=sentence)
