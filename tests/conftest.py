"""Build a program under mocks, and look at what it would make as plain data."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi
import pytest
from pulumi.output import Unknown
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc, settings, stack
from pulumi.runtime.sync_await import _sync_await

from stacks.credentials import NAMESPACE, SECRETS

UNKNOWN = "<unknown>"
"""Stands for a value that a preview cannot know."""

Call = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Resource:
    """One resource as the engine would get it."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    """Inputs as plain data under the provider's own names; secrets are unwrapped, unknown ones are `UNKNOWN`."""
    secrets: frozenset[str]
    """Top-level inputs that are marked secret, wholly or somewhere inside."""
    provider: str
    """Reference to its provider; empty for components and providers."""
    parent: str
    custom: bool
    depends_on: tuple[str, ...]
    property_depends_on: dict[str, tuple[str, ...]]
    ignore_changes: tuple[str, ...]
    protect: bool
    retain_on_delete: bool
    secret_outputs: tuple[str, ...]
    replacement_trigger: Any
    """Value whose change replaces the resource; `None` where there is none."""


@dataclass
class Built:
    """What one build made."""

    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    """By logical name, or `<type> <name>` where two types share a name."""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    """Functions that were invoked, with their arguments."""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the stack exports."""
    result: Any = None
    """What the program returned."""

    def of_type(self, token: str) -> list[Resource]:
        return [resource for resource in self.resources.values() if resource.type == token]

    @property
    def urns(self) -> list[str]:
        return sorted(resource.urn for resource in self.resources.values())


class Build(Protocol):
    """Runs a function under mocks."""

    def __call__(
        self,
        program: Callable[[], Any],
        *,
        preview: bool = False,
        stack: str = "sandbox",
        calls: Mapping[str, Call] | None = None,
        secrets: bool = True,
    ) -> Built: ...


class Refused(Exception):  # noqa: N818  # reads as what it is where a call raises it
    """Raised by a call that the engine or a provider refuses."""


def _named(args: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"{args.get('name', 'only')}-id", "resourcePoolId": f"{args.get('name', 'only')}-pool"}


LOOK_UPS: dict[str, Call] = {
    f"vsphere:index/get{kind}:get{kind}": _named
    for kind in ("ComputeCluster", "Datacenter", "Datastore", "Host", "Network")
}
"""Look-ups of the machines stack: each answers with a plain id made of the name."""

COMPUTATIONS: dict[str, Call] = {
    "talos:machine/getConfiguration:getConfiguration": lambda args: {
        "machineConfiguration": f"generated {args['machineType']}"
    }
}
"""Functions that ask nothing of the outside world."""

CERTIFICATE = {"cert": "a-certificate", "key": "a-private-key"}
COMPUTED: dict[str, dict[str, Any]] = {
    "talos:machine/secrets:Secrets": {
        "machineSecrets": {
            "certs": {
                "etcd": CERTIFICATE,
                "k8s": CERTIFICATE,
                "k8sAggregator": CERTIFICATE,
                "k8sServiceaccount": {"key": "a-private-key"},
                "os": CERTIFICATE,
            },
            "cluster": {"id": "cluster-id", "secret": "cluster-secret"},
            "secrets": {"bootstrapToken": "a-token", "secretboxEncryptionSecret": "a-key"},
            "trustdinfo": {"token": "a-token"},
        },
        "clientConfiguration": {"caCertificate": "a-ca", "clientCertificate": "a-cert", "clientKey": "a-private-key"},
    },
    "talos:cluster/kubeconfig:Kubeconfig": {"kubeconfigRaw": "a-kubeconfig"},
    "vsphere:index/virtualMachine:VirtualMachine": {"uuid": "a-uuid"},
}
"""What providers compute and the program reads; left out at preview, and so unknown there."""


class _Mocks(pulumi_mocks.Mocks):
    """Answers as the providers would: computed properties and ids only outside a preview."""

    def __init__(self, built: Built, preview: bool, calls: Mapping[str, Call]) -> None:
        self.built = built
        self.preview = preview
        self.calls = {**COMPUTATIONS, **calls}

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if self.preview:
            return None, dict(args.inputs)
        return f"{args.name}-id", {**args.inputs, **COMPUTED.get(args.typ, {})}

    def call(self, args: pulumi_mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        self.built.calls.append((args.token, dict(args.args)))
        if args.token not in self.calls:
            msg = f"{args.token} was looked up: components look nothing up, and this build allows no such call"
            raise AssertionError(msg)
        try:
            return self.calls[args.token](dict(args.args)), []
        except Refused as refused:
            return {}, [("", str(refused))]


class _Monitor(pulumi_mocks.MockMonitor):
    """Keeps what the SDK's own mocks throw away: options, dependencies, and which inputs are secret."""

    def __init__(self, mocks: _Mocks, built: Built) -> None:
        super().__init__(mocks)
        self.built = built

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Make the URN as the engine does: with the types of all ancestors but the stack."""
        above = parent.split("::")[2] if parent else "pulumi:pulumi:Stack"
        qualified = type_ if above == "pulumi:pulumi:Stack" else f"{above}${type_}"
        return f"urn:pulumi:{settings.get_stack()}::{settings.get_project()}::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the SDK's name
        answer = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return answer
        raw = rpc.deserialize_properties(request.object, keep_unknowns=True)
        resource = Resource(
            urn=answer.urn,
            type=request.type,
            name=request.name,
            inputs={key: _plain(value) for key, value in raw.items()},
            secrets=frozenset(key for key, value in raw.items() if _has_secret(value)),
            provider=request.provider or next(iter(request.providers.values()), ""),
            parent=request.parent,
            custom=request.custom,
            depends_on=tuple(request.dependencies),
            property_depends_on={key: tuple(on.urns) for key, on in request.propertyDependencies.items()},
            ignore_changes=tuple(request.ignoreChanges),
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            secret_outputs=tuple(request.additionalSecretOutputs),
            replacement_trigger=_trigger(request),
        )
        same = [known for known in list(self.built.resources.values()) if known.urn == resource.urn]
        assert not same, f"two resources have the URN {resource.urn}"
        taken = resource.name in self.built.resources
        self.built.resources[f"{resource.type} {resource.name}" if taken else resource.name] = resource
        return answer


def _trigger(request: Any) -> Any:
    if not request.HasField("replacement_trigger"):
        return None
    kind = request.replacement_trigger.WhichOneof("kind")
    value = getattr(request.replacement_trigger, kind)
    return _plain(rpc.deserialize_property(value, keep_unknowns=True))


def _plain(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _has_secret(value: Any) -> bool:
    if rpc.is_rpc_secret(value):
        return True
    if isinstance(value, dict):
        return any(_has_secret(item) for item in value.values())
    return isinstance(value, list) and any(_has_secret(item) for item in value)


@pytest.fixture
def build() -> Build:
    """Build a program; each build has a context of its own, so that builds do not see each other."""

    def run(
        program: Callable[[], Any],
        *,
        preview: bool = False,
        stack: str = "sandbox",
        calls: Mapping[str, Call] | None = None,
        secrets: bool = True,
    ) -> Built:
        built = Built()
        contextvars.copy_context().run(_run, program, built, preview, stack, calls or {}, secrets)
        return built

    return run


def _run(
    program: Callable[[], Any], built: Built, preview: bool, name: str, calls: Mapping[str, Call], secrets: bool
) -> None:
    keys = {f"{NAMESPACE}:{secret.name}": f"made-up-{secret.name}" for secret in SECRETS["all"] if secrets}
    pulumi_config.set_all_config(keys, list(keys))
    settings.ROOT.set(None)
    mocks = _Mocks(built, preview, calls)
    monitor = _Monitor(mocks, built)
    pulumi_mocks.set_mocks(
        mocks, project="kade", stack=name, preview=preview, monitor=monitor, organization="organization"
    )
    state: Any = settings.SETTINGS  # its attributes are made at run time
    state.rpc_manager.clear()
    state.outputs.clear()

    async def body() -> None:
        built.result = program()
        root = settings.get_root_resource()
        outputs = await pulumi.Output.from_input(dict(getattr(root, "outputs", {}))).future(with_unknowns=True)
        built.outputs = _plain(outputs or {})

    _sync_await(stack.run_pulumi_func(body))
