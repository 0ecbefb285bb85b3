"""The administrator's kubeconfig for an emergency: it rides along encrypted with age, for the few who may open it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from inputs.faults import Fault, FaultsError

_AGE: Any = importlib.import_module("pyrage")  # it has no types


def encrypted_kubeconfig(outputs: Mapping[str, Any], recipients: Sequence[str], stack: str) -> str:
    """Return the kubeconfig in a stack's outputs, encrypted to age recipients (`age1…`) or SSH public keys.

    Raises:
        FaultsError: a recipient is none, or the stack has no kubeconfig.

    """
    found = [_recipient(text, number) for number, text in enumerate(recipients, 1)]
    kubeconfig: Any = cast("dict[str, Any]", outputs.get("handle") or {}).get("kubeconfig")
    if not kubeconfig:
        what = "it has no kubeconfig that could ride along: only the stack of the layer cluster makes one"
        raise FaultsError([Fault(f"stack {stack}", 0, "--break-glass", what, "Leave the option out.")])
    made: bytes = _AGE.encrypt(str(kubeconfig).encode("utf-8"), found, armored=True)
    return made.decode("ascii")


def _recipient(text: str, number: int) -> Any:
    kind = _AGE.ssh.Recipient if text.startswith("ssh-") else _AGE.x25519.Recipient
    try:
        return kind.from_str(text.strip())
    except _AGE.RecipientError:
        # The text is not shown: who gives an identity by mistake must not find it in a log.
        what = f"recipient {number} is no age recipient and no SSH public key"
        remedy = "Give what `age-keygen` printed as public key (`age1…`), or a line `ssh-ed25519 …`."
        raise FaultsError([Fault("kade handover write", 0, "--break-glass", what, remedy)]) from None
