"""Python language host: what the engine starts to run programs and policy packs written in Python.

The official one comes with the official CLI only. This one serves the same protocol (gRPC `LanguageRuntime`) for this
project's virtual environment. Started as `python -m rehearsal.host ENGINE_ADDRESS`; prints its port.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import IO, Any, NoReturn

from rehearsal.parent import end_with_parent
from rehearsal.protocol import GRPC_OPTIONS, skip_sdk

skip_sdk()  # before anything below imports `pulumi`

import grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402

_PYTHON = (sys.executable, "-u", "-P")
"""How children are started: unbuffered, and without the folder they start in on the path: modules of a program, such as
its `secrets.py`, would hide those of Python."""

EXIT_TOLD = 32
"""Exit code of a program that has already told the user what is wrong; the runner uses the same."""


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs and packs as children, and ends them when it ends."""

    def __init__(self, engine: str) -> None:
        """Remember the engine's address, which the children need."""
        self._engine = engine
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ending = False

    # Names below are those of the protocol.

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Learn the engine's address, where the command line did not give it."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Give the version of the SDK."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Name nothing: the rehearsal has installed its plugins, and resources name their versions."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """As GetRequiredPackages, for an older engine."""
        return language_pb2.GetRequiredPluginsResponse()

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Say which Python this is."""
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """List the packages of the environment, for `pulumi about`."""
        found = [
            language_pb2.DependencyInfo(name=d.metadata["Name"], version=d.version) for d in metadata.distributions()
        ]
        return language_pb2.GetProgramDependenciesResponse(dependencies=sorted(found, key=lambda d: d.name))

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Say who installs them."""
        yield language_pb2.InstallDependenciesResponse(stdout=b"The environment is installed by `make setup`.\n")

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Ask nothing."""
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """End what runs."""
        self.end_children()
        return empty_pb2.Empty()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run the program, and say how it ended."""
        program = request.info.program_directory or request.pwd
        command = [
            *_PYTHON, "-m", "rehearsal.runner",
            "--monitor", request.monitor_address, "--engine", self._engine,
            "--project", request.project, "--stack", request.stack, "--organization", request.organization,
            "--pwd", program, "--root", request.info.root_directory or program,
            "--parallel", str(max(1, request.parallel)),
            *(["--dry-run"] if request.dryRun else []),
            request.info.entry_point or request.program or ".",
        ]  # fmt: skip
        environment = {
            **_environment(),
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        # The child inherits this process's standard error, which the engine shows; standard output is the engine's.
        child = self._start(command, environment, program, stdout=sys.stderr)
        code = child.wait()
        self._forget(child)
        if code == 0:
            return language_pb2.RunResponse()
        if code == EXIT_TOLD or self._ending:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"The program ended with exit code {code}.")

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Run a policy pack, and pass on what it writes."""
        if request.kind != "analyzer":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"This language host runs policy packs, not {request.kind}.")
        # The engine gives its address as the one argument, and the pack's folder beside it.
        command = [*_PYTHON, "-m", "pulumi.policy", *request.args, request.info.program_directory]
        environment = {**_environment(), **dict(entry.split("=", 1) for entry in request.env)}
        child = self._start(command, environment, request.pwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        context.add_callback(lambda: self._end(child))
        lines: queue.Queue[tuple[str, bytes]] = queue.Queue()
        readers = [
            threading.Thread(target=_pump, args=(stream, name, lines), daemon=True)
            for stream, name in ((child.stdout, "stdout"), (child.stderr, "stderr"))
        ]
        for reader in readers:
            reader.start()
        open_streams = len(readers)
        while open_streams:
            name, data = lines.get()
            if data:
                yield _chunk(name, data)
            else:
                open_streams -= 1
        code = child.wait()
        self._forget(child)
        yield language_pb2.RunPluginResponse(exitcode=0 if self._ending else code)

    def _start(
        self, command: list[str], environment: dict[str, str], cwd: str, stdout: Any, stderr: Any = None
    ) -> subprocess.Popen[bytes]:
        # A session of its own: an interrupt at the terminal reaches the engine alone, which then ends things in order.
        child: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd or None,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        with self._lock:
            self._children.add(child)
        return child

    def _forget(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._children.discard(child)

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        if child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

    def end_children(self) -> None:
        """End everything that runs, at once: a pack has written its verdict before the engine ends it."""
        self._ending = True
        for child in list(self._children):
            self._end(child)


def _chunk(name: str, data: bytes) -> Any:
    return language_pb2.RunPluginResponse(**{name: data})  # pyright: ignore[reportArgumentType]  # stdout or stderr


def _pump(stream: IO[bytes] | None, name: str, lines: queue.Queue[tuple[str, bytes]]) -> None:
    while stream is not None and (data := stream.readline()):
        lines.put((name, data))
    lines.put((name, b""))


def _environment() -> dict[str, str]:
    """Return the environment of the children: with bytecode, which halves the start of a program."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # The project's root: programs and packs import its packages although they start inside a folder of it.
    root = str(Path(__file__).resolve().parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
    return environment


def main() -> NoReturn:
    """Serve until the engine is gone."""
    host = Host(next((argument for argument in reversed(sys.argv[1:]) if not argument.startswith("-")), ""))

    def end(*_: object) -> None:
        host.end_children()
        os._exit(0)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    end_with_parent(host.end_children)
    server = grpc.server(  # pyright: ignore[reportUnknownMemberType]  # the stubs leave an argument open
        ThreadPoolExecutor(16), options=GRPC_OPTIONS
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()
    raise SystemExit(0)


if __name__ == "__main__":
    main()
