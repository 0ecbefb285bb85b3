"""Secrets are never in clear: not in the state, the files, what is printed, nor in what a stand-in remembers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

pytestmark = pytest.mark.engine

PLANTED = ["planted-vcenter-password", "planted-vault-token", "planted-pw", "planted-nested", "planted-annotation",
           "planted-unmarked", "planted-kv", "planted-helm", "planted-list"]  # fmt: skip

PROGRAM = """
import json

import pulumi_kubernetes as k8s
import pulumi_vault as vault
import pulumi_vsphere as vsphere
import pulumiverse_talos as talos


def planted(name):
    # In two parts, so that the program's own text is no finding.
    return "plan" + "ted-" + name


def secret(name):
    return pulumi.Output.secret(planted(name))


vs = vsphere.Provider("vs", user="u", password=secret("vcenter-password"), vsphere_server="vcenter.example")
vsphere.Folder("folder", path="kade", type="vm", opts=opts(vs))
ta = talos.Provider("ta")
secrets = talos.machine.Secrets("secrets", opts=opts(ta))
configuration = talos.machine.get_configuration_output(
    cluster_name="c", cluster_endpoint="https://10.0.0.1:6443", machine_type="controlplane",
    machine_secrets=secrets.machine_secrets, opts=ask(ta))
talos.machine.ConfigurationApply(
    "apply", node="10.0.0.2", client_configuration=secrets.client_configuration,
    machine_configuration_input=configuration.machine_configuration, opts=opts(ta))
kubeconfig = talos.cluster.Kubeconfig("kubeconfig", node="10.0.0.2",
                                      client_configuration=secrets.client_configuration, opts=opts(ta))
va = vault.Provider("va", address="https://vault.example", token=secret("vault-token"))
vault.kv.SecretV2("kept", mount="kv", name="app", data_json=secret("kv").apply(lambda v: json.dumps({"a": v})),
                  opts=opts(va))
kc = k8s.Provider("kc", kubeconfig=kubeconfig.kubeconfig_raw)
k8s.core.v1.Secret("marked", metadata={"name": "marked"}, string_data={"pw": secret("pw")}, opts=opts(kc))
k8s.core.v1.Secret("unmarked", metadata={"name": "unmarked"}, string_data={"pw": planted("unmarked")}, opts=opts(kc))
k8s.core.v1.ConfigMap("annotated", metadata={"name": "annotated", "annotations": {"a": secret("annotation")}},
                      opts=opts(kc))
k8s.apiextensions.CustomResource(
    "custom", api_version="x.example/v1", kind="Foo", metadata={"name": "custom"},
    spec={"deep": {"list": ["plain", secret("list")], "value": secret("nested")}, "shown": "visible-value"},
    opts=opts(kc))
k8s.helm.v3.Release("release", chart="c", version="1", name="r", namespace="n",
                    values={"password": secret("helm"), "replicas": 3}, opts=opts(kc))
pulumi.export("kubeconfig", kubeconfig.kubeconfig_raw)
pulumi.export("machineSecrets", secrets.machine_secrets)
pulumi.export("client", secrets.client_configuration)
pulumi.export("configuration", configuration.machine_configuration)
"""


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            # Certificates and ids are no secrets, here as with the official provider.
            if key not in ("cert", "caCertificate", "clientCertificate", "id"):
                yield from _leaves(item)
    else:
        yield value


def _found(folder: Path, output: str, needles: list[str]) -> list[str]:
    """Say where a needle stands, in clear or in base64."""
    forms = {n: [n.encode(), base64.b64encode(n.encode()).rstrip(b"=")[:-1]] for n in needles}
    texts = {"what was printed": output.encode()}
    texts |= {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return [
        f"{n[:18]} in {where}"
        for n, fs in forms.items()
        for where, text in texts.items()
        if any(form in text for form in fs)
    ]


def test_no_secret_is_in_clear_after_up_refresh_update_and_import(rehearsal: Rehearsal) -> None:
    rehearsal.program(PROGRAM)
    printed = rehearsal.preview().output
    first = rehearsal.up()
    assert first.code == 0, first.output
    made = [leaf for name in ("machineSecrets", "client") for leaf in _leaves(rehearsal.outputs()[name])]
    assert len(made) == 11  # the cluster's and trustd's, three of Kubernetes, five keys, and the client's
    printed += first.output + rehearsal.pulumi("refresh", "--yes").output + rehearsal.up().output
    printed += rehearsal.pulumi("stack", "export").output
    rehearsal.program(PROGRAM + 'k8s.core.v1.ConfigMap("more", metadata={"name": "more"}, opts=opts(kc))\n')
    printed += rehearsal.up().output + rehearsal.pulumi("refresh", "--yes").output
    urn = next(r["urn"] for r in rehearsal.resources("kubernetes:core/v1:Secret") if r["urn"].endswith("::marked"))
    assert rehearsal.pulumi("state", "delete", urn, "--yes").code == 0
    provider = rehearsal.resources("pulumi:providers:kubernetes")[0]["urn"]
    imported = rehearsal.pulumi(
        "import", "kubernetes:core/v1:Secret", "marked", "default/marked", "--yes", "--generate-code=false",
        "--protect=false", "--provider", f"kc={provider}",
    )  # fmt: skip
    assert imported.code == 0, imported.output
    printed += imported.output + rehearsal.pulumi("refresh", "--yes").output
    assert _found(rehearsal.folder, printed, PLANTED) == []
    assert _found(rehearsal.folder, printed, made) == []
    # The search itself works: what is no secret is found.
    assert _found(rehearsal.folder, printed, ["visible-value"])


def test_a_secret_s_manifest_shows_that_it_changed_but_not_what_it_is(rehearsal: Rehearsal) -> None:
    rehearsal.program(PROGRAM)
    assert rehearsal.up().code == 0
    name = "1-manifest/v1-secret-default-marked.yaml"
    before = rehearsal.manifest(name)
    assert "pw: sha256:" in before
    rehearsal.program(PROGRAM.replace('secret("pw")', 'secret("other")'))
    assert rehearsal.up().code == 0
    after = rehearsal.manifest(name)
    assert "pw: sha256:" in after
    assert after != before
    custom = rehearsal.manifest("1-manifest/x.example_v1-foo-default-custom.yaml")
    assert "shown: visible-value" in custom
    assert custom.count("sha256:") == 2
    release = rehearsal.manifest("2-release/helm.sh_v3-release-n-r.yaml")
    assert "replicas: 3" in release
    assert "password: sha256:" in release


def test_what_the_program_does_not_mark_but_the_official_provider_does_is_secret(rehearsal: Rehearsal) -> None:
    rehearsal.program(PROGRAM)
    assert rehearsal.up().code == 0
    state = json.dumps(rehearsal.resources("kubernetes:core/v1:Secret"))
    assert state.count("ciphertext") >= 4
    assert json.dumps(rehearsal.resources("talos:machine/secrets:Secrets")).count("ciphertext") == 11
