"""gRPC service of a provider: turns the engine's messages into calls on a `Provider`, and its errors into messages."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from rehearsal.parent import end_with_parent
from rehearsal.plugins.changes import Difference, path_text
from rehearsal.plugins.standin import Place, Provider, Resource, StandInError, UnreadyError
from rehearsal.plugins.values import decode, encode, plain
from rehearsal.protocol import GRPC_OPTIONS

_Kind = provider_pb2.PropertyDiff
_KINDS = {
    ("add", False): _Kind.ADD, ("add", True): _Kind.ADD_REPLACE,
    ("delete", False): _Kind.DELETE, ("delete", True): _Kind.DELETE_REPLACE,
    ("update", False): _Kind.UPDATE, ("update", True): _Kind.UPDATE_REPLACE,
}  # fmt: skip
WORKERS = 32
"""Requests answered at once. The engine asks for up to 16 resources at a time on a small machine."""


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine for one provider resource."""

    def __init__(self, make: type[Provider], version: str) -> None:
        """Make the provider on the first request, so that a wrong backend is an answer and not a crash."""
        self._make = make
        self._version = version
        self._lock = threading.Lock()
        self._provider: Provider | None = None

    @property
    def provider(self) -> Provider:
        """The provider behind this service."""
        with self._lock:
            if self._provider is None:
                self._provider = self._make(Place.of_environment())
            return self._provider

    # Getting to know each other.

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802  # names of the protocol
        """Say that secrets may come as secrets; then nothing is lost on the way."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Give the version under which this is installed."""
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Give a schema with the name only: enough for `pulumi import`, too little to generate code."""
        name = self._make.name
        return provider_pb2.GetSchemaResponse(schema=f'{{"name":"{name}","version":"{self._version}"}}')

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Accept any configuration, on a rehearsal's backend."""
        with _told(context):
            _ = self.provider  # made here for the first time: refuses a wrong backend
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Change a provider in place, except for the folder that it renders into: other folder, other objects."""
        olds, news = decode(request.old_inputs or request.olds), decode(request.news)
        changed = sorted(key for key in olds.keys() | news.keys() if plain(olds.get(key)) != plain(news.get(key)))
        replaces = [key for key in changed if key == "renderYamlToDirectory"]
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Remember the configuration. Never log it: `variables` holds secrets in clear."""
        with _told(context):
            self._provider = self.provider.configured(decode(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # Resources.

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return inputs with names and defaults."""
        with _told(context):
            checked = self.provider.checked(_resource(request), decode(request.olds), decode(request.news))
            failures = [provider_pb2.CheckFailure(property=p, reason=r) for p, r in checked.failures]
            return provider_pb2.CheckResponse(inputs=encode(checked.inputs), failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return what differs."""
        with _told(context):
            olds, news = decode(request.old_inputs), decode(request.news)
            return _diff_response(self.provider.diff(_resource(request), request.id, olds, news))

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Make an object, or say what it would look like."""
        with _told(context):
            resource, inputs = _resource(request), decode(request.properties)
            if request.preview:
                return provider_pb2.CreateResponse(properties=encode(self.provider.planned(resource, inputs, None)))
            id_, outputs = self.provider.create(resource, inputs)
            return provider_pb2.CreateResponse(id=id_, properties=encode(outputs))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Change an object, or say what it would look like."""
        with _told(context):
            resource, olds, news = _resource(request), decode(request.olds), decode(request.news)
            if request.preview:
                outputs = self.provider.planned(resource, news, olds)
            else:
                outputs = self.provider.update(resource, request.id, olds, news)
            return provider_pb2.UpdateResponse(properties=encode(outputs))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return an object as it is; an empty answer where it is gone."""
        with _told(context):
            inputs, properties = decode(request.inputs), decode(request.properties)
            found = self.provider.read(_resource(request), request.id, inputs, properties)
            if found is None:
                return provider_pb2.ReadResponse()
            outputs, inputs = found
            return provider_pb2.ReadResponse(id=request.id, properties=encode(outputs), inputs=encode(inputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Remove an object."""
        with _told(context):
            inputs, properties = decode(request.old_inputs), decode(request.properties)
            self.provider.delete(_resource(request), request.id, inputs, properties)
            return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Answer a function."""
        with _told(context):
            answer = provider_pb2.InvokeResponse()
            # The field's name is a keyword of Python.
            getattr(answer, "return").CopyFrom(encode(self.provider.invoke(request.tok, decode(request.args))))
            return answer

    def Construct(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Refuse components that the official provider expands by itself."""
        with _told(context):
            msg = (
                f"The rehearsal's stand-in does not expand the component {request.type}: charts, kustomizations and "
                "YAML files are expanded by the official provider only. Use typed resources, CustomResource or "
                "helm.v3.Release, or let the GitOps engine expand them."
            )
            raise StandInError(msg)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """End what is being waited for."""
        with self._lock:
            provider = self._provider
        if provider is not None:
            provider.cancel()
        return empty_pb2.Empty()


def _resource(request: Any) -> Resource:
    type_ = request.type or request.urn.split("::")[2].rsplit("$", 1)[-1]
    # Only what makes or changes has a time-out, and only a change can ignore something.
    ignored: Any = getattr(request, "ignoreChanges", ())
    return Resource(request.urn, type_, float(getattr(request, "timeout", 0)), tuple(ignored))


def _diff_response(difference: Difference) -> Any:
    response = provider_pb2.DiffResponse(hasDetailedDiff=True, deleteBeforeReplace=difference.delete_first)
    some = provider_pb2.DiffResponse
    response.changes = some.DIFF_SOME if difference.changes else some.DIFF_NONE
    for change in difference.changes:
        text, top = path_text(change.path), str(change.path[0])
        kind = _KINDS[change.kind, change.replaces]
        response.detailedDiff[text].CopyFrom(_Kind(kind=kind, inputDiff=True))
        if top not in response.diffs:
            response.diffs.append(top)
        if change.replaces and top not in response.replaces:
            response.replaces.append(top)
    return response


@contextmanager
def _told(context: grpc.ServicerContext) -> Generator[None]:
    """Turn an error into one message for the user; an unexpected one names its kind and place, never a value."""
    try:
        yield
    except UnreadyError as error:
        _abort_unready(context, error)
    except StandInError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    except OSError as error:
        msg = f"The rehearsal cannot write its files: {error.strerror}: {error.filename}."
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, msg)
    except Exception as error:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        place = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback is not None else "?"
        context.abort(
            grpc.StatusCode.INTERNAL, f"Fault in the rehearsal's stand-in: {type(error).__name__} at {place}."
        )


def _abort_unready(context: grpc.ServicerContext, error: UnreadyError) -> NoReturn:
    """Answer that an object exists but is not ready: the engine reads that from the details of the status."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id, properties=encode(error.outputs), inputs=encode(error.inputs), reasons=[str(error)]
    )
    # The code `UNKNOWN` (2) is what the official provider gives with it.
    status = status_pb2.Status(code=2, message=str(error))
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))


def serve(make: type[Provider], version: str) -> NoReturn:
    """Serve a provider until the engine is gone."""

    def end(*_: object) -> None:
        os._exit(0)

    signal.signal(signal.SIGINT, end)  # how the engine ends its plugins; nothing is left to do
    signal.signal(signal.SIGTERM, end)
    end_with_parent()
    server = grpc.server(  # pyright: ignore[reportUnknownMemberType]  # the stubs leave an argument open
        ThreadPoolExecutor(WORKERS), options=GRPC_OPTIONS
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(make, version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()
    raise SystemExit(0)
