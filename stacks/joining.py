"""Reading what another network handed over: where the file lies, and what this stack remembers of earlier ones."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pulumi
from pulumi.runtime.invoke import InvokeResult

from inputs.faults import Fault, FaultsError, shown
from stacks.loading import PROJECT, organisation
from stacks.models.cluster import ClusterFile

if TYPE_CHECKING:  # cryptography is loaded only where there are hand-overs
    from stacks.handover.accept import Remembered
    from stacks.handover.document import HandedOver, HandOver

FOLDER_VARIABLE = "KADE_HANDOVER"
"""Names the folder of the hand-over files where it is not `handover` in the organisation's folder."""

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
"""Function of the engine itself. A `StackReference` would end the program when the other stack does not exist yet."""

OUTPUT = "handover"
"""Output in which a stack keeps what it accepted."""


WAITS = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each attempt to read this stack's own outputs: at the start of an `up` the engine writes its state,
and on a backend of files whoever reads meanwhile gets an error."""


def handover_path(cluster: str, layer: HandedOver) -> Path:
    """Return where a layer's hand-over file is looked for. Whoever puts it there need not be trusted: it is signed."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return (Path(folder) if folder else organisation().root / "handover") / f"{cluster}-{layer}.json"


def received(cluster: ClusterFile, layer: HandedOver) -> HandOver | None:
    """Return what a layer handed over, and keep its serial in this stack's outputs; `None` where a preview has none.

    Raises:
        FaultsError: at `up` there is no file; at any time it is not accepted.

    """
    from stacks.handover.accept import accept

    path = handover_path(cluster.name, layer)
    name = shown(path, PROJECT)
    try:
        text = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and pulumi.runtime.is_dry_run():
            pulumi.log.info(f"{name} is not there: what it hands over is unknown in this preview")
            return None
        what = f"the hand-over file cannot be read ({error.strerror})"
        remedy = f"Have it written where {cluster.name}-{layer} is run (`kade handover write`), and put it there."
        raise FaultsError([Fault(name, 0, "", what, remedy)]) from None
    found, now = accept(text, name, cluster, layer, _last())
    pulumi.export(OUTPUT, now.export())
    return found


def _last() -> Remembered | None:
    """Return what this stack kept of the file that it accepted last.

    Raises:
        FaultsError: its own outputs cannot be read, so nobody can tell whether a file is older.

    """
    from stacks.handover.accept import remembered_from

    stack, reason = pulumi.get_stack(), ""
    for wait in WAITS:
        time.sleep(wait)
        try:
            return remembered_from(read_outputs(stack).get(OUTPUT))
        except Exception as error:  # the SDK raises plain `Exception` for whatever the engine refuses
            reason = reason_of(error)
    what = f"what this stack accepted before cannot be read: {reason}"
    remedy = f"Make sure that `pulumi stack output --stack {stack}` works, and run this again."
    raise FaultsError([Fault(f"stack {stack}", 0, OUTPUT, what, remedy)])


def read_outputs(stack: str) -> dict[str, Any]:
    """Return the outputs of a stack of this project.

    Raises:
        Exception: the engine cannot read them; the SDK has no narrower class.

    """
    path = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    result: Any = pulumi.runtime.invoke(READ_OUTPUTS, {"name": path})
    value: Any = result.value if isinstance(result, InvokeResult) else result
    return cast("dict[str, dict[str, Any]]", value or {}).get("outputs") or {}


def reason_of(error: Exception) -> str:
    """Return why the engine refused, without the SDK's wrapping."""
    return str(error).rsplit("failed: ", 1)[-1].strip()
