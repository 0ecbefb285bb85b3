"""The pack as a process that the engine starts, and what it tells the engine's log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, engine_pb2, engine_pb2_grpc

from policies.pack import telling

ROOT = Path(__file__).parents[2]


@pytest.fixture
def started(engine: Any) -> Any:
    """The pack as the engine starts it: a process that prints its port."""
    environment = {**os.environ, "KADE_HOME": str(engine.home), "KADE_OUT": str(engine.folder / "out")}
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(ROOT / "policies")]
    process = subprocess.Popen(
        command, cwd=engine.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    yield process, port
    process.terminate()
    out, err = process.communicate(timeout=10)
    assert out == ""
    assert err == ""


def test_the_started_process_answers_over_grpc_and_prints_nothing(started: Any, engine: Any) -> None:
    _, port = started
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = analyzer_pb2_grpc.AnalyzerStub(channel)
        stub.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(engine_address="127.0.0.1:1"))
        stub.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="demo", project="kade", dry_run=True))
        assert len(stub.GetAnalyzerInfo(empty_pb2.Empty()).policies) >= 20
        response = stub.AnalyzeStack(proto.AnalyzeStackRequest(resources=engine.messages("demo", engine.everything())))
    assert [d for d in response.diagnostics if d.enforcementLevel == proto.MANDATORY] == []
    verdict = json.loads((engine.folder / "out" / "demo" / "verdict.json").read_text())
    assert verdict["summary"]["haven"]["passed"] == 11


def test_a_started_process_with_bad_settings_refuses_the_run(engine: Any, request: pytest.FixtureRequest) -> None:
    engine.write("policies/settings.yaml", "strikt: true\n")
    _, port = request.getfixturevalue("started")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = analyzer_pb2_grpc.AnalyzerStub(channel)
        with pytest.raises(grpc.RpcError) as raised:
            stub.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="demo", project="kade"))
    told = str(raised.value)
    assert "settings.yaml:1: strikt: there is no such key. Did you mean `strict`?" in told


def test_the_summary_is_told_through_the_engines_log(engine: Any) -> None:
    heard: list[Any] = []

    class Log(engine_pb2_grpc.EngineServicer):
        def Log(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
            heard.append(request)
            return empty_pb2.Empty()

    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    engine_pb2_grpc.add_EngineServicer_to_server(Log(), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        servicer = engine.servicer(engine.pack())
        servicer.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(engine_address=address), None)
        servicer.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="demo", project="kade"), None)
        servicer.AnalyzeStack(proto.AnalyzeStackRequest(resources=engine.messages("demo", engine.everything())), None)
    finally:
        server.stop(0)
    (line,) = heard
    assert line.severity == engine_pb2.INFO
    assert line.message.startswith("haven: 11 pass, 0 fail, 4 undetermined of 15; report: ")


def test_an_engine_that_does_not_listen_changes_nothing() -> None:
    assert telling.tell("", "x") is False
    assert telling.tell("127.0.0.1:1", "x") is False
