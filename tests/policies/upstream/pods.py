"""Pods for the comparison with Kubernetes' own Pod Security code, and what that code says of them.

`python -m tests.policies.upstream.pods` writes `answers.json` anew. It needs Go and the module that `go.mod` pins; the
fast test reads only the file. Its pods are those that the module's own tests use (Apache-2.0), each once, and a few of
Windows.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from policies.fixtures import UNKNOWN, cases
from policies.model.pods import TEMPLATES
from policies.model.values import dig
from policies.rules import load

HERE = Path(__file__).parent
ANSWERS = HERE / "answers.json"
MODULE = "k8s.io/pod-security-admission"


def upstream() -> list[dict[str, Any]]:
    """Return every pod that the module's own tests use, of all versions of Kubernetes, each once."""
    found = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", MODULE], cwd=HERE, check=True, capture_output=True, text=True
    )
    data = Path(found.stdout.strip()) / "test" / "testdata"
    return unique(yaml.safe_load(path.read_text()) for path in sorted(data.rglob("*.yaml")))


def examples() -> list[dict[str, Any]]:
    """Return the pods of our rules' examples, without those that hold something unknown."""
    return unique(pod for pod in _examples() if UNKNOWN not in json.dumps(pod))


def _examples() -> Iterator[dict[str, Any]]:
    for rule in load():
        if rule.framework != "pod_security":
            continue
        for example in (one for case in cases(rule.id) for one in case.resources):
            _, _, kind = example.type.removeprefix("kubernetes:").rpartition(":")
            if kind in TEMPLATES:
                body = dig(example.properties, *TEMPLATES[kind][1])
                if isinstance(dig(body, "spec"), dict):
                    yield body


def windows() -> list[dict[str, Any]]:
    """Return pods of Windows: restricted replaces two baseline controls by ones that are not asked of them."""
    contexts = ({"seccompProfile": {"type": "Unconfined"}}, {"capabilities": {"add": ["SYS_ADMIN"]}}, {"runAsUser": 0})
    containers = ({"name": "c", "image": "x", "securityContext": {"runAsNonRoot": True, **one}} for one in contexts)
    return [{"spec": {"os": {"name": "windows"}, "containers": [one]}} for one in containers]


