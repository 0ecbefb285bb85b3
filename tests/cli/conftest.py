"""The command `kade`, called in a folder of its own with an organisation of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import main

BAD = """\
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {node-role.kubernetes.io/control-plane: ""}}
spec: {}
status: {addresses: [{type: ExternalIP, address: 203.0.113.9}], nodeInfo: {osImage: Talos, kubeletVersion: v1.36.3}}
"""
"""A node that the internet can reach: a certain fail of `haven-privatenetworking`, whatever else there is."""
RULE = "haven-privatenetworking"
Run = Callable[..., int]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home" / "policies").mkdir(parents=True)
    (tmp_path / "home" / "environments").mkdir()
    (tmp_path / "home" / "environments" / "trial.yaml").write_text("cluster: big\nstage: test\n")
    (tmp_path / "home" / "clusters").mkdir()
    (tmp_path / "home" / "clusters" / "big.yaml").write_text("{}")
    monkeypatch.setenv("KADE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KADE_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("KADE_AS_OF", "2026-11-21")
    (tmp_path / "bad.yaml").write_text(BAD)
    return tmp_path


@pytest.fixture
def kade(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(home)

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["kade", *arguments])
        with pytest.raises(SystemExit) as caught:
            main.main()
        return int(caught.value.code or 0)

    return run


def verdict(kade: Run, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    kade("check", *arguments, "--format", "json")
    return json.loads(capsys.readouterr().out)
