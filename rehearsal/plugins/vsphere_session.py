"""A connection to a vCenter: its SOAP interface through pyVmomi, its REST interface for tags and libraries."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.plugins.standin import StandInError

TRIES = 3
"""How often to knock before a vCenter counts as gone."""
PAUSE_SECONDS = 0.5
CALL_SECONDS = 20
"""Seconds that one call may take: a vCenter that hangs is gone too."""
TASK_SECONDS = 60
"""Seconds that one task may take."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a vCenter listens, and who asks."""

    name: str
    """Its name as the program writes it, for messages."""
    host: str
    port: int
    user: str
    password: str
    context: ssl.SSLContext
    """What its certificate must prove."""

    def __repr__(self) -> str:
        """Never show the password."""
        return f"Access({self.user} at {self.name})"


def vim() -> Any:
    """Return pyVmomi's types; imported late, because a rehearsal without a vCenter does not need them."""
    from pyVmomi import vim as types

    return types


class VCenter:
    """One session of SOAP and one of REST, shared by all requests; each is opened when first needed."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = threading.Lock()
        self._service: Any = None
        self._rest_session = ""

    # SOAP.

    @property
    def service(self) -> Any:
        """The service instance, logged in."""
        with self._lock:
            if self._service is None:
                self._service = self._knock(self._login)
            return self._service

    @property
    def content(self) -> Any:
        """The managers and the root folder."""
        return self.service.content

    def _login(self) -> Any:
        from pyVim import connect

        library = cast("Any", connect)  # pyVmomi has few annotations
        # With the version given: the adapter that asks for it would wait for ever for a vCenter that hangs.
        stub: Any = library.SoapStubAdapter(
            host=self.access.host, port=self.access.port, sslContext=self.access.context,
            version=library.GetServiceVersions("vim25")[0], httpConnectionTimeout=CALL_SECONDS,
        )  # fmt: skip
        service = vim().ServiceInstance("ServiceInstance", stub)
        try:
            service.content.sessionManager.Login(self.access.user, self.access.password)
        except BaseException:
            stub.DropConnections()
            raise
        return service

    def _knock(self, open_: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                return open_()
            except (ConnectionError, http.client.HTTPException):
                if not left:
                    raise
                time.sleep(PAUSE_SECONDS)
        return None

    def object(self, kind: str, moid: str) -> Any:
        """Return the object with a managed object id; nothing is asked before it is used."""
        return getattr(vim(), kind)(moid, self.service._stub)

    def named(self, root: Any, kind: str, properties: Sequence[str] = ("name",)) -> list[tuple[Any, dict[str, Any]]]:
        """Return every object of a kind below another one with some properties, in one call."""
        types = vim()
        view = self.content.viewManager.CreateContainerView(root, [getattr(types, kind)], True)
        query = types.PropertyCollector
        step = query.TraversalSpec(name="all", path="view", skip=False, type=types.view.ContainerView)
        asked = query.FilterSpec(
            objectSet=[query.ObjectSpec(obj=view, skip=True, selectSet=[step])],
            propSet=[query.PropertySpec(type=getattr(types, kind), pathSet=list(properties))],
        )
        try:
            answer = self.content.propertyCollector.RetrieveContents([asked])
        finally:
            view.Destroy()
        return [(found.obj, {prop.name: prop.val for prop in found.propSet}) for found in answer]

    def find(self, root: Any, kind: str, name: str) -> Any:
        """Return the object of a kind with a name below another one, or `None`."""
        return next((found for found, known in self.named(root, kind) if known.get("name") == name), None)

    def wait(self, task: Any) -> Any:
        """Wait for a task and return its result; a fault of the task is raised."""
        end = time.monotonic() + TASK_SECONDS
        while True:
            info = task.info
            if info.state == "success":
                return info.result
            if info.state == "error":
                raise info.error
            if time.monotonic() > end:
                msg = f"vCenter {self.access.name} has not ended a task within {TASK_SECONDS} seconds. Run `up` again."
                raise StandInError(msg)
            time.sleep(0.02)

    # REST.

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the REST interface below `/rest/com/vmware/`; returns what it calls `value`, `None` where it has none.

        Raises:
            RestFaultError: it refuses.

        """
        with self._lock:
            if not self._rest_session:
                self._rest_session = self._knock(self._rest_login)
        status, answer = self._send(method, path, body, {"vmware-api-session-id": self._rest_session})
        if status == http.client.UNAUTHORIZED:
            self.forget()
        if status >= http.client.BAD_REQUEST:
            raise RestFaultError(status, answer)
        return answer

    def _rest_login(self) -> str:
        import base64

        pair = base64.b64encode(f"{self.access.user}:{self.access.password}".encode()).decode()
        status, answer = self._send("POST", "cis/session", None, {"Authorization": f"Basic {pair}"})
        if status >= http.client.BAD_REQUEST:
            raise RestFaultError(status, answer)
        return str(answer)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        access = self.access
        connection = http.client.HTTPSConnection(
            access.host, access.port, context=access.context, timeout=CALL_SECONDS
        )  # one for each call: they are few, and on this machine
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(
                method, f"/rest/com/vmware/{path}", sent, {**headers, "Content-Type": "application/json"}
            )
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        try:
            answer = json.loads(text) if text else None
        except ValueError:
            answer = None
        return response.status, cast("dict[str, Any]", answer).get("value") if isinstance(answer, dict) else answer

    # Both.

    def forget(self) -> None:
        """Log in again at the next request: the vCenter has started anew."""
        with self._lock:
            service, self._service, self._rest_session = self._service, None, ""
        if service is not None:
            service._stub.DropConnections()

    def __enter__(self) -> VCenter:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections; the vCenter ends the session by itself."""
        self.forget()

    @contextmanager
    def asked(self, what: str) -> Generator[None]:
        """Turn whatever a vCenter does not do into one message that says what was asked.

        Raises:
            StandInError: the vCenter is gone, does not let us in, or refuses.

        """
        name = self.access.name
        try:
            yield
        except RestFaultError as error:
            if error.status == http.client.UNAUTHORIZED:
                raise StandInError(_refused(name)) from None
            msg = f"vCenter {name} refuses to {what}: {error}."
            raise StandInError(msg) from None
        except ssl.SSLError as error:
            msg = f"vCenter {name} shows a certificate that is not trusted ({error.reason or 'unknown'}); nothing sent."
            raise StandInError(msg) from None
        except (ConnectionError, TimeoutError, socket.gaierror, http.client.HTTPException) as error:
            self.forget()
            kind = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
            msg = f"vCenter {name} {kind}. It was asked to {what}. Start it, then run the same command again."
            raise StandInError(msg) from None
        except Exception as error:
            kind = fault_kind(error)
            if kind in ("InvalidLogin", "NoPermission"):
                raise StandInError(_refused(name)) from None
            if kind == "NotAuthenticated":
                self.forget()
            if not type(error).__module__.startswith("pyVmomi"):
                raise
            msg = f"vCenter {name} refuses to {what}: {fault_text(error)}."
            raise StandInError(msg) from None


class RestFaultError(Exception):
    """The REST interface refuses; the text is its own word for the reason."""

    def __init__(self, status: int, answer: Any) -> None:
        kind = cast("dict[str, Any]", answer).get("type") if isinstance(answer, dict) else None
        super().__init__(str(kind or f"status {status}").rsplit(".", 1)[-1].replace("_", " "))
        self.status = status


def _refused(name: str) -> str:
    return (
        f"vCenter {name} does not accept this account and password. Correct `vcenterUser` and `vcenterPassword` with "
        "`pulumi config set --secret`."
    )


def fault_kind(fault: Exception) -> str:
    """Return the kind of a fault without its namespace, for example `DuplicateName`."""
    return type(fault).__name__.rsplit(".", 1)[-1]


def fault_text(fault: Exception) -> str:
    """Say what a fault of pyVmomi is, in one line."""
    text = str(getattr(fault, "msg", "") or getattr(fault, "localizedMessage", "") or "").strip().rstrip(".")
    return f"{fault_kind(fault)}: {text}" if text else fault_kind(fault)