def unique(pods: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return pods without their names, each once: annotations and spec are what the standards look at."""
    found: dict[str, dict[str, Any]] = {}
    for pod in pods:
        annotations = dig(pod, "metadata", "annotations") or {}
        small = {**({"metadata": {"annotations": annotations}} if annotations else {}), "spec": pod["spec"]}
        found[json.dumps(small, sort_keys=True)] = small
    return [found[key] for key in sorted(found)]


def ask(program: Path, pods: list[dict[str, Any]]) -> list[dict[str, list[str]]]:
    """Return what Kubernetes' own code says of each pod."""
    given = "".join(json.dumps(_filled(pod)) + "\n" for pod in pods)
    answered = subprocess.run([program], input=given, check=True, capture_output=True, text=True, timeout=120)
    return [json.loads(line) for line in answered.stdout.splitlines()]


def _filled(pod: dict[str, Any]) -> dict[str, Any]:
    """Return a pod as the API server hands it on: a volume that names no kind is an empty folder by then."""
    volumes = [volume if len(volume) > 1 else {**volume, "emptyDir": {}} for volume in pod["spec"].get("volumes", [])]
    return {**pod, "spec": {**pod["spec"], "volumes": volumes}} if volumes else pod


def build(folder: Path) -> Path:
    """Build the program that asks, and return where it is."""
    program = folder / "upstream"
    subprocess.run(["go", "build", "-o", program, "."], cwd=HERE, check=True, timeout=900)
    return program


def made_up(count: int, seed: int) -> list[dict[str, Any]]:
    """Return pods in which everything that a control looks at is set in some way, or not at all."""
    choose = random.Random(seed)
    return [_pod(choose) for _ in range(count)]


def _maybe(choose: random.Random, into: dict[str, Any], chance: float = 0.25, **values: Iterable[Any]) -> None:
    for key, given in values.items():
        if choose.random() < chance:
            into[key] = choose.choice(list(given))


PROFILES = ({"type": "RuntimeDefault"}, {"type": "Unconfined"}, {"type": "Localhost", "localhostProfile": "x"}, {})
OPTIONS = ({"type": "container_t"}, {"type": "spc_t"}, {"user": "u"}, {"role": "r"}, {"type": ""}, {"level": "s0"}, {})
SYSCTLS = ("net.ipv4.tcp_syncookies", "net.ipv4.tcp_notsent_lowat", "kernel.msgmax", "net.ipv4.tcp_rmem", "")
CAPABILITIES = ("ALL", "NET_BIND_SERVICE", "CHOWN", "NET_RAW", "SYS_ADMIN", "CAP_CHOWN", "chown")
WINDOWS = ({"hostProcess": True}, {"hostProcess": False}, {})
VOLUMES = (
    *({kind: {}} for kind in ("emptyDir", "configMap", "secret", "projected", "downwardAPI", "csi", "ephemeral")),
    *({kind: {}} for kind in ("nfs", "iscsi", "hostPath", "gitRepo", "image", "persistentVolumeClaim", "rbd", "fc")),
    {},
)
CALLS = (
    *({"httpGet": {"port": 80, "host": host}} for host in ("", "10.0.0.1", "127.0.0.1")),
    *({"tcpSocket": {"port": 80, "host": host}} for host in ("", "::1", "localhost")),
    {"httpGet": {"port": 80}},
    {},
)
PORTS = ([{"containerPort": 1}], [{"containerPort": 1, "hostPort": 80}], [{"containerPort": 1, "hostPort": 0}], [])
USERS = (0, 1, 1000)
FLAGS = (True, False)


def _pod(choose: random.Random) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [_container(choose) for _ in range(choose.choice((1, 1, 2)))]}
    _maybe(choose, spec, 0.1, hostNetwork=FLAGS, hostPID=FLAGS, hostIPC=FLAGS)
    _maybe(choose, spec, hostUsers=FLAGS, os=({"name": "windows"}, {"name": "linux"}, {"name": "Windows"}))
    if choose.random() < 0.3:
        spec["initContainers"] = [_container(choose)]
    if choose.random() < 0.2:
        spec["ephemeralContainers"] = [_container(choose)]
    if choose.random() < 0.3:
        spec["volumes"] = [{"name": "v", **choose.choice(VOLUMES)}]
    if choose.random() < 0.7:
        spec["securityContext"] = context = _shared(choose)
        if choose.random() < 0.2:
            context["sysctls"] = [{"name": choose.choice(SYSCTLS), "value": "1"}]
    pod: dict[str, Any] = {"spec": spec}
    if choose.random() < 0.2:
        value = choose.choice(("runtime/default", "localhost/x", "unconfined", "", "other"))
        key = choose.choice(("container.apparmor.security.beta.kubernetes.io/c", "other.example/x"))
        pod["metadata"] = {"annotations": {key: value}}
    return pod


def _shared(choose: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    _maybe(choose, found, 0.5, runAsNonRoot=(True, True, False), seccompProfile=(PROFILES[0], *PROFILES))
    _maybe(choose, found, 0.15, runAsUser=USERS, seLinuxOptions=OPTIONS, appArmorProfile=PROFILES)
    _maybe(choose, found, 0.1, windowsOptions=WINDOWS)
    return found


def _container(choose: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "c", "image": "x"}
    _maybe(choose, found, 0.1, ports=PORTS, livenessProbe=CALLS, readinessProbe=CALLS, startupProbe=CALLS)
    if choose.random() < 0.1:
        found["lifecycle"] = {choose.choice(("postStart", "preStop")): choose.choice(CALLS)}
    if choose.random() < 0.8:
        found["securityContext"] = context = _shared(choose)
        _maybe(choose, context, 0.6, allowPrivilegeEscalation=(False, False, True))
        _maybe(choose, context, 0.1, privileged=FLAGS, procMount=("Default", "Unmasked"))
        if choose.random() < 0.6:
            context["capabilities"] = capabilities = {}
            if choose.random() < 0.8:
                capabilities["drop"] = choose.choice((["ALL"], ["ALL", "CHOWN"], ["CHOWN"], ["all"], []))
            if choose.random() < 0.4:
                capabilities["add"] = choose.sample(CAPABILITIES, choose.choice((1, 1, 2)))
    return found


def main() -> None:
    """Write the pods and the answers anew."""
    import tempfile

    pods = unique([*upstream(), *windows()])
    with tempfile.TemporaryDirectory() as folder:
        answers = ask(build(Path(folder)), pods)
    lines = (json.dumps({"pod": pod, **answer}) for pod, answer in zip(pods, answers, strict=True))
    ANSWERS.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(pods)} pods in {ANSWERS.name}")


if __name__ == "__main__":
    main()
