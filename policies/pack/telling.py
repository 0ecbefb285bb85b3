"""One line for the reader at the end of a run, through the engine's own log."""

from __future__ import annotations

from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

SECONDS = 2.0
"""Longest wait for the engine: the line is a courtesy, the verdict is in its file."""


def tell(address: str, text: str) -> bool:
    """Show a line among the run's diagnostics, and return whether the engine took it.

    A pack's own output would be shown as an error, and an advisory violation would look like something to repair.
    """
    if not address:
        return False
    try:
        with grpc.insecure_channel(address) as channel:
            stub: Any = engine_pb2_grpc.EngineStub(channel)  # the generated types do not know their own messages
            stub.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text), timeout=SECONDS)
    except grpc.RpcError:
        return False
    return True
