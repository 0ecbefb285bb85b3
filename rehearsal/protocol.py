"""The engine's gRPC messages, without the rest of the Pulumi SDK.

A language host or plugin needs only the generated classes in `pulumi.runtime.proto`; importing them the usual way runs
the whole SDK first and doubles the start of each process (0.2 s against 0.1 s, five processes a run).
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

MAX_MESSAGE_BYTES = 400 * 1024 * 1024
"""Largest message accepted, in bytes. The Python SDK and the engine use the same number."""

GRPC_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
)


def skip_sdk() -> None:
    """Make `pulumi` and `pulumi.runtime` empty packages, so that only `pulumi.runtime.proto` is imported below them.

    Only for processes that never use the SDK itself: call it first, before anything imports `pulumi`.
    """
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        msg = "The Pulumi SDK is not installed in this Python environment. Run `make setup`."
        raise SystemExit(msg)
    base = Path(next(iter(spec.submodule_search_locations)))
    for name, folder in (("pulumi", base), ("pulumi.runtime", base / "runtime")):
        module = types.ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
