"""The engine's side of the pack: messages made from data, and a servicer to send them to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import proto

from policies import fixtures
from policies.fixtures import SECRET, UNKNOWN, Case, Example
from policies.kernel.registry import Registry
from policies.kernel.verdict import Verdict
from policies.kernel.words import Layer
from policies.pack import seam
from policies.pack.run import Pack
from policies.rules import load
from policies.sources.wire import SECRET_SIGNATURE, SIGNATURE

BLOCKS = (
    "control-planes",
    "workers",
    "tags",
    "image",
    "machines",
    "placement",
    "approver",
    "metrics-server",
    "cert-manager",
    "issuer",
    "loki",
    "alloy",
    "nfs",
    "block",
    "cloud-provider",
    "kyverno-policies",
    "elsewhere",
)
UNKNOWN_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def wire(value: Any) -> Any:
    """Write a fixture's value as the engine sends it."""
    if value == UNKNOWN:
        return UNKNOWN_VALUE
    if isinstance(value, str) and value.startswith(SECRET):
        return {SIGNATURE: SECRET_SIGNATURE, "value": value.removeprefix(SECRET)}
    if isinstance(value, Mapping):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [wire(item) for item in value]
    return value


def struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    result = struct_pb2.Struct()
    result.update(wire(properties))
    return result


def urn(stack: str, example: Example) -> str:
    return f"urn:pulumi:{stack}::kade::{example.type}::{example.name}"


def message(stack: str, example: Example, urns: Mapping[str, str]) -> Any:
    provider = None
    if example.renders:
        properties = struct({"renderYamlToDirectory": "out/gitops"})
        provider = proto.AnalyzerProviderResource(type="pulumi:providers:kubernetes", properties=properties)
    origins = {name: [urns[origin] for origin in found] for name, found in example.origins.items()}
    return proto.AnalyzerResource(
        type=example.type,
        urn=urn(stack, example),
        name=example.name,
        properties=struct(example.properties),
        provider=provider,
        dependencies=sorted({found for names in origins.values() for found in names}),
        propertyDependencies={name: proto.AnalyzerPropertyDependencies(urns=found) for name, found in origins.items()},
    )


class AbortedError(Exception):
    """What gRPC does when a servicer aborts."""


class Context:
    """The part of gRPC's context that the servicer uses."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        msg = f"{code.name}: {details}"
        raise AbortedError(msg)


@dataclass
class Answer:
    """What a run left behind."""

    response: Any
    folder: Path
    messages: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def verdict(self) -> dict[str, Any]:
        return json.loads((self.folder / "verdict.json").read_text())

    def finding(self, rule: str) -> dict[str, Any]:
        found = [item for item in self.verdict["findings"] if item["rule"] == rule]
        assert found, f"{rule} said nothing"
        return found[0]

    def diagnostics(self, rule: str) -> list[Any]:
        return [item for item in self.response.diagnostics if item.policyName == rule]


class Engine:
    """Drives the real servicer as the engine does."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        self.home = folder / "organisation"
        self.write("clusters/demo.yaml", "{}")
        self.write("environments/demo.yaml", "cluster: demo\nstage: sandbox\n")
        self.write("clusters/big.yaml", "{}")
        self.write("environments/live.yaml", "cluster: big\nstage: production\n")
        self.write("environments/trial.yaml", "cluster: big\nstage: test\n")

    def write(self, name: str, content: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def pack(self, day: date = date(2026, 11, 21), registry: Registry | None = None) -> Pack:
        environment = {"KADE_HOME": str(self.home), "KADE_OUT": str(self.folder / "out"), "KADE_AS_OF": day.isoformat()}
        return Pack.start(registry or self.registry, environment)

    def servicer(self, pack: Pack) -> Any:
        from pulumi_policy import EnforcementLevel

        return seam.servicer(pack)("kade", "0.0.1", seam.policies(pack), EnforcementLevel.ADVISORY, None)

    def run(
        self,
        resources: Iterable[Example],
        stack: str = "demo",
        *,
        day: date = date(2026, 11, 21),
        configure: bool = True,
        asked: Iterable[Example] = (),
        dry_run: bool = True,
        registry: Registry | None = None,
    ) -> Answer:
        servicer, context = self.servicer(self.pack(day, registry)), Context()
        if configure:
            request = proto.AnalyzerStackConfigureRequest(stack=stack, project="kade", dry_run=dry_run)
            servicer.ConfigureStack(request, context)
        for example in asked:
            request = proto.AnalyzeRequest(
                type=example.type, urn=urn(stack, example), name=example.name, properties=struct(example.properties)
            )
            servicer.Analyze(request, context)
        request = proto.AnalyzeStackRequest(resources=self.messages(stack, resources))
        response = servicer.AnalyzeStack(request, context)
        return Answer(response, self.folder / "out" / stack)

    @staticmethod
    def everything() -> list[Example]:
        """Resources of every aspect together: a whole cluster that is as it should be."""
        return list(fixtures._examples(fixtures._Case(title="everything", use=BLOCKS), "haven"))

    @staticmethod
    def messages(stack: str, resources: Iterable[Example]) -> list[Any]:
        """What the engine sends for resources."""
        found = list(resources)
        urns = {example.name: urn(stack, example) for example in found}
        return [message(stack, example, urns) for example in found]

    def verdict(self) -> Verdict:
        """The verdict over everything, before it is written."""
        pack = self.pack()
        pack.begin("demo", "kade", dry_run=True)
        return pack.judge(self.messages("demo", self.everything()), pack.settings())

    def judge(self, case: Case) -> Answer:
        self.exempt(case)
        return self.run(case.resources, stack_of(case.layers), day=case.day)

    def judge_alone(self, case: Case) -> Answer:
        """Judge a case by its own rule only, without a report for people, and whatever case came before.

        Rules about exemptions look at what all others say.
        """
        shutil.rmtree(self.home / "policies", ignore_errors=True)
        self.exempt(case)
        alone = None if case.rule.startswith("exemption-") else self.registry.select((case.rule,))
        with mock.patch("policies.reports.html.render", return_value=""):
            return self.run(case.resources, stack_of(case.layers), day=case.day, registry=alone)

    def exempt(self, case: Case) -> None:
        """Write the exemptions of a case, where it has any."""
        if case.exemptions:
            approvers = sorted({str(item["approver"]) for item in case.exemptions})
            self.write("policies/settings.yaml", json.dumps({"approvers": approvers}))
            self.write("policies/exemptions.yaml", json.dumps({"exemptions": case.exemptions}))


def stack_of(layers: tuple[Layer, ...] | None) -> str:
    if layers is None:
        return "foreign"
    if set(layers) == set(Layer):
        return "demo"
    (layer,) = layers
    return "live-team-burgerzaken" if layer is Layer.TEAMS else f"big-{layer}"


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load()


@pytest.fixture
def engine(tmp_path: Path, registry: Registry) -> Engine:
    return Engine(tmp_path, registry)


@pytest.fixture(scope="session")
def one_engine(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Engine:
    """One for many cases, of which each begins anew (`judge_alone`)."""
    return Engine(tmp_path_factory.mktemp("engine"), registry)


@pytest.fixture
def resource() -> Callable[..., Example]:
    def make(type: str, name: str, origins: dict[str, list[str]] | None = None, **properties: Any) -> Example:
        return Example(type, name, properties, origins or {})

    return make
