"""A Kubernetes API server, read through the official client: plain data, and errors that name the way out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.model.values import Data, dig, items

_PAGE = "500"
_GONE = 410
_PLAIN = "application/json"
_NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_TLS = "TLS"
_TIMEOUT = (5, 60)
"""Seconds to connect and to answer: long enough for a large list, short enough for a wrong address."""


class ClientError(Exception):
    """The API server could not be asked."""

    def __init__(self, what: str, remedy: str, key: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.key = key


@dataclass(frozen=True)
class Answer:
    """What the API server answered."""

    status: int
    data: Any
    why: str = ""
    """Why there is no answer."""


class Client:
    """Asks one API server."""

    def __init__(self, api: Any) -> None:
        """Keep the official client."""
        self._api = api

    def get(self, path: str, query: tuple[tuple[str, str], ...] = (), accept: str = _PLAIN) -> Answer:
        """Return what stands at a path.

        Raises:
            ClientError: there is no answer.

        """
        return self._ask("GET", path, query, None, accept)

    def list(self, path: str, *, names_only: bool = False) -> Answer:
        """Return all objects at a path, asked for in pages.

        `names_only`: of each object its metadata, and nothing of its content. Default: everything.
        """
        accept = _NAMES if names_only else _PLAIN
        found: list[Any] = []
        query: tuple[tuple[str, str], ...] = (("limit", _PAGE),)
        while True:
            answer = self.get(path, query, accept)
            if answer.status == _GONE and found:
                answer = self.get(path, (), accept)  # what was there when the first page was read is forgotten by now
                return Answer(200, items(dig(answer.data, "items"))) if answer.status == 200 else answer
            if answer.status != 200:
                return answer
            found.extend(items(dig(answer.data, "items")))
            further = dig(answer.data, "metadata", "continue")
            if not isinstance(further, str) or not further:
                return Answer(200, found)
            query = (("limit", _PAGE), ("continue", further))

    def may(self, user: str, groups: tuple[str, ...], resource: Data | None, other: Data | None) -> Answer:
        """Ask whether somebody may do something. The question is answered and not kept."""
        spec: Data = {"user": user, "groups": list(groups)}
        if resource is not None:
            spec["resourceAttributes"] = resource
        if other is not None:
            spec["nonResourceAttributes"] = other
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        return self.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", body)

    def post(self, path: str, body: Data) -> Answer:
        """Send an object."""
        return self._ask("POST", path, (), body)

    def delete(self, path: str) -> Answer:
        """Delete what stands at a path."""
        return self._ask("DELETE", path, (), None)

    def _ask(
        self, method: str, path: str, query: tuple[tuple[str, str], ...], body: Data | None, accept: str = _PLAIN
    ) -> Answer:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": accept, "Content-Type": "application/json"}
        try:
            request = self._api.param_serialize(
                method, path, query_params=list(query), header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            response = self._api.call_api(*request, _request_timeout=_TIMEOUT)
            content = response.read()
        except ApiException as error:
            status: Any = getattr(error, "status", None)  # the client has no types
            if not status:  # it wraps errors of TLS
                raise _unreachable(_TLS) from None
            return Answer(int(status), None)
        except (HTTPError, OSError) as error:
            raise _unreachable(type(getattr(error, "reason", None) or error).__name__) from None
        try:
            return Answer(response.status, json.loads(content))
        except (ValueError, RecursionError):
            return Answer(response.status, None)


def _unreachable(reason: str) -> ClientError:
    remedy = "Check the address and the certificate authority in the kubeconfig, and the network."
    return ClientError(f"the API server cannot be reached ({reason})", remedy)


def connect(kubeconfig: Path | None, context: str | None) -> Client:
    """Return a client for the cluster that a kubeconfig names.

    Raises:
        ClientError: there is no kubeconfig, or it cannot be read.

    """
    # The official client takes a fifth of a second to import: only who asks a cluster waits for it.
    import kubernetes

    client: Any = kubernetes.client
    config: Any = kubernetes.config

    if kubeconfig is not None and not kubeconfig.is_file():
        msg = "the file does not exist"
        raise ClientError(msg, "Name a kubeconfig that is there.")
    settings: Any = client.Configuration()
    settings.retries = False
    try:
        config.load_kube_config(
            str(kubeconfig) if kubeconfig else None,
            context=context,
            client_configuration=settings,
            persist_config=False,
        )
    except config.ConfigException as error:
        what = str(error).splitlines()[0].rstrip(".") if "context" in str(error).lower() else "it cannot be used"
        raise ClientError(what, "Name a kubeconfig and a context that are there.") from None
    except Exception as error:  # the client lets errors of YAML, base64 and files through, some with their content
        msg = f"it cannot be read ({type(error).__name__})"
        raise ClientError(msg, "Write it anew.") from None
    return Client(client.ApiClient(settings))
