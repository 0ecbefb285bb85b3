"""exemption-unused: an exemption that fits nothing is removed."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.exempter import Exempted
from policies.kernel.finding import Outcome
from policies.kernel.rule import NoParameters
from policies.kernel.words import Severity, Status
from policies.rules.exemption.shared import exemption_rule, none_here, subject


@exemption_rule(
    "unused",
    title="Every exemption is still needed",
    rationale="An exemption that fits nothing today will one day silently fit something that nobody approved.",
    severity=Severity.LOW,
    looks_at="Whether each exemption that is meant for this stack fits a finding of its rule. Where the rule looked at"
    " nothing here, nothing is said; where its findings are undetermined, neither is this known.",
    fix="Remove the exemption.",
)
def unused(exempted: tuple[Exempted, ...], _parameters: NoParameters) -> Iterator[Outcome]:
    """Look for exemptions that fit nothing."""
    yield from none_here(exempted)
    for item in (item for item in exempted if item.meant):
        who = f"the exemption `{item.exemption.id}` from `{item.exemption.rule}`"
        if item.used:
            count = f"{item.used} finding{'' if item.used == 1 else 's'}"
            yield Outcome(status=Status.PASS, subject=subject(item), sentence=f"It is used: {who} fits {count}.")
        elif not item.judged:
            sentence = f"Its rule looked at nothing here, so {who} may be needed elsewhere."
            yield Outcome(status=Status.NOT_APPLICABLE, subject=subject(item), sentence=sentence)
        elif item.open:
            yield Outcome(
                status=Status.UNDETERMINED,
                subject=subject(item),
                sentence=f"It is open whether it is needed: {who} fits only what is itself undetermined.",
                delegate=f"the rule `{item.exemption.rule}`, once it knows",
            )
        else:
            yield Outcome(
                status=Status.FAIL,
                subject=subject(item),
                sentence=f"It is unused: {who} fits no finding.",
                path="selector",
                expected="fits a finding",
                actual="fits none",
            )
